"""What a take says of itself is measured from its sound, however long that is; there is a longest."""

import tracemalloc
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from v2m.analysis import Analysis
from v2m.audio import WavWriter
from v2m.curves import event_curve
from v2m.errors import InputError
from v2m.hits import find_hits
from v2m.measures import curve_correlation, heard_errors
from v2m.score import ScoreSettings, score
from v2m.take.shelf import Shelf
from v2m.timeline import Cut, Shot, Timeline

RATE_HZ = 48_000


def analysis_of(length_s: int, cuts_s: range) -> Analysis:
    """A programme without pictures that is cut at whole seconds."""
    bounds = [0, *cuts_s, length_s]
    shots = tuple(Shot(Fraction(a), Fraction(b - a)) for a, b in pairwise(bounds))
    cuts = tuple(Cut(Fraction(time)) for time in cuts_s)
    timeline = Timeline(Fraction(24), Fraction(length_s), shots, cuts)
    curve = event_curve(None, float(length_s), rate_hz=25.0, cuts=cuts)
    return Analysis(timeline, curve, find_hits(timeline), ())


def write_music(path: Path, length_s: int, attacks_s: range) -> None:
    """A decaying tone at each attack, silence elsewhere."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    pluck = np.repeat((0.5 * np.sin(2600 * time_s) * np.exp(-6 * time_s))[:, None], 2, axis=1)
    with WavWriter(path) as wav:
        for second in range(length_s):
            wav.write((pluck if second in attacks_s else 0 * pluck).astype(np.float32))


def test_attacks_on_the_cuts_are_heard_there_and_follow_the_curve(tmp_path: Path) -> None:
    write_music(tmp_path / "music.wav", 30, range(3, 30, 4))
    analysis = analysis_of(30, range(3, 30, 4))
    errors = heard_errors(analysis, tmp_path / "music.wav")
    assert set(errors) == {hit.id for hit in analysis.hits if hit.kind != "end"}
    assert all(error is not None and abs(error) < 0.01 for error in errors.values())
    correlation = curve_correlation(analysis, tmp_path / "music.wav")
    assert correlation is not None
    assert correlation > 0.5


@pytest.mark.slow
def test_a_long_programme_is_never_held_whole(tmp_path: Path) -> None:
    length_s = 300
    write_music(tmp_path / "music.wav", length_s, range(0, length_s, 5))
    analysis = analysis_of(length_s, range(5, length_s, 5))
    tracemalloc.start()
    try:
        heard_errors(analysis, tmp_path / "music.wav")
        hits_peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        curve_correlation(analysis, tmp_path / "music.wav")
        curve_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    samples_bytes = length_s * RATE_HZ * 8
    assert hits_peak < 0.2 * samples_bytes
    assert curve_peak < 0.8 * samples_bytes


def test_a_measure_without_sound_or_sense_is_none(tmp_path: Path) -> None:
    write_music(tmp_path / "silence.wav", 3, range(0))
    analysis = analysis_of(3, range(1, 2))
    assert heard_errors(analysis, tmp_path / "silence.wav") == {"cut-1": None}
    assert curve_correlation(analysis, tmp_path / "silence.wav") is None


def test_a_programme_longer_than_a_wav_can_be_is_refused_before_the_work(tmp_path: Path) -> None:
    with Shelf(tmp_path) as shelf, pytest.raises(InputError, match=r"lasts 5\.0 h"):
        score(analysis_of(5 * 3600, range(3600, 3601)), ScoreSettings(), shelf=shelf, stem="long")
    assert list(tmp_path.iterdir()) == []
