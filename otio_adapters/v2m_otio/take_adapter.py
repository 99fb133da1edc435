"""The adapter `v2m_take` for OpenTimelineIO hosts: a take's folder as a timeline.

    otio.adapters.read_from_file("film.v2m")

It holds the music on a track, each stem on a disabled one, and the hits as markers with their ids, so that a
host can look at a take or lay its stems beside a picture. A take is never written.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import opentimelineio as otio

_RECORD: Final = "take.json"
_COLORS: Final = {"cut": "CYAN", "dissolve": "YELLOW", "fade": "PURPLE", "marker": "RED"}


def read_from_file(filepath: str) -> otio.schema.Timeline:
    """The take's timeline, at the rate and start timecode of the edit it was made for."""
    folder = Path(filepath).absolute()
    folder = folder.parent if folder.name == _RECORD else folder
    record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    rate = Fraction(record["frame_rate"])
    whole = _range(0, round(Fraction(record["duration_s"]) * rate), rate)
    timeline = otio.schema.Timeline(folder.stem)
    timeline.global_start_time = otio.opentime.RationalTime(record["start_frame"], float(rate))
    timeline.tracks.append(_track("V2M Score", folder / "music.wav", whole))
    for stem in sorted((folder / "stems").glob("*.wav")):
        track = _track(stem.stem, stem, whole)
        track.enabled = False
        timeline.tracks.append(track)
    timeline.tracks.markers.extend([_marker(hit, rate) for hit in record["hits"]])
    timeline.metadata["v2m"] = {"take": _take(folder, record)}
    return timeline


def _take(folder: Path, record: dict[str, Any]) -> otio.core.SerializableObject:
    schema = otio.schema.schemadef.module_from_name("v2m_take")
    take: otio.core.SerializableObject = schema.V2MTake(
        str(folder), record["prompt"], record["seed"], record["backbone"]
    )
    return take


def _track(name: str, wav: Path, whole: otio.opentime.TimeRange) -> otio.schema.Track:
    track = otio.schema.Track(name, kind=otio.schema.TrackKind.Audio)
    reference = otio.schema.ExternalReference(wav.as_uri(), available_range=whole)
    track.append(otio.schema.Clip(name, reference, whole))
    return track


def _marker(hit: dict[str, Any], rate: Fraction) -> otio.schema.Marker:
    frame = round(Fraction(hit["time_s"]) * rate)
    marker = otio.schema.Marker(hit["id"], _range(frame, 0, rate), color=_COLORS.get(hit["kind"], "GREEN"))
    marker.metadata["v2m"] = {"id": hit["id"], "kind": hit["kind"], "weight": hit["weight"]}
    return marker


def _range(first: int, count: int, rate: Fraction) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(first, float(rate)), otio.opentime.RationalTime(count, float(rate))
    )
