"""Music of our own for a benchmark: every clip scored by a backbone, as a folder of audio like any peer's.

    OUT/audio/NAME/ID.wav

What is there already stays: a run that was stopped goes on. The same benchmark, backbone and seed give the
same files. Two ways besides show what the picture brings: `constant-tempo` hides the hits, so that the music
keeps a steady click and marks nothing; `text-only` hides the event curve as well.

On a benchmark of dance the hits are the dancer's arrivals and the tempo is that of the motion, both found in
the picture by optical flow: the tempo that the benchmark tells, and joints that it knows, are for the judge.

Conventions: seeds are the given one plus the clip's number in the benchmark.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from v2m.analysis import Analysis, analyze_video
from v2m.errors import OutputWriteError, V2MError
from v2m.evaluation.clip import Benchmark, Clip
from v2m.evaluation.dancing import follow_dancer
from v2m.evaluation.run import Spreading
from v2m.evaluation.seen import motion_of_video
from v2m.score import ScoreSettings, score
from v2m.take.shelf import Shelf

Way = Literal["v2m", "constant-tempo", "text-only"]
WAYS: Final[tuple[Way, ...]] = ("v2m", "constant-tempo", "text-only")

_WAV: Final = "music.wav"


@dataclass(frozen=True)
class Commissioned:
    """One clip to score."""

    clip: Clip
    out: Path
    settings: ScoreSettings
    encoder: str
    way: Way
    dancer: bool
    """Whether a dancer's arrivals are followed, and not the picture's own hits."""


def compose_benchmark(
    benchmark: Benchmark,
    folder: Path,
    settings: ScoreSettings,
    *,
    encoder: str = "pixel",
    way: Way = "v2m",
    where: Spreading | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[str, ...]:
    """Score every clip that has a video and no file yet.

    Args:
        benchmark: its clips' prompts and tempi are asked for.
        folder: gets ID.wav.
        settings: the knobs; prompt and tempo are each clip's own, the seed counts up from the given one.
        encoder: what looks at the picture.
        way: what the music is told of the picture.
        where: how the work is spread.
        on_progress: told the fraction done.

    Returns:
        Sentences on clips that could not be scored.

    Raises:
        OutputWriteError: the folder cannot be written.
    """
    where = where or Spreading()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputWriteError(f"{folder} could not be made: {error.strerror}.") from error
    dancer = benchmark.follows == "dancer"
    left = [
        Commissioned(
            clip, folder / f"{clip.id}.wav", _asked(settings, clip, number, dancer), encoder, way, dancer
        )
        for number, clip in enumerate(benchmark.clips)
        if clip.video is not None and not (folder / f"{clip.id}.wav").exists()
    ]
    failed = []
    for number, (job, done) in enumerate(where.over(compose_clip, left), 1):
        if isinstance(done, V2MError):
            failed.append(f"{job.clip.id}: {done.sentence()}")
        on_progress(number / len(left))
    return tuple(failed)


def compose_clip(job: Commissioned) -> None:
    """Score one clip into its file, whole or not at all.

    Raises:
        V2MError: see `v2m.errors`.
    """
    assert job.clip.video is not None  # noqa: S101 - the caller looked
    analysis, settings = analyze_video(job.clip.video, encoder=job.encoder), job.settings
    if job.dancer and job.way != "text-only":
        motion = motion_of_video(job.clip.video)
        analysis = follow_dancer(analysis, motion)
        settings = replace(settings, tempo_bpm=settings.tempo_bpm or motion.tempo_bpm)
    analysis = _told(analysis, job.way)
    try:
        with tempfile.TemporaryDirectory(dir=job.out.parent, prefix=".making-") as making:
            with Shelf(Path(making)) as shelf:
                takes = score(analysis, settings, shelf=shelf, stem="clip", with_report=False)
            os.replace(takes[0].folder / _WAV, job.out)
    except OSError as error:
        raise OutputWriteError(f"{job.out} could not be written: {error.strerror}.") from error


def _told(analysis: Analysis, way: Way) -> Analysis:
    if way == "v2m":
        return analysis
    deaf = replace(analysis, hits=())
    if way == "constant-tempo":
        return deaf
    return replace(deaf, curve=replace(analysis.curve, values=np.zeros_like(analysis.curve.values)))


def _asked(settings: ScoreSettings, clip: Clip, number: int, dancer: bool) -> ScoreSettings:
    return replace(
        settings,
        prompt=clip.prompt or settings.prompt,
        tempo_bpm=settings.tempo_bpm or (None if dancer else clip.bpm),
        seed=(settings.seed or 0) + number,
    )
