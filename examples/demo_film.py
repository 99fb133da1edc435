"""Draws a thirty-second film and cuts it, so that V2M can be tried with no footage at hand.

    python examples/demo_film.py demo_out

leaves three media files, as a camera would (`hills.mp4`, `city.mp4`, `sea.mp4`: every take with handles), and
`demo.otio`, the edit: twelve shots at 24000/1001 that begin at 01:00:00:00, one dissolve, a landing and a
flash inside shots, and two markers.

Conventions: `t` is a frame number of a take, 0 where the edit first uses it. Nothing is left to chance: the
same code draws the same files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
from demo_brushes import HEIGHT, WIDTH, Picture
from demo_takes import boat, city, clock, dawn, hilltop, landing, night, road, storm

RATE = Fraction(24000, 1001)
HANDLE = 12
"""Frames that each take runs before and after what the edit uses: half of the dissolve needs them."""

START_FRAME = 24 * 60 * 60
"""01:00:00:00, where most editors begin a timeline."""

Take = Callable[[int], Picture]


@dataclass(frozen=True)
class Cut:
    """One shot of the edit: `length` frames of a take from its frame `first`."""

    take: Take
    first: int
    length: int
    dissolve: int = 0
    """Frames over which this shot dissolves into the next, half before and half after the seam."""


EDIT = (
    Cut(night, 0, 81),
    Cut(road, 0, 70),
    Cut(landing, 0, 63),
    Cut(city, 0, 77),
    Cut(clock, 0, 45),
    Cut(city, 84, 38),
    Cut(storm, 0, 74),
    Cut(boat, 0, 52),
    Cut(storm, 84, 34, dissolve=24),
    Cut(dawn, 0, 97),
    Cut(road, 84, 31),
    Cut(hilltop, 0, 58),
)
"""720 frames, 30.03 s. The lengths fit no steady beat: music that hits these cuts was made for them."""

ROLLS: dict[str, tuple[Take, ...]] = {
    "hills.mp4": (night, road, landing, hilltop),
    "city.mp4": (city, clock),
    "sea.mp4": (storm, boat, dawn),
}
"""The media files, each with its takes one after another."""

MARKERS = ((692, "RED", "hit", "the ball lands for good"), (374, "GREEN", "section", "the storm"))
"""Frame of the programme, colour, name, note."""


def take_length(take: Take) -> int:
    """Frames of a take that the edit needs, without handles."""
    return max(cut.first + cut.length for cut in EDIT if cut.take is take)


def shoot(path: Path, takes: Iterable[Take]) -> dict[Take, int]:
    """Write one media file; returns the file's frame at which each take's frame 0 lies."""
    zero_at: dict[Take, int] = {}
    written = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264" if "libx264" in av.codecs_available else "mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        # One thread, so that the same code writes the same bytes on every machine.
        stream.options = {"preset": "veryfast", "crf": "18", "threads": "1"}
        for take in takes:
            zero_at[take] = written + HANDLE
            for t in range(-HANDLE, take_length(take) + HANDLE):
                picture = np.clip(take(t), 0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                written += 1
        container.mux(stream.encode())
    return zero_at


def edit(media: dict[str, dict[Take, int]]) -> otio.schema.Timeline:
    """The timeline of `EDIT`, over media files that lie beside it."""
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for number, cut in enumerate(EDIT, start=1):
        name, zero_at = next((name, zeros) for name, zeros in media.items() if cut.take in zeros)
        reference = otio.schema.ExternalReference(
            target_url=name, available_range=span(0, roll_length(zero_at))
        )
        source = span(zero_at[cut.take] + cut.first, cut.length)
        track.append(otio.schema.Clip(f"{number:02d} {cut.take.__name__}", reference, source))
        if cut.dissolve:
            half = otio.opentime.RationalTime(cut.dissolve / 2, float(RATE))
            kind = otio.schema.TransitionTypes.SMPTE_Dissolve
            track.append(otio.schema.Transition("dissolve", kind, half, half))
    start = otio.opentime.RationalTime(START_FRAME, float(RATE))
    timeline = otio.schema.Timeline("V2M demo", global_start_time=start)
    timeline.tracks.append(track)
    for frame, color, name, note in MARKERS:
        timeline.tracks.markers.append(
            otio.schema.Marker(name=name, marked_range=span(frame, 1), color=color, comment=note)
        )
    return timeline


def span(start: int, length: int) -> otio.opentime.TimeRange:
    """Frames as OTIO writes them."""
    rate = float(RATE)
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(length, rate)
    )


def roll_length(takes: Iterable[Take]) -> int:
    """Frames of a media file that holds these takes."""
    return sum(take_length(take) + 2 * HANDLE for take in takes)


def make_film(folder: Path) -> Path:
    """Draw the media files and the timeline into a folder; returns the timeline's path."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:  # a file a core
        rolls = pool.map(shoot, (folder / name for name in ROLLS), ROLLS.values())
        media = dict(zip(ROLLS, rolls, strict=True))
    path = folder / "demo.otio"
    otio.adapters.write_to_file(edit(media), str(path))
    return path


def main(arguments: list[str]) -> int:
    """Draw where the one argument says; returns the exit code, as `v2m` has them."""
    if len(arguments) != 1:
        print("usage: python examples/demo_film.py FOLDER", file=sys.stderr)
        return 2
    try:
        print(make_film(Path(arguments[0])))
    except OSError as error:
        print(f"The film cannot be drawn into {arguments[0]}: {error.strerror or error}.", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
