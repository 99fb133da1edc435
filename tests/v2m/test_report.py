"""The picture of an analysis shows each thing at its time, whatever the analysis holds."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from v2m.analysis import Analysis
from v2m.curves import EventCurve
from v2m.errors import OutputWriteError
from v2m.hits import Hit, HitKind
from v2m.report import HIT_COLORS, TEMPO, plot_analysis
from v2m.tempo import TempoMap
from v2m.timeline import Cut, Marker, Shot, Timeline


def analysis(duration_s: int, cuts_s: list[int], hits: list[tuple[int, HitKind]]) -> Analysis:
    seams = [0, *cuts_s, duration_s]
    shots = tuple(Shot(Fraction(a), Fraction(b - a)) for a, b in pairwise(seams))
    timeline = Timeline(
        Fraction(24),
        Fraction(duration_s),
        shots,
        tuple(Cut(Fraction(cut)) for cut in cuts_s),
        (Marker("m", Fraction(duration_s, 2), name="Größe 大"),),
        name=r"a $name with \signs$ {of} mathematics",
    )
    curve = EventCurve(5.0, np.sin(np.arange(duration_s * 5) / 7.0), "pixel", 0.7)
    found = tuple(Hit(f"h-{at}", Fraction(at), kind, 0.8) for at, kind in hits)
    return Analysis(timeline, curve, found, ())


def columns(path: Path, color: str) -> NDArray[np.float64]:
    """Middles of the vertical strokes of a colour, in pixels from the left."""
    picture = matplotlib.image.imread(path)[..., :3]
    matches = (np.abs(picture - np.asarray(to_rgb(color))).max(axis=-1) < 0.02).sum(axis=0)
    strong = np.flatnonzero(matches > 40)  # a stroke is 60 pixels high, a dot of the legend 6
    groups = np.split(strong, np.flatnonzero(np.diff(strong) > 1) + 1)
    return np.array([group.mean() for group in groups])


def test_hits_stand_at_their_times(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    plot_analysis(path, analysis(40, [5, 13], [(10, "cut"), (20, "cut"), (30, "cut")]))
    assert matplotlib.image.imread(path).shape[:2] == (600, 1600)
    found = columns(path, HIT_COLORS["cut"])
    assert len(found) == 3
    assert found[1] - found[0] == pytest.approx(found[2] - found[1], abs=1)
    assert 1600 * 0.9 / 4 < found[1] - found[0] < 1600 / 4  # ten of forty seconds


def test_the_tempo_is_drawn_only_where_there_are_beats(tmp_path: Path) -> None:
    scene = analysis(20, [10], [(10, "cut")])
    plot_analysis(tmp_path / "without.png", scene)
    plot_analysis(tmp_path / "with.png", scene, TempoMap.steady(120, 20))
    assert not has(tmp_path / "without.png", TEMPO)
    assert has(tmp_path / "with.png", TEMPO)


def has(path: Path, color: str) -> bool:
    picture = matplotlib.image.imread(path)[..., :3]
    return bool((np.abs(picture - np.asarray(to_rgb(color))).max(axis=-1) < 0.02).any())


@pytest.mark.slow
def test_two_hours_are_drawn_like_any_other(tmp_path: Path) -> None:
    cuts = list(range(3, 7200, 3))
    plot_analysis(
        tmp_path / "long.png",
        analysis(7200, cuts, [(at, "cut") for at in cuts]),
        TempoMap.steady(120, 7200),
    )
    assert has(tmp_path / "long.png", TEMPO)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputWriteError, match="picture"):
        plot_analysis(tmp_path / "nowhere" / "picture.png", analysis(4, [], []))
