"""How melt seeks within a file of sound, and that what it plays on from the beginning does not drift.

    python benchmarks/placement_seek.py             sent into the middle of a file, at several rates
    python benchmarks/placement_seek.py --through   and the file played through, which takes a minute or more

A file of twenty minutes with a click every ten seconds is played from some of its frames. MLT 7.12 comes late
by part of a packet: by as much after ten seconds as after twenty minutes, and by none from the file's
beginning. So it is no matter of where something was placed, and all sound is late together. Played through
from its first frame, every click lies on its sample.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from placement import LOUD, MOST_TRIES, MUSIC, ONE_TRY_S, write_wav

from v2m.timebase import SAMPLE_RATE_HZ, frame_to_sample

EVERY_S = 10
"""Between the clicks of the file."""

LENGTH_S = 1200
STARTS_S = (0, 10, 100, LENGTH_S - EVERY_S)
PLAYED_FRAMES = 60
THROUGH_S = 1800
"""Longer than a busy machine takes for twenty minutes."""

PROJECT = """<mlt LC_NUMERIC="C" producer="p">
<profile width="64" height="36" progressive="1" sample_aspect_num="1" sample_aspect_den="1"
 display_aspect_num="16" display_aspect_den="9" colorspace="709"
 frame_rate_num="{rate.numerator}" frame_rate_den="{rate.denominator}"/>
<producer id="p"><property name="resource">{wav}</property><property name="mlt_service">avformat</property>
<property name="video_index">-1</property></producer></mlt>
"""


def melt(project: Path, mix: Path, *options: str, within_s: float) -> None:
    """The mix of a project; tried again where melt takes its start for a pause."""
    command = ["melt", str(project), *options, "-consumer", f"avformat:{mix}", "acodec=pcm_s16le",
               f"ar={SAMPLE_RATE_HZ}", "ac=2", "vn=1", "real_time=-1", "terminate_on_pause=1"]  # fmt: skip
    headless = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    for _ in range(MOST_TRIES):
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, check=True, capture_output=True, timeout=within_s, env=headless)
            return


def late(folder: Path, rate: Fraction, start_s: int, frames: int, within_s: float) -> list[int]:
    """How many samples each click comes late that melt plays from a time of the file on."""
    wav, project, mix = folder / "clicks.wav", folder / "clicks.mlt", folder / "mix.wav"
    first = round(start_s * rate)
    project.write_text(PROJECT.format(rate=rate, wav=wav))
    melt(project, mix, f"in={first}", f"out={first + frames - 1}", within_s=within_s)
    loud = np.abs(soundfile.read(mix, dtype="float32")[0][:, 0]) > LOUD * MUSIC
    found = np.flatnonzero(loud & ~np.concatenate([[False], loud[:-1]]))
    expected = start_s * SAMPLE_RATE_HZ + SAMPLE_RATE_HZ // 2 - frame_to_sample(first, rate)
    return [int(at) - expected - n * EVERY_S * SAMPLE_RATE_HZ for n, at in enumerate(found)]


def main() -> int:
    """Print what is found; 1 if music drifts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--through", action="store_true", help="play the file through")
    through = parser.parse_args().through
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clicks = {s * SAMPLE_RATE_HZ + SAMPLE_RATE_HZ // 2: MUSIC for s in range(0, LENGTH_S, EVERY_S)}
        write_wav(folder / "clicks.wav", LENGTH_S * SAMPLE_RATE_HZ, clicks)
        for rate in (Fraction(24), Fraction(25), Fraction(30000, 1001)):
            found = [late(folder, rate, start_s, PLAYED_FRAMES, ONE_TRY_S)[0] for start_s in STARTS_S]
            told = ", ".join(f"{n} from {s} s on" for n, s in zip(found, STARTS_S, strict=True))
            print(f"{rate!s:>10} samples late: {told}", flush=True)
        if not through:
            return 0
        rate = Fraction(30000, 1001)
        every = late(folder, rate, 0, round(LENGTH_S * rate), THROUGH_S)
        print(
            f"{rate!s:>10} played through: {len(every)} clicks, late by {min(every)} to {max(every)} samples"
        )
        return 0 if len(every) == len(clicks) and not any(every) else 1


if __name__ == "__main__":
    sys.exit(main())
