"""Music of our own for a benchmark: made once, three ways, and for a dance on the dancer's arrivals."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from v2m.analysis import Analysis
from v2m.curves import EventCurve
from v2m.errors import OutputWriteError
from v2m.evaluation.clip import Benchmark, Clip
from v2m.evaluation.compose import WAYS, compose_benchmark
from v2m.evaluation.dancing import follow_dancer
from v2m.metrics.motion import MotionBeats
from v2m.score import ScoreSettings
from v2m.timeline import Shot, Timeline

Make = Callable[..., Path]
QUICK = ScoreSettings(seed=5, steps=2)


def benchmark_of(folder: Path, film: Make) -> Benchmark:
    clips = (Clip("a", film(folder / "a.mp4"), "house", bpm=120.0), Clip("b"))
    return Benchmark("folder", "Small", clips, ("sch",), "nothing", "none")


@pytest.mark.slow
def test_each_way_makes_its_own_music_once(tmp_path: Path, film: Make) -> None:
    benchmark = benchmark_of(tmp_path / "videos", film)
    sounds = []
    for way in WAYS:
        assert compose_benchmark(benchmark, tmp_path / way, QUICK, way=way) == ()
        assert [path.name for path in sorted((tmp_path / way).iterdir())] == ["a.wav"]
        sounds.append(soundfile.read(tmp_path / way / "a.wav")[0])
        assert len(sounds[-1]) == 3 * 48_000
    assert not np.array_equal(sounds[0], sounds[1])
    assert not np.array_equal(sounds[1], sounds[2])
    before = (tmp_path / "v2m" / "a.wav").stat().st_mtime_ns
    done: list[float] = []
    compose_benchmark(benchmark, tmp_path / "v2m", QUICK, on_progress=done.append)
    assert done == []
    assert (tmp_path / "v2m" / "a.wav").stat().st_mtime_ns == before


def test_a_clip_that_cannot_be_scored_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    benchmark = Benchmark("folder", "S", (Clip("broken", tmp_path / "broken.mp4"),), ("sch",), "", "")
    (failed,) = compose_benchmark(benchmark, tmp_path / "out", QUICK)
    assert failed.startswith("broken: ")
    assert list((tmp_path / "out").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError):
        compose_benchmark(benchmark, tmp_path / "file" / "out", QUICK)


def test_a_dancers_arrivals_become_hits_on_frames() -> None:
    timeline = Timeline(
        rate=Fraction(25), duration_s=Fraction(4), shots=(Shot(Fraction(0), Fraction(4), None),), cuts=()
    )
    analysis = Analysis(timeline, EventCurve(25.0, np.zeros(100), "pixel", 0.7), (), ())
    beats = MotionBeats(np.array([-0.01, 0.513, 0.521, 1.0, 4.2]), 120.0)
    hits = follow_dancer(analysis, beats).hits
    assert [hit.time_s for hit in hits] == [Fraction(13, 25), Fraction(1)]
    assert {hit.kind for hit in hits} == {"visual"}
    assert len({hit.id for hit in hits}) == 2
