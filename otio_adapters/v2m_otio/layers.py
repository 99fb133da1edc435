"""OpenTimelineIO's compositions as layers of pictures: positions, retimes, where in a file a clip begins.

Conventions (checked against real exports): a clip's `source_range` lies in the timecode of its media,
often at the timeline's rate while `available_range` is at the file's; its duration is the time it takes on
the track, retime or not; a transition moves nothing, its offsets reach to both sides of the seam.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, Final

import opentimelineio as otio

from v2m.errors import DocumentError
from v2m_otio.clock import exact_rate, exact_speed, on_flick, seconds
from v2m_otio.composite import Layer, Picture, Seam, Span, blank, joined, overlaid, retimed
from v2m_otio.markers import clip_marks, composition_marks
from v2m_otio.media import UNNAMED, Reference, Resolver, resolve_reference
from v2m_otio.see_through import adjusts, is_see_through

_HOUR_S: Final = 3600
_STILL_SUFFIXES: Final = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".tif",
        ".tiff",
        ".bmp",
        ".tga",
        ".webp",
        ".psd",
        ".exr",
        ".dpx",
        ".gif",
        ".heic",
    }
)


@dataclass
class LayerReader:
    """Turns the items of one document into layers, and gathers what a person should know of it."""

    resolver: Resolver
    frame_s: Fraction
    """Length of a frame of the timeline."""

    zero_s: Fraction
    """The timecode of the programme's first frame, in seconds."""

    notes: dict[str, None] = field(default_factory=dict)
    """In order, each once."""

    effects: dict[str, None] = field(default_factory=dict)
    """Names of the effects met that change no timing."""

    def item(self, item: otio.core.Item) -> Layer:
        """What an item shows over the time it takes."""
        if isinstance(item, otio.schema.Clip):
            layer = self._clip(item)
        elif isinstance(item, otio.core.Composition):
            layer = self._composition(item)
        else:
            layer = Layer(length_s(item))
        return layer if item.enabled else blank(layer)

    # --- compositions -----------------------------------------------------------------------------

    def _composition(self, item: otio.core.Composition) -> Layer:
        if isinstance(item, otio.schema.Track):
            content = self._track(item)
        else:
            content = overlaid([self._in_stack(child) for child in item])
        marks = composition_marks(item, content.duration_s, self.zero_s)
        content = Layer(content.duration_s, content.spans, content.seams, (*marks, *content.marks))
        trim = item.source_range
        start_s = seconds(trim.start_time) if trim else Fraction(0)
        duration_s = seconds(trim.duration) if trim else content.duration_s
        return retimed(content, start_s, duration_s, self._speed(item), self.frame_s)

    def _in_stack(self, child: otio.core.Item) -> Layer:
        if isinstance(child, otio.schema.Track) and child.kind.lower() != "video":
            return Layer(Fraction(0) if is_ours(child) else length_s(child))
        return self.item(child)

    def _track(self, track: otio.schema.Track) -> Layer:
        parts: list[tuple[Fraction, Layer]] = []
        at_s = Fraction(0)
        for child in track:
            if isinstance(child, otio.schema.Transition):
                seam = Seam(Fraction(0), _offset(child.in_offset), _offset(child.out_offset))
                parts.append((at_s, Layer(Fraction(0), seams=(seam,))))
                continue
            layer = self.item(child)
            parts.append((at_s, layer))
            at_s += layer.duration_s
        return joined(parts)

    def _speed(self, item: otio.core.Item) -> Fraction:
        speed = Fraction(1)
        for effect in item.effects:
            if not effect.enabled:
                continue
            if isinstance(effect, otio.schema.LinearTimeWarp):  # a FreezeFrame is one of factor 0
                speed *= exact_speed(float(effect.time_scalar))
            elif isinstance(effect, otio.schema.TimeEffect):
                name = effect.effect_name or effect.name or type(effect).__name__
                self.notes[f"{item.name}: the retime {name} is not understood, taken at normal speed"] = None
            elif _changes_something(effect):
                self.effects[_effect_name(effect)] = None
        return speed

    # --- clips ------------------------------------------------------------------------------------

    def _clip(self, clip: otio.schema.Clip) -> Layer:
        reference = resolve_reference(clip, self.resolver)
        given = clip.source_range or reference.available_range
        if given is None:
            raise DocumentError(
                f"The clip {clip.name!r} has no length: neither a source range nor an available range.",
                hint="Export the timeline again, or set the clip's range.",
            )
        duration_s = seconds(given.duration)
        if duration_s == 0 or adjusts(clip):
            return Layer(duration_s)
        speed = self._speed(clip)
        picture = self._picture(clip, reference)
        if _is_still(picture):
            source_s, speed = Fraction(0), Fraction(0)
        else:
            source_s = self._first_seen(clip, given, reference, speed)
        span = Span(Fraction(0), duration_s, picture, source_s, speed)
        marks = clip_marks(clip, picture, seconds(given.start_time), duration_s, speed)
        return Layer(duration_s, (span,), marks=tuple(marks))

    def _picture(self, clip: otio.schema.Clip, reference: Reference) -> Picture:
        media = reference.media
        if media is not None and reference.fallback_key:
            self.notes[f"{media.target}: taken in place of the clip's active media"] = None
        key = media.target if media and media.target != UNNAMED else ""
        return Picture(media, clip.name, key, is_see_through(clip))

    def _first_seen(
        self, clip: otio.schema.Clip, given: otio.opentime.TimeRange, reference: Reference, speed: Fraction
    ) -> Fraction:
        """The time in the file, from its first picture, that is seen where the clip begins."""
        first_s = self._into_file(given, reference)
        if first_s < 0:
            if first_s < -self.frame_s:
                self.notes[f"{clip.name}: begins before its media does; the first picture is held"] = None
            first_s = Fraction(0)
        if speed < 0:  # played backwards: the last frame of the range is seen first
            available = reference.available_range
            media_frame_s = 1 / exact_rate(available.duration.rate) if available else self.frame_s
            first_s += max(Fraction(0), on_flick(-speed * seconds(given.duration)) - media_frame_s)
        return first_s

    def _into_file(self, given: otio.opentime.TimeRange, reference: Reference) -> Fraction:
        start_s, available = seconds(given.start_time), reference.available_range
        if available is not None:
            into_s = start_s - seconds(available.start_time)
            return _same_numbers(given, available, into_s)
        if start_s < _HOUR_S:
            return start_s
        # Timecode, but the document does not say where the file's begins: masters begin on an hour.
        name = reference.media.target if reference.media else "a clip"
        self.notes[f"{name}: the document does not say at which timecode it begins, a full hour is taken"] = (
            None
        )
        return start_s % _HOUR_S


