"""Takes are ranked by hits that are heard, then by curves that run together, then by the music itself."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from v2m.score import Scored
from v2m.take.record import TakeRecord


def take(hits: float, curves: float | None, music: dict[str, float | None] | None = None) -> Scored:
    metrics: dict[str, Any] = {"hits_heard": hits, "curve_correlation": curves, "music": music}
    return Scored(Path("take.v2m"), cast(TakeRecord, SimpleNamespace(metrics=metrics)))


@given(*[st.floats(0, 1) for _ in range(4)])
def test_a_clearly_better_earlier_figure_decides(low: float, high: float, curve: float, other: float) -> None:
    if high - low > 0.02:
        assert take(high, curve).rank_key > take(low, other).rank_key
    if high - low > 0.11:
        assert take(1.0, high).rank_key > take(1.0, low, {"scale_consistency": 1.0}).rank_key


def test_takes_that_hit_and_follow_alike_are_ranked_by_their_music() -> None:
    steady: dict[str, float | None] = {
        "scale_consistency": 0.98, "groove_consistency": 0.9, "empty_bar_rate": 0.0
    }  # fmt: skip
    good, torn, silent = (
        take(1.0, 0.51, steady),
        take(1.0, 0.53, steady | {"groove_consistency": 0.6}),
        take(1.0, 0.52, steady | {"empty_bar_rate": 0.5, "scale_consistency": None}),
    )
    ranked = sorted([silent, torn, good], key=lambda scored: scored.rank_key, reverse=True)
    assert ranked == [good, torn, silent]


def test_takes_without_figures_can_be_ranked() -> None:
    assert take(1.0, None).rank_key < take(1.0, 0.4).rank_key
