"""What the music will follow: a timeline looked at, as an event curve and hits.

    timeline -> pictures -> features -> event curve
                                     -> novelty -> hits

Where no picture can be read the cuts alone serve, and the notes say so.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from v2m.curves import DEFAULT_KERNEL_S, EventCurve, Features, event_curve, novelty
from v2m.encoders.choosing import choose_encoder, new_encoder
from v2m.encoders.protocol import PictureEncoder
from v2m.errors import MediaError
from v2m.frames import SMALL, FrameBatch, Sheet, SheetGatherer, probe, read_frames
from v2m.hits import Hit, find_hits
from v2m.licences import licence_notes
from v2m.shots import timeline_of_video
from v2m.stages import Cancel, never_cancel
from v2m.timeline import Cut, Timeline

if TYPE_CHECKING:
    from v2m.prompt.watching.unasked import Unasked

CURVE_RATE_HZ: Final = 25.0
"""Grid of the curve: above twice the highest rate of sixteenths (12 Hz at 180 BPM)."""

_USUAL_ASPECT: Final = 16 / 9

_FINDING_CUTS: Final = 0.2
"""Share of the time that finding the cuts of a video takes where a network looks at it afterwards; that needs
larger pictures, and the shots that the cuts part."""


@dataclass(frozen=True)
class Analysis:
    """A timeline and what was seen in it."""

    timeline: Timeline
    curve: EventCurve
    hits: tuple[Hit, ...]
    notes: tuple[str, ...]
    """What a person should know of the reading, the timeline's own notes first."""

    sheet: Sheet | None = None
    """Some of the pictures; None where none could be read."""

    words: Unasked | None = None
    """What the programme was found to ask for, where nobody says it; None: it was not looked for yet."""

    @property
    def encoder(self) -> str:
        """What looked at the picture; `cuts` where nothing could be seen."""
        return self.curve.encoder


def analyze(
    timeline: Timeline,
    *,
    picture: Path | None = None,
    encoder: str = "auto",
    kernel_s: float = DEFAULT_KERNEL_S,
    on_progress: Callable[[float], None] = lambda fraction: None,
    cancel: Cancel = never_cancel,
) -> Analysis:
    """Look at a programme once and say what changes when, and which moments matter.

    Args:
        timeline: the programme.
        picture: a render of it, looked at in place of its media.
        encoder: a name in `v2m.encoders.choosing.ENCODERS`.
        kernel_s: length of the Hann window that smooths the curve.
        on_progress: told the fraction of the programme that was looked at.
        cancel: raises CancelledError to stop.

    Raises:
        UsageError: there is no such encoder.
        MissingPartError: its weights or its library are not here.
        CheckpointError: its weights are damaged, or of another model.
        MediaError: `picture` cannot be read.
    """
    looking, notes = _encoder(encoder, timeline.notes, cancel)
    aspect = _aspect(timeline, picture)
    gatherer = SheetGatherer(float(timeline.duration_s))
    wanted = read_frames(
        timeline,
        picture=picture,
        size=looking.size(aspect),
        max_rate_hz=_rate_hz(timeline, looking),
        note=notes.append,
        cancel=cancel,
    )
    seen = _counted(_gathered(wanted, gatherer), timeline, _rate_hz(timeline, looking), on_progress)
    features = look(looking, seen)
    if features is None:
        notes.append("No picture could be read, so the music follows the cuts alone.")
    sheet = None if features is None else gatherer.sheet(aspect)
    return _conclude(timeline, looking, features, kernel_s, notes, sheet)