def _same_numbers(
    given: otio.opentime.TimeRange, available: otio.opentime.TimeRange, into_s: Fraction
) -> Fraction:
    """Some editors write the file's frame numbers at the timeline's rate; then the start misses the file."""
    length_s = seconds(available.duration)
    if 0 <= into_s < length_s or length_s == 0:
        return into_s
    frames = Fraction(round(given.start_time.value - available.start_time.value))
    counted_s = on_flick(frames / exact_rate(available.start_time.rate))
    return counted_s if 0 <= counted_s < length_s else into_s


def _effect_name(effect: otio.schema.Effect) -> str:
    name = _resolve_part(effect).get("Effect Name")
    return str(name or effect.name or effect.effect_name or type(effect).__name__)


def _changes_something(effect: otio.schema.Effect) -> bool:
    """Resolve lists seven effects on every clip; those without parameters stand as they come."""
    part = _resolve_part(effect)
    return not part or (part.get("Enabled") is not False and bool(part.get("Parameters")))


def _resolve_part(effect: otio.schema.Effect) -> Mapping[str, Any]:
    part = effect.metadata.get("Resolve_OTIO")
    return part if isinstance(part, Mapping) else {}


def _is_still(picture: Picture) -> bool:
    target = picture.media.target if picture.media else ""
    return PurePosixPath(target).suffix.lower() in _STILL_SUFFIXES


def _offset(time: otio.opentime.RationalTime | None) -> Fraction:
    return max(Fraction(0), seconds(time)) if time is not None else Fraction(0)


def is_ours(track: otio.schema.Track) -> bool:
    """Whether a track is music of ours from an earlier placement."""
    return "v2m" in track.metadata


def length_s(item: otio.core.Composable) -> Fraction:
    """The time an item takes, without looking at its picture."""
    if isinstance(item, otio.schema.Transition):
        return Fraction(0)
    if item.source_range is not None:
        return seconds(item.source_range.duration)
    if isinstance(item, otio.schema.Track):
        return sum((length_s(child) for child in item), Fraction(0))
    if isinstance(item, otio.core.Composition):
        return max((length_s(child) for child in item), default=Fraction(0))
    reference = getattr(item, "media_reference", None)
    available = reference.available_range if reference is not None else None
    return seconds(available.duration) if available is not None else Fraction(0)
