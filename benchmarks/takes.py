"""What one take and four cost: composing, playing and mastering a minute, from outside.

    python benchmarks/takes.py [--seconds 60] [--repeats 3] [--beside 0]

Takes are composed and played side by side on the cores. Looking at the picture is left out, which costs the
same however many takes there are (`benchmarks/score.py` has the whole). The bars are for two idle cores;
`--beside 2` keeps two cores busy with other programs, as an editing machine is, and shows what that costs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis import draw_clip
from score import run, write_timeline

BARS_S = {1: 4.0, 4: 10.0}
STAGES = ("compose", "render", "master")


def main() -> None:
    """Print seconds for each number of takes beside its bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--beside", type=int, default=0, help="other programs that compute all the time")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, {arguments.beside} of them busy; medians of {arguments.repeats} runs")
    with busy(arguments.beside), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_clip(folder / "film.mp4", arguments.seconds)
        timeline = write_timeline(folder, arguments.seconds)
        for takes, bar_s in BARS_S.items():
            runs = [run(timeline, folder / f"out-{takes}-{i}", takes)[0] for i in range(arguments.repeats)]
            stages = {stage: statistics.median(stages_s[stage] for stages_s in runs) for stage in STAGES}
            words = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in stages.items())
            print(f"{takes} take(s) {sum(stages.values()):6.1f} s ({words}); bar {bar_s:.0f} s for 60 s")


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many other programs compute meanwhile."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    main()
