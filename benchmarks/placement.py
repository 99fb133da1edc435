"""Where real players put the music of returned timelines: melt (MLT) and Blender's sequencer (bpy).

    python benchmarks/placement.py                       every rate, start, counting, range, and two hours
    python benchmarks/placement.py --quick --json        what the tests hold
    python benchmarks/placement.py --blender PYTHON      with Blender: an interpreter that has `bpy`

A timeline with a dialogue track of one click is given music that begins with a sound at its sample 0 and has
two clicks, soon after and near its end; it is written as a player's project. The player's mix is searched for
them, and must be silent again after the end of a range that ends before the programme does.

Of two hours the end alone is played, where the music begins then: a player that is sent into the middle of
a file seeks there, and melt lands some 200 to 350 samples late. `placement_seek.py` shows that this is no
matter of where the music was placed, nor of how long it is.

Blender's mixdown begins on the whole sample before frame 1 (of 1601.6 at 30000/1001), so the dialogue, which
begins on that frame, tells where its programme does. Blender's own clock is of single precision, which after
two hours steps by 23 samples: there that much is granted. For the same reason it opens some strips late, with
its next buffer: what is `lost` of the music's first samples is told beside the errors.

Conventions: an error is samples at 48 kHz, found minus expected, against the exact time of the frame on which
the music begins. The dialogue's click tells that the music is heard beside other sound, not instead of it.
Blender plays the `.otio`: the script beside this one lays its strips, our music by the add-on's own hand.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import soundfile
from v2m_otio.exchange.kinds import format_named
from v2m_otio.exchange.writing import place_music_as
from v2m_otio.place import Placement
from v2m_otio.read import read_document

from v2m.timebase import SAMPLE_RATE_HZ, frame_to_sample, samples_covering

RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
)
TOLERANCE = 1
"""Samples: a frame of 30000/1001 begins between two."""

LOUD = 0.2
MUSIC, DIALOGUE = 0.5, 0.25
PULSE = 8
"""Samples that a click lasts."""

OPENING = 1200
"""Samples that the music's first sound lasts."""

FIRST_CLICK = 3 * OPENING
"""Sample of the music on which its first click lies."""

DIALOGUE_FRAME = 2
SECONDS = 4
"""Length of the usual programme."""

LONG_S = 7200
ONE_TRY_S, MOST_TRIES = 20, 8
"""Now and then, the more the busier the machine, melt 7.12 takes its start for a pause and waits for ever. It
plays a case in one second."""

WINDOW_FRAMES = 90
"""How much is played of a long programme: its end, with all three clicks."""


@dataclass(frozen=True)
class Case:
    """One timeline."""

    rate: Fraction
    start_frame: int
    """Where the music begins."""

    hours: int = 0
    """The start timecode."""

    drop_frame: bool = False
    long: bool = False
    """Two hours, played only at its end."""

    rest: int = 0
    """Frames that the programme goes on after the music, which is of a range then."""

    @property
    def frames(self) -> int:
        """Length of the programme."""
        return round((LONG_S if self.long else SECONDS) * self.rate)

    @property
    def end_frame(self) -> int:
        """The frame after the music's last."""
        return self.frames - self.rest

    @property
    def zero_frame(self) -> int:
        """The frame number of its start timecode."""
        if not self.drop_frame:
            return self.hours * 3600 * round(self.rate)
        return round(self.hours * 3600 * self.rate)

    def __str__(self) -> str:
        counting = "DF" if self.drop_frame else "NDF"
        length = "2 h" if self.long else f"{SECONDS} s"
        start = f"{self.hours:02d}:00:00 {counting:>3}"
        music = f"frames {self.start_frame:>6} to {self.end_frame:>6} of {length}"
        return f"{self.rate!s:>10} {start}  {music}"


@dataclass(frozen=True)
class Landing:
    """What a player did with one case."""

    player: str
    case: Case
    errors: tuple[int, int]
    """Of the music's first click and of its last."""

    lost: int
    """How many of the music's first samples are not heard."""

    dialogue: bool
    """Whether the other sound was heard too."""

    ends: bool = True
    """Whether nothing of the music sounds after its end."""

    @property
    def granted(self) -> int:
        """Samples that it may be off."""
        if self.player != "blender" or not self.case.long:
            return TOLERANCE
        return TOLERANCE + round(SAMPLE_RATE_HZ * float(np.spacing(np.float32(LONG_S - 1))))

    @property
    def fits(self) -> bool:
        """Whether it is where it belongs."""
        return self.dialogue and self.ends and max(map(abs, self.errors)) <= self.granted

    def __str__(self) -> str:
        verdict = "" if self.fits else "  OUT OF PLACE"
        lost = f", lost {self.lost}" if self.lost > TOLERANCE else ""
        return f"{self.player:>8}  {self.case}  errors {list(self.errors)} samples{lost}{verdict}"


