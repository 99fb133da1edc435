"""Music for dance: motion beats found in the picture, and music whose beats fall on them.

    python benchmarks/dance.py [--dances 10] [--first 0] [--media ../shared/media] [--finding-only]

Ten drawn dancers (`drawn_dancer.py`), each at its own tempo, with its own clothing, background and moving
camera, are written as H.264 films and looked at like any video. First table: the share of the true motion
beats that optical flow finds within one frame, and the share of what it finds that is one.

Then each film is scored end to end by `sketch`: the beats found are hits, the tempo asked for is the tempo
found, and nothing else is known. The judge is librosa's beat tracker on the mastered sound against the true
beats. Beside it: `steady`, the same words and tempo without hits, which is a constant tempo; chance, the same
beats shifted around the film 37 times; and the paper's row, which is of AIST++ with a tolerance that its text
does not say. Dances 0-9 chose what the flow takes for noise; others chose nothing.
The same is done for uncut footage, where the beats found in the picture are the only truth.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from drawn_dancer import RATE, Dance, dance, film
from numpy.typing import NDArray

from v2m.analysis import analyze_video
from v2m.backbones import load_backbone
from v2m.evaluation.dancing import follow_dancer
from v2m.evaluation.published import published_tables
from v2m.evaluation.seen import motion_of_video
from v2m.metrics.beats import read_mono, track_beats
from v2m.metrics.dance import (
    TOLERANCES_S,
    BeatScores,
    chance_scores,
    summarize,
    tempo_deviation_bpm,
    tempo_deviation_octave_bpm,
    tolerance_scores,
)
from v2m.metrics.events import matched
from v2m.metrics.motion import MotionBeats
from v2m.score import ScoreSettings, score
from v2m.take.shelf import Shelf

FloatArray = NDArray[np.float64]

STYLES = ("house, happy", "funk", "hip-hop", "techno, dark", "rock, energetic")
UNCUT = ("uncut/cups.mp4", "uncut/dog.mp4", "uncut/car_detection.mp4", "uncut/bottle_detection.mp4")
WAYS = ("dance", "steady")


@dataclass(frozen=True)
class Judged:
    """One piece of music against one dance."""

    scores: tuple[BeatScores, ...]
    """At each tolerance."""

    chances: tuple[tuple[float, float, float], ...]
    td_bpm: float | None
    td_octave_bpm: float | None


def found_in(shown: Dance, folder: Path) -> tuple[Path, MotionBeats, int]:
    """Film, what was found in it, and how many of the true beats that is within one frame."""
    path = film(shown, folder / f"dance-{shown.number}.mp4")
    found = motion_of_video(path)
    return path, found, matched(shown.beats_s, found.times_s, float(1 / RATE))


def music_for(path: Path, found: MotionBeats, way: str, number: int, folder: Path) -> Path:
    """Score a film one way; returns the music."""
    analysis = analyze_video(path, encoder="pixel")
    analysis = follow_dancer(analysis, found) if way == "dance" else replace(analysis, hits=())
    settings = ScoreSettings(
        prompt=STYLES[number % len(STYLES)], tempo_bpm=found.tempo_bpm, seed=1000 + number
    )
    with Shelf(folder) as shelf:
        takes = score(
            analysis, settings, shelf=shelf, stem=f"{path.stem}-{way}",
            backbone=load_backbone("sketch"), with_report=False,
        )  # fmt: skip
    return takes[0].wav


def judge(wav: Path, beats_s: FloatArray, tempo_bpm: float | None, duration_s: float) -> Judged:
    """What a beat tracker hears in the music against the dance."""
    heard = track_beats(read_mono(wav))
    told = heard.tempo_bpm > 0 and tempo_bpm is not None
    return Judged(
        tuple(tolerance_scores(beats_s, heard.times_s, tolerance) for tolerance in TOLERANCES_S),
        tuple(chance_scores(beats_s, heard.times_s, tolerance, duration_s) for tolerance in TOLERANCES_S),
        tempo_deviation_bpm(heard.tempo_bpm, tempo_bpm) if told and tempo_bpm else None,
        tempo_deviation_octave_bpm(heard.tempo_bpm, tempo_bpm) if told and tempo_bpm else None,
    )


def tell(title: str, judged: list[Judged]) -> None:
    """One block of rows: a line each tolerance, chance beside."""
    tds, octaves = ([each for each in column if each is not None] for column in zip(
        *((j.td_bpm, j.td_octave_bpm) for j in judged), strict=True
    ))  # fmt: skip
    for place, tolerance in enumerate(TOLERANCES_S):
        row = summarize([each.scores[place] for each in judged])
        bcs, bhs, f1 = np.mean([each.chances[place] for each in judged], axis=0)
        print(
            f"{title:24} {1000 * tolerance:4.0f} ms  BCS {row.bcs:.3f} (chance {bcs:.3f})  BHS {row.bhs:.3f} "
            f"({bhs:.3f})  F1 macro {row.f1_macro:.3f} ({f1:.3f}) micro {row.f1_micro:.3f}  "
            f"TD {np.mean(tds):5.2f}, octaves forgiven {np.mean(octaves):5.2f}",
            flush=True,
        )


def drawn(arguments: argparse.Namespace, folder: Path) -> None:
    """Both tables of the drawn dancers."""
    print("dance  BPM  found  within a frame  of found  tempo found")
    hits = truths = finds = 0
    films = []
    for number in range(arguments.first, arguments.first + arguments.dances):
        shown = dance(number)
        path, found, near = found_in(shown, folder)
        hits, truths, finds = hits + near, truths + len(shown.beats_s), finds + len(found.times_s)
        tempo = f"{found.tempo_bpm:.1f}" if found.tempo_bpm else "-"
        print(
            f"{number:5d} {shown.tempo_bpm:4.0f} {len(found.times_s):6d} {near:9d} of {len(shown.beats_s):2d}"
            f"{near / max(1, len(found.times_s)):9.3f}  {tempo:>11}",
            flush=True,
        )
        films.append((shown, path, found))
    print(f"all: {hits / truths:.3f} of {truths} beats found; {hits / finds:.3f} of {finds} found are true\n")
    if arguments.finding_only:
        return
    for way in WAYS:
        judged = [
            judge(
                music_for(path, found, way, shown.number, folder),
                shown.beats_s,
                shown.tempo_bpm,
                shown.duration_s,
            )
            for shown, path, found in films
        ]
        tell(f"drawn, {way}", judged)


def uncut(arguments: argparse.Namespace, folder: Path) -> None:
    """The same of real footage, where nobody dances to music and the picture is the only truth."""
    films = [path for name in UNCUT if (path := arguments.media / name).is_file()]
    for way in WAYS if films else ():
        judged = []
        for number, path in enumerate(films):
            found = motion_of_video(path)
            wav = music_for(path, found, way, number, folder)
            judged.append(judge(wav, found.times_s, found.tempo_bpm, float(len(read_mono(wav)) / 22_050)))
        tell(f"{len(films)} uncut clips, {way}", judged)


def main() -> None:
    """Print it all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    beside = Path(__file__).resolve().parents[2] / "shared" / "media"
    parser.add_argument("--dances", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--media", type=Path, default=beside, help="the folder of test media")
    parser.add_argument("--finding-only", action="store_true", help="compose nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        drawn(arguments, Path(name))
        if not arguments.finding_only:
            uncut(arguments, Path(name))
    print()
    for table in published_tables("aist++"):
        for key, figures in table.rows.items():
            told = "  ".join(f"{name} {value:g}" for name, value in zip(table.columns, figures, strict=True))
            print(f"{key:24} {told}   ({table.source}, AIST++)")


if __name__ == "__main__":
    main()
