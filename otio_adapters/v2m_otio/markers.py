"""Editors' markers: where they lie, what they say, and an id that outlives an export.

Editors disagree on a clip marker's zero: Resolve counts in the media's timecode, Kdenlive from the clip's
beginning; which one is meant shows in where the number falls. Resolve drops `customData` on export, so an
id may also stand in the note as `v2m:ID`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

import opentimelineio as otio

from v2m.timeline import Marker
from v2m_otio.clock import on_flick, seconds
from v2m_otio.composite import Mark, Picture

_NOTED_ID: Final = re.compile(r"\bv2m:([\w.-]{1,64})")
_ID_KEYS: Final = ("uuid", "guid", "uniqueid", "unique id", "unique_id", "marker id", "marker_id", "id")
_NOTE_KEYS: Final = ("note", "comment")


def composition_marks(item: otio.core.Composition, length_s: Fraction, zero_s: Fraction) -> tuple[Mark, ...]:
    """Markers of a stack or track, in its time; those written in timecode are brought back by `zero_s`."""
    marks = []
    for marker in item.markers:
        time_s = seconds(marker.marked_range.start_time)
        if time_s >= length_s and 0 <= time_s - zero_s < length_s:
            time_s -= zero_s
        marks.append(Mark(time_s, _marker(marker)))
    return tuple(sorted(marks, key=lambda mark: mark.time_s))


def clip_marks(
    clip: otio.schema.Clip, picture: Picture, start_s: Fraction, duration_s: Fraction, speed: Fraction
) -> Iterator[Mark]:
    """Markers of a clip, in seconds from where the clip begins on its track.

    Args:
        clip: the clip.
        picture: what it shows, with which its markers come and go.
        start_s: where its source range begins in media time.
        duration_s: its length on the track.
        speed: its retime.
    """
    for marker in clip.markers:
        in_media_s = seconds(marker.marked_range.start_time) - start_s
        factor = abs(speed) or Fraction(1)
        if 0 <= in_media_s < duration_s * factor:
            time_s = on_flick(in_media_s / factor)
            time_s = duration_s - time_s if speed < 0 else time_s
        elif 0 <= in_media_s + start_s < duration_s:
            time_s = in_media_s + start_s
        else:
            continue
        if time_s < duration_s:
            yield Mark(time_s, _marker(marker), picture)


def _marker(marker: otio.schema.Marker) -> Marker:
    note = str(getattr(marker, "comment", "") or "") or _text_in(marker.metadata, _NOTE_KEYS)
    noted = _NOTED_ID.search(note) or _NOTED_ID.search(marker.name or "")
    return Marker(
        id=noted[1] if noted else _text_in(marker.metadata, _ID_KEYS),
        time_s=Fraction(0),
        duration_s=max(Fraction(0), seconds(marker.marked_range.duration)),
        color=str(marker.color or ""),
        name=str(marker.name or ""),
        note=note,
    )


def _text_in(metadata: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The text or number under the first of the keys that is there: ours, on top, then in each editor's part.

    Deeper than that lie the ids of other things: of a pipeline's products, of the clip.
    """
    parts = [value for value in metadata.values() if isinstance(value, Mapping)]
    ours = metadata.get("v2m")
    for part in (ours if isinstance(ours, Mapping) else {}, metadata, *parts):
        values = {str(key).lower(): value for key, value in part.items()}
        for key in keys:
            value = values.get(key)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return str(value)
    return ""


def identified(markers: list[Marker]) -> tuple[Marker, ...]:
    """The markers in order of time, each with an id of its own.

    An editor's id stands for the first marker that carries it; without one (or for a second: its clip is
    used twice, or the editor's "id" names something else) it is made from time, name and colour.
    """
    used: dict[str, int] = {}
    result = []
    for marker in sorted(markers, key=lambda marker: marker.time_s):
        name = marker.id if marker.id and marker.id not in used else _made_id(marker)
        used[name] = used.get(name, 0) + 1
        result.append(replace(marker, id=name if used[name] == 1 else f"{name}-{used[name]}"))
    return tuple(result)


def _made_id(marker: Marker) -> str:
    text = f"{marker.time_s}\x1f{marker.name}\x1f{marker.color}"
    return "marker-" + hashlib.sha256(text.encode()).hexdigest()[:12]