def cases(*, quick: bool) -> Iterator[Case]:
    """All that is tried."""
    for rate in (RATES[0], RATES[2], RATES[3], RATES[6]) if quick else RATES:
        drops = rate in (RATES[3], RATES[6])
        yield Case(rate, 0, hours=0)
        yield Case(rate, 37, hours=1, drop_frame=drops, rest=23)
        if not quick:
            yield Case(rate, 37)
            yield Case(rate, 61, rest=1)
            yield Case(rate, 0, hours=1)
            yield Case(rate, round(LONG_S * rate) - 60, long=True)
            if drops:
                yield Case(rate, 61, hours=0, drop_frame=True)


# --- files ----------------------------------------------------------------------------------------


def write_wav(path: Path, frames: int, clicks: dict[int, float], *, opening: float = 0.0) -> None:
    """Stereo silence of 24 bit with clicks, perhaps a sound at the start; silence takes no room on disk."""
    size = frames * 6
    head = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack(
        "<IHHIIHH", 16, 1, 2, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * 6, 6, 24
    ) + b"data" + struct.pack("<I", size)  # fmt: skip
    with path.open("wb") as file:
        file.write(head)
        file.write(struct.pack("<i", round(opening * 2**23))[:3] * 2 * OPENING)
        file.truncate(len(head) + size)
        for sample, level in clicks.items():
            file.seek(len(head) + sample * 6)
            file.write(struct.pack("<i", round(level * 2**23))[:3] * 2 * PULSE)


def timeline(case: Case, folder: Path) -> Path:
    """An editor's document: a picture that needs no file, and a dialogue track."""
    rate = float(case.rate)

    def span(count: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(0, rate), otio.opentime.RationalTime(count, rate)
        )

    before = case.frames - WINDOW_FRAMES if case.long else 0
    click, samples = frame_to_sample(DIALOGUE_FRAME, case.rate), samples_covering(WINDOW_FRAMES / case.rate)
    write_wav(folder / "dialogue.wav", samples, {click: DIALOGUE})
    document = otio.schema.Timeline("placement")
    document.global_start_time = otio.opentime.RationalTime(case.zero_frame, rate)
    document.metadata["editor"] = {"drop_frame": case.drop_frame}
    slate = otio.schema.GeneratorReference(
        name="slate", generator_kind="SolidColor", parameters={"color": "black"}
    )
    picture = otio.schema.Track("Video 1", kind="Video")
    picture.append(otio.schema.Clip("slate", slate, span(case.frames)))
    sound = otio.schema.Track("Audio 1", kind="Audio")
    if before:
        sound.append(otio.schema.Gap(source_range=span(before)))
    reference = otio.schema.ExternalReference("dialogue.wav", span(WINDOW_FRAMES))
    sound.append(otio.schema.Clip("dialogue", reference, span(WINDOW_FRAMES)))
    document.tracks.extend([picture, sound])
    path = folder / "edit.otio"
    path.write_text(document.to_json_string())
    return path


def _dialogue(case: Case) -> int:
    """The click's sample of the programme."""
    before = case.frames - WINDOW_FRAMES if case.long else 0
    return frame_to_sample(before, case.rate) + frame_to_sample(DIALOGUE_FRAME, case.rate)


def scored(case: Case, folder: Path, form: str) -> Path:
    """The document with music in the case's range, as a player's project."""
    document = read_document(timeline(case, folder))
    start_s, end_s = case.start_frame / case.rate, case.end_frame / case.rate
    samples = samples_covering(end_s - start_s)
    clicks = {FIRST_CLICK: MUSIC, _last_click(case): MUSIC}
    write_wav(folder / "music.wav", samples, clicks, opening=MUSIC)
    placement = Placement(folder / "music.wav", start_s, end_s - start_s)
    out = folder / f"edit_scored{format_named(form).suffix}"
    place_music_as(document, placement, out, format_named(form))
    return out


def _last_click(case: Case) -> int:
    """Ten frames before its end, as a sample of the music."""
    return frame_to_sample(case.end_frame - 10 - case.start_frame, case.rate)


# --- players --------------------------------------------------------------------------------------