def analyze_video(
    path: Path,
    *,
    encoder: str = "auto",
    kernel_s: float = DEFAULT_KERNEL_S,
    on_progress: Callable[[float], None] = lambda fraction: None,
    cancel: Cancel = never_cancel,
) -> Analysis:
    """Find the cuts of a plain video and look at it; the arguments are those of `analyze`.

    It is decoded once, or twice where the encoder wants larger pictures, or to know the shots.

    Raises:
        UsageError: there is no such encoder.
        MediaError: the file cannot be read.
    """
    looking, notes = _encoder(encoder, (), cancel)
    media = probe(path)
    aspect = media.width_px / media.height_px
    length_s = float(media.duration_s)
    gatherer = SheetGatherer(length_s)
    small_serves = looking.size(aspect) == SMALL and looking.max_rate_hz is None
    share = 1.0 if small_serves else _FINDING_CUTS

    def watch(batch: FrameBatch) -> None:
        if small_serves:
            looking.push(batch.times_s, batch.pictures)
        gatherer.push(batch.times_s, batch.pictures)
        if length_s > 0 and len(batch.times_s):
            on_progress(share * min(1.0, float(batch.times_s[-1]) / length_s))

    timeline = timeline_of_video(path, watch=watch, cancel=cancel)
    if not small_serves:
        rate_hz = _rate_hz(timeline, looking)
        wanted = read_frames(timeline, size=looking.size(aspect), max_rate_hz=rate_hz, cancel=cancel)
        look(
            looking, _counted(wanted, timeline, rate_hz, lambda part: on_progress(share + (1 - share) * part))
        )
    notes = [*timeline.notes, *notes]
    return _conclude(timeline, looking, looking.features(), kernel_s, notes, gatherer.sheet(aspect))


def _encoder(name: str, notes: Iterable[str], cancel: Cancel) -> tuple[PictureEncoder, list[str]]:
    """The encoder that a name means, and the notes with why it is this one and what is to be known of it."""
    choice = choose_encoder(name)
    looking = new_encoder(choice.name, cancel=cancel)
    licences = licence_notes([choice.name.partition(":")[0]])
    return looking, [*notes, *filter(None, [choice.reason, *looking.notes]), *licences]


def _rate_hz(timeline: Timeline, encoder: PictureEncoder) -> float | None:
    """The most pictures a second that are read: a whole part of the timeline's, so that they lie evenly."""
    if encoder.max_rate_hz is None or timeline.rate <= encoder.max_rate_hz:
        return None
    return float(timeline.rate / math.ceil(timeline.rate / Fraction(encoder.max_rate_hz)))


def look(encoder: PictureEncoder, batches: Iterator[FrameBatch]) -> Features | None:
    """The features of all pictures, None if there were none."""
    seen = 0
    for batch in batches:
        encoder.push(batch.times_s, batch.pictures, batch.shot_index)
        seen += len(batch.times_s)
    return encoder.features() if seen else None


def _counted(
    batches: Iterator[FrameBatch],
    timeline: Timeline,
    rate_hz: float | None,
    on_progress: Callable[[float], None],
) -> Iterator[FrameBatch]:
    """The same, telling after each that it was looked at."""
    wanted, seen = (rate_hz or float(timeline.rate)) * float(timeline.duration_s), 0
    for batch in batches:
        yield batch
        seen += len(batch.times_s)
        on_progress(min(1.0, seen / wanted))


def _gathered(batches: Iterator[FrameBatch], gatherer: SheetGatherer) -> Iterator[FrameBatch]:
    for batch in batches:
        gatherer.push(batch.times_s, batch.pictures)
        yield batch


def _aspect(timeline: Timeline, picture: Path | None) -> float:
    """The shape of the pictures: that of the first file that can be read."""
    used = [shot.media.path for shot in timeline.shots if shot.media and shot.media.path]
    for path in dict.fromkeys([picture] if picture else used):
        with contextlib.suppress(MediaError):
            media = probe(path)
            return media.width_px / media.height_px
    return _USUAL_ASPECT


def _conclude(
    timeline: Timeline,
    encoder: PictureEncoder,
    features: Features | None,
    kernel_s: float,
    notes: Iterable[str],
    sheet: Sheet | None,
) -> Analysis:
    hits = find_hits(timeline, novelty(features) if features is not None else None)
    # a moment that the editor marked is an event as a cut is, whatever the picture does there
    marked = [Cut(hit.time_s) for hit in hits if hit.kind == "marker"]
    cut_times = {cut.time_s for cut in timeline.cuts}
    curve = event_curve(
        features,
        float(timeline.duration_s),
        rate_hz=CURVE_RATE_HZ,
        kernel_s=kernel_s,
        cuts=[*timeline.cuts, *(cut for cut in marked if cut.time_s not in cut_times)],
    )
    if features is not None:
        curve = replace(curve, encoder_sha256=encoder.weights_sha256)
    return Analysis(timeline, curve, hits, tuple(dict.fromkeys(notes)), sheet)
