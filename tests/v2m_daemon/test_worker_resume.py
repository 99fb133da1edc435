"""An interrupted job goes on from what it left, and ends in the bytes of one that was not interrupted."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import opentimelineio as otio
import pytest
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.worker.attempt import Studio
from v2m_daemon.worker.drafts import Drafts
from v2m_daemon.worker.executor import Work

from tests.v2m_daemon.quick_worker import QuickBackbone
from v2m.analysis import analyze_video
from v2m.backbones.base import Commission, Composition
from v2m.stages import Cancel, FractionDone, never_cancel, no_progress
from v2m.take.record import Source

JOB_ID = "01JOB"


class Killed(BaseException):
    """Nobody catches it, as nobody catches a signal."""


class Counting:
    """The quick backbone, and how often it was asked."""

    name = "quick"
    weights_sha256 = "0" * 64

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []
        self._quick = QuickBackbone()

    def compose(
        self, commission: Commission, on_progress: FractionDone, cancel: Cancel
    ) -> tuple[Composition, ...]:
        self.calls.append(commission.seeds)
        composed: tuple[Composition, ...] = self._quick.compose(commission, on_progress, cancel)
        return composed


@pytest.fixture(scope="module")
def film(media_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a real picture with a cut in a timeline."""
    path = tmp_path_factory.mktemp("film") / "film.otio"
    timeline, track = otio.schema.Timeline("film"), otio.schema.Track("V1")
    timeline.tracks.append(track)
    for start in (0, 60):
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(24, 24)
        )
        media = otio.schema.ExternalReference(str(media_dir / "odd" / "bbb_23976.mp4"))
        track.append(otio.schema.Clip(f"shot {start}", media, span))
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")
    return path


def work(root: Path, film: Path, takes: int = 2) -> Work:
    folder = root / "job"
    folder.mkdir(parents=True, exist_ok=True)
    spec = JobSpec(
        kind=JobKind.SCORE, document=str(film), out_dir=str(root / "out"), takes=takes, prompt="rock, drums"
    )
    return Work(JOB_ID, spec, folder)


def without_stage_times(content: bytes) -> bytes:
    """A file as it is; a report without the one part that tells how long each stage took."""
    before, _, after = content.partition(b'<section class="card made">')
    return before + after.partition(b"</section>")[2] if after else before


def contents(root: Path) -> dict[str, str]:
    out = root / "out"
    return {
        str(path.relative_to(out)): hashlib.sha256(without_stage_times(path.read_bytes())).hexdigest()
        for path in out.rglob("*")
        if path.is_file()
    }


def killed_at(stage: str, nth: int) -> Callable[[str, float], None]:
    """A progress that kills when it hears of a stage the nth time."""
    left = nth

    def hear(name: str, fraction: float) -> None:
        nonlocal left
        left -= name == stage
        if left == 0:
            raise Killed

    return hear


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # who is killed closes nothing
def test_wherever_it_is_interrupted_it_ends_in_the_same_bytes(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # nobody switches the machine off here
    heard: list[str] = []
    Studio(lambda name: Counting()).do(
        work(tmp_path / "whole", film), lambda stage, fraction: heard.append(stage), never_cancel
    )
    whole = contents(tmp_path / "whole")
    assert len(whole) == 2 * 8 + 1
    moments = {stage: heard.count(stage) for stage in dict.fromkeys(heard)}
    for stage, count in moments.items():
        for nth in sorted({1, count}):
            root = tmp_path / f"{stage}-{nth}"
            with pytest.raises(Killed):
                Studio(lambda name: Counting()).do(work(root, film), killed_at(stage, nth), never_cancel)
            assert not any(root.glob("out/*"))  # nothing is in place before all is
            backbone = Counting()
            Studio(lambda name, b=backbone: b).do(work(root, film), no_progress, never_cancel)  # type: ignore[misc]
            assert contents(root) == whole, (stage, nth)
            if stage in ("render", "master", "place"):
                assert backbone.calls == []  # what was composed is not composed again


@pytest.mark.slow
def test_what_was_seen_and_kept_is_the_same_to_the_bit(media_dir: Path, tmp_path: Path) -> None:
    drafts = Drafts(tmp_path, "asked")
    sources = (Source("/a.mov", "00"),)
    made = drafts.analysis("video", sources, lambda: analyze_video(media_dir / "edited" / "psd_fades.mp4"))

    def never() -> None:
        raise AssertionError("it was seen already")

    again = drafts.analysis("video", sources, never)  # type: ignore[arg-type]
    assert again.timeline == made.timeline
    assert again.hits == made.hits
    assert again.notes == made.notes
    assert again.sheet == made.sheet
    assert again.sheet is not None
    assert again.curve.values.tobytes() == made.curve.values.tobytes()
    assert (again.curve.rate_hz, again.curve.encoder) == (made.curve.rate_hz, made.curve.encoder)
    for other in (Drafts(tmp_path, "asked otherwise"), drafts):
        changed = sources if other is not drafts else (Source("/a.mov", "01"),)
        with pytest.raises(AssertionError, match="already"):
            other.analysis("video", changed, never)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_document_that_changed_meanwhile_is_seen_anew(film: Path, tmp_path: Path) -> None:
    mine = tmp_path / "film.otio"
    mine.write_bytes(film.read_bytes())
    with pytest.raises(Killed):
        Studio(lambda name: Counting()).do(work(tmp_path, mine), killed_at("place", 1), never_cancel)
    timeline = otio.adapters.read_from_file(str(mine), adapter_name="otio_json")
    del timeline.tracks[0][1]
    otio.adapters.write_to_file(timeline, str(mine), adapter_name="otio_json")
    backbone = Counting()
    done = Studio(lambda name: backbone).do(work(tmp_path, mine), no_progress, never_cancel)
    assert done.result["duration_s"] == 1.0
    assert sum(map(len, backbone.calls)) == 2  # both takes are composed anew, together or one by one


@pytest.mark.slow
def test_a_smaller_window_composes_take_by_take(film: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    backbone = Counting()
    small = replace(work(tmp_path, film, takes=3), window_scale=0.5)
    done = Studio(lambda name: backbone).do(small, no_progress, never_cancel)
    seeds = [take["seed"] for take in done.result["takes"]]
    assert sorted(backbone.calls) == [(seed,) for seed in sorted(seeds)]