def play_by_melt(project: Path, case: Case) -> tuple[np.ndarray, int]:
    """The mix, and the sample of the programme at which it begins."""
    mix, first = project.with_name("mix.wav"), case.frames - WINDOW_FRAMES if case.long else 0
    command = [
        "melt", str(project), f"in={first}", f"out={case.frames - 1}", "-consumer", f"avformat:{mix}",
        "acodec=pcm_s24le", f"ar={SAMPLE_RATE_HZ}", "ac=2", "vn=1", "real_time=-1",
        "terminate_on_pause=1",
    ]  # fmt: skip
    headless = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    for _ in range(MOST_TRIES):
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, check=True, capture_output=True, timeout=ONE_TRY_S, env=headless)
            break
    return soundfile.read(mix)[0][:, 0], frame_to_sample(first, case.rate)


def play_by_blender(document: Path, case: Case, python: str) -> tuple[np.ndarray, int]:
    """The mixdown of the strips, saved and opened again, and where it begins by the dialogue."""
    mix, first = document.with_name("mix.wav"), case.frames - WINDOW_FRAMES if case.long else 0
    script = Path(__file__).with_name("placement_blender.py")
    arguments = [str(document), str(mix), str(case.rate.numerator), str(case.rate.denominator), str(first)]
    subprocess.run([python, str(script), *arguments], check=True, capture_output=True, timeout=300)
    sound, begins = soundfile.read(mix)[0][:, 0], frame_to_sample(first, case.rate)
    early = _nearest(begins + _onsets(sound), _dialogue(case))
    return sound, begins - early if abs(early) <= TOLERANCE else begins


def landing(player: str, case: Case, sound: np.ndarray, begins: int) -> Landing:
    """Where the clicks of a mix lie against where they belong."""
    found = begins + _onsets(sound)
    start = frame_to_sample(case.start_frame, case.rate)
    errors = (_nearest(found, start + FIRST_CLICK), _nearest(found, start + _last_click(case)))
    opened = found[(found >= start - TOLERANCE) & (found < start + OPENING)]
    lost = int(opened[0] - start) if len(opened) else OPENING
    dialogue = abs(_nearest(found, _dialogue(case))) <= TOLERANCE
    ends = not (found > frame_to_sample(case.end_frame, case.rate)).any()
    return Landing(player, case, errors, lost, dialogue, ends)


def _onsets(sound: np.ndarray) -> np.ndarray:
    """Samples at which it gets loud."""
    loud = np.abs(sound) > LOUD * DIALOGUE
    return np.flatnonzero(loud & ~np.concatenate([[False], loud[:-1]]))


def _nearest(found: np.ndarray, expected: int) -> int:
    """How far the nearest click is; very far where there is none."""
    if not len(found):
        return 2**31
    return int(min(found - expected, key=abs))


def measured(*, quick: bool, blender: str | None, only: str | None = None) -> Iterator[Landing]:
    """Every case through every player that is here, or through one."""
    by_melt = [name for name in ("mlt", "kdenlive") if only in (None, name) and shutil.which("melt")]
    blender = blender if only in (None, "blender") else None
    for case in cases(quick=quick):
        for player in by_melt:
            with tempfile.TemporaryDirectory() as folder:
                yield landing(player, case, *play_by_melt(scored(case, Path(folder), player), case))
        if blender:
            with tempfile.TemporaryDirectory() as folder:
                yield landing(
                    "blender", case, *play_by_blender(scored(case, Path(folder), "otio"), case, blender)
                )


def main() -> int:
    """Print the table; 1 if anything is out of place."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="four rates, two cases each")
    parser.add_argument("--blender", metavar="PYTHON", default=os.environ.get("V2M_BLENDER_PYTHON"))
    parser.add_argument("--player", choices=("mlt", "kdenlive", "blender"), help="this one alone")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    landings = []
    for each in measured(quick=arguments.quick, blender=arguments.blender, only=arguments.player):
        landings.append(each)
        if not arguments.json:
            print(each, flush=True)
    worst = max((abs(error) for each in landings for error in each.errors), default=None)
    if arguments.json:
        told = [
            {"player": e.player, "case": str(e.case), "errors": e.errors, "fits": e.fits} for e in landings
        ]
        print(json.dumps({"landings": told, "worst": worst}))
    else:
        out = sum(not each.fits for each in landings)
        print(f"{len(landings)} timelines played, {out} out of place, worst error {worst} samples")
    return 0 if landings and all(each.fits for each in landings) else 1


if __name__ == "__main__":
    sys.exit(main())
