"""The embedded backbone: windows that cover, keys that spread, music that is reproducible and fits."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.backbones.base import Commission
from v2m.backbones.sketch import OVERLAP_FRAMES, WINDOW_FRAMES, Sketch, choose_tonic, windows
from v2m.curves import EventCurve
from v2m.errors import CancelledError
from v2m.prompt.words import read_prompt
from v2m.stages import never_cancel
from v2m.tempo import TempoMap


@given(st.integers(1, 5000), st.integers(2 * OVERLAP_FRAMES, WINDOW_FRAMES))
def test_windows_cover_every_frame_once_and_overlap_enough(frame_count: int, window_frames: int) -> None:
    composed = 0
    for first, last, known in windows(frame_count, window_frames):
        assert first + known == composed
        assert 0 < last - first <= window_frames
        assert known >= OVERLAP_FRAMES or first == 0
        composed = last
    assert composed == frame_count


def test_keys_are_drawn_evenly_and_obeyed_when_asked_for() -> None:
    brief = read_prompt("rock")
    drawn = [choose_tonic(brief, seed) for seed in range(1200)]
    assert min(np.bincount(drawn, minlength=12)) > 60
    assert {choose_tonic(read_prompt("rock in Eb minor"), seed) for seed in range(5)} == {3}


def commission(seeds: tuple[int, ...], duration_s: int = 12, **changes: object) -> Commission:
    values = np.zeros(25 * duration_s)
    values[25 * 6] = 5.0
    return Commission(
        brief=read_prompt("rock in C minor"),
        tempo_map=TempoMap.steady(120, duration_s),
        duration_s=Fraction(duration_s),
        curve=EventCurve(25.0, values, "pixel", 0.7),
        hits=(),
        seeds=seeds,
        **{"steps": 2, **changes},  # type: ignore[arg-type]
    )


@pytest.mark.slow
def test_a_take_depends_on_its_seed_alone() -> None:
    sketch = Sketch()
    alone = sketch.compose(commission((5,)), lambda fraction: None, never_cancel)
    among = sketch.compose(commission((3, 5)), lambda fraction: None, never_cancel)
    assert np.array_equal(alone[0].latents, among[1].latents)
    assert alone[0].arrangement == among[1].arrangement
    assert not np.array_equal(among[0].latents, among[1].latents)
    assert alone[0].arrangement.beat_count == 24
    assert alone[0].arrangement.tonic == 0


@pytest.mark.slow
def test_progress_rises_over_windows_and_cancelling_stops() -> None:
    seen: list[float] = []
    Sketch().compose(commission((1,), 60), seen.append, never_cancel)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)

    def cancel() -> None:
        raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        Sketch().compose(commission((1,)), lambda fraction: None, cancel)
