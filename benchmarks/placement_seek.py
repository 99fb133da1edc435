"""How melt seeks within a file of sound, and that it plays two hours through without drift.

    python benchmarks/placement_seek.py             sent into the middle of files, at several rates
    python benchmarks/placement_seek.py --whole     and two hours of returned music from their first frame on

A file with clicks is played from some of its frames. MLT 7.12 comes late by part of a packet: by as much
after ten seconds as after twenty minutes, and by none from the file's beginning. So it is no matter of where
something was placed, and all sound is late together. Played through from the first frame (minutes), the last
click of two hours of music, placed as the product does, lies on its sample.
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
from placement import LOUD, MOST_TRIES, MUSIC, ONE_TRY_S, Case, landing, scored, write_wav

from v2m.timebase import SAMPLE_RATE_HZ, frame_to_sample

EVERY_S = 10
"""Between the clicks of the file."""

STARTS_S = (0, 10, 100, 1190)
PLAYED_FRAMES = 60
WHOLE_S = 1800
"""Two hours play in some five minutes of a machine that does nothing else."""

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


def late_after_seek(folder: Path, rate: Fraction, start_s: int) -> int:
    """How many samples the first click comes late when melt begins at a time of the file."""
    wav, project, mix = folder / "clicks.wav", folder / "clicks.mlt", folder / "mix.wav"
    first = round(start_s * rate)
    project.write_text(PROJECT.format(rate=rate, wav=wav))
    melt(project, mix, f"in={first}", f"out={first + PLAYED_FRAMES - 1}", within_s=ONE_TRY_S)
    sound = np.abs(soundfile.read(mix)[0][:, 0])
    expected = start_s * SAMPLE_RATE_HZ + SAMPLE_RATE_HZ // 2 - frame_to_sample(first, rate)
    return int(np.flatnonzero(sound > LOUD * MUSIC)[0]) - expected


def main() -> int:
    """Print what is found; 1 if music drifts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--whole", action="store_true", help="play two hours through, which takes minutes")
    whole = parser.parse_args().whole
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = STARTS_S[-1] + EVERY_S
        clicks = {s * SAMPLE_RATE_HZ + SAMPLE_RATE_HZ // 2: MUSIC for s in range(0, seconds, EVERY_S)}
        write_wav(folder / "clicks.wav", seconds * SAMPLE_RATE_HZ, clicks)
        for rate in (Fraction(24), Fraction(25), Fraction(30000, 1001)):
            late = [late_after_seek(folder, rate, start_s) for start_s in STARTS_S]
            told = ", ".join(f"{n} from {s} s on" for n, s in zip(late, STARTS_S, strict=True))
            print(f"{rate!s:>10} samples late: {told}", flush=True)
        if not whole:
            return 0
        case = Case(Fraction(30000, 1001), 0, hours=1, drop_frame=True, long=True)
        project, mix = scored(case, folder, "mlt"), folder / "mix.wav"
        small = project.read_text().replace('width="1920" height="1080"', 'width="64" height="36"')
        project.write_text(small)  # its black picture takes longer than its sound
        melt(project, mix, within_s=WHOLE_S)
        sound = soundfile.read(mix, dtype="float32")[0][:, 0]
        found = landing("mlt", case, sound, 0)
        print(f"played through: {found}")
        return 0 if found.fits else 1


if __name__ == "__main__":
    sys.exit(main())
