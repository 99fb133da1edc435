"""Shots and markers as an OpenTimelineIO document, written by hand: Blender has no OpenTimelineIO.

Conventions: frame 0 of the document is the first frame that is scored; times are frames at the scene's rate,
those in a file too, where they need not be whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from .shots import Shot
from .strips import Strip

Json = dict[str, Any]


def document(
    name: str, shots: Iterable[Shot], markers: Iterable[tuple[int, str]], first: int, rate: Fraction
) -> Json:
    """The timeline.

    Args:
        name: of the scene.
        shots: without a hole between them.
        markers: frame and name; whoever reads leaves out those that lie beyond the shots.
        first: frame of the scene that is the document's first.
        rate: frames a second.
    """
    track = {"OTIO_SCHEMA": "Track.1", "name": "Seen", "kind": "Video", "children": list(_items(shots, rate))}
    marks = [_marker(frame - first, each, rate) for frame, each in sorted(markers) if frame >= first]
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track], "markers": marks}
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "global_start_time": _time(Fraction(0), rate),
        "tracks": stack,
        "metadata": {"blender": {"first_frame": first}},
    }


def _items(shots: Iterable[Shot], rate: Fraction) -> Iterator[Json]:
    for shot in shots:
        if shot.dissolve and all(shot.dissolve):
            before, after = shot.dissolve
            yield {
                "OTIO_SCHEMA": "Transition.1",
                "transition_type": "SMPTE_Dissolve",
                "in_offset": _time(Fraction(before), rate),
                "out_offset": _time(Fraction(after), rate),
            }
        length = shot.end - shot.start
        if shot.strip is None:
            yield {"OTIO_SCHEMA": "Gap.1", "source_range": _range(Fraction(0), length, rate)}
        else:
            yield _clip(shot, shot.strip, length, rate)


def _clip(shot: Shot, strip: Strip, length: int, rate: Fraction) -> Json:
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": strip.name,
        "source_range": _range(shot.source_s(rate) * rate, length, rate),
        "media_references": {"DEFAULT_MEDIA": _reference(strip)},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "effects": _effects(strip),
    }


def _reference(strip: Strip) -> Json:
    if strip.kind == "COLOR":
        kind = {"name": strip.name, "generator_kind": "SolidColor", "parameters": {}}
        return {"OTIO_SCHEMA": "GeneratorReference.1", **kind}
    if strip.source is None:
        return {"OTIO_SCHEMA": "MissingReference.1", "name": strip.name}
    return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": strip.source.path}


def _effects(strip: Strip) -> list[Json]:
    if strip.source is None or (not strip.source.is_still and strip.source.speed == 1):
        return []
    kind = "FreezeFrame" if strip.source.is_still else "LinearTimeWarp"
    speed = 0.0 if strip.source.is_still else float(strip.source.speed)
    return [{"OTIO_SCHEMA": f"{kind}.1", "effect_name": kind, "time_scalar": speed}]


def _marker(frame: int, name: str, rate: Fraction) -> Json:
    return {"OTIO_SCHEMA": "Marker.2", "name": name, "marked_range": _range(Fraction(frame), 0, rate)}


def _range(start: Fraction, length: int, rate: Fraction) -> Json:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start, rate),
        "duration": _time(Fraction(length), rate),
    }


def _time(frames: Fraction, rate: Fraction) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(frames), "rate": float(rate)}
