"""What `v2m score` costs from outside: a minute of 1080p24 on this machine, stage by stage.

    python benchmarks/score.py [--seconds 60] [--takes 1] [--repeats 3]

The film is drawn and encoded first (H.264, cut each 3 s), then the command runs in a process of its own, so
start-up, imports and first calls all count. Peak memory is the operating system's figure for that process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import opentimelineio as otio
from analysis import RATE, SHOT_S, draw_clip

BAR_S, BAR_BYTES = 30.0, 1.5e9


def main() -> None:
    """Print the stages, the whole and the peak."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_clip(folder / "film.mp4", arguments.seconds)
        timeline = write_timeline(folder, arguments.seconds)
        runs = [run(timeline, folder / f"out-{i}", arguments.takes) for i in range(arguments.repeats)]
    stages = {stage: statistics.median(r[0][stage] for r in runs) for stage in runs[0][0]}
    print(
        f"{os.cpu_count()} cores, {platform.machine()}; median of {len(runs)} runs, {arguments.takes} take(s)"
    )
    for stage, seconds in stages.items():
        print(f"  {stage:<10}{seconds:7.2f} s")
    whole_s, peak = statistics.median(r[1] for r in runs), max(r[2] for r in runs)
    length = f"{arguments.seconds} s of 1080p{RATE}"
    print(f"  {'whole':<10}{whole_s:7.2f} s for {length} (bar {BAR_S:.0f} s for 60 s)")
    print(f"  {'peak':<10}{peak / 1e9:7.2f} GB (bar {BAR_BYTES / 1e9:.1f} GB)")


def write_timeline(folder: Path, seconds: int) -> Path:
    """The film as an edit of shots of 3 s, last first, so that nothing is read in order."""

    def time_of(frames: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(frames, RATE)

    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    whole = otio.opentime.TimeRange(time_of(0), time_of(seconds * RATE))
    for start in reversed(range(0, seconds * RATE, SHOT_S * RATE)):
        media = otio.schema.ExternalReference("film.mp4", whole)
        length = min(SHOT_S * RATE, seconds * RATE - start)
        track.append(
            otio.schema.Clip("shot", media, otio.opentime.TimeRange(time_of(start), time_of(length)))
        )
    timeline = otio.schema.Timeline("film")
    timeline.tracks.append(track)
    otio.adapters.write_to_file(timeline, str(folder / "film.otio"), adapter_name="otio_json")
    return folder / "film.otio"


def run(timeline: Path, out: Path, takes: int) -> tuple[dict[str, float], float, float]:
    """Seconds by stage, wall seconds, and peak bytes of one run."""
    command = [
        sys.executable,
        "-m",
        "v2m_daemon.cli",
        "score",
        str(timeline),
        "--out",
        str(out),
        "--seed",
        "1",
    ]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--takes", str(takes), "--json"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101 - tells the type checker what PIPE means
    result = json.loads(process.stdout.read())
    peak = _peak_bytes(process)
    return result["stages_s"], time.perf_counter() - began, peak


def _peak_bytes(process: subprocess.Popen[str]) -> float:
    if not hasattr(os, "wait4"):  # Windows: no figure
        process.wait()
        return float("nan")
    _, _, usage = os.wait4(process.pid, 0)
    return float(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


if __name__ == "__main__":
    main()
