"""A document as other projects' adapters take it: every range written out, one exact rate, absolute URLs.

They fail on ranges of media at a sound's sample rate, on clips whose range is left to the media, on timelines
without a start; they write relative references as they stand, which then lead nowhere.
"""

from __future__ import annotations

import json
from pathlib import Path

import opentimelineio as otio

from v2m.timebase import seconds_to_frame
from v2m_otio.clock import seconds
from v2m_otio.exchange.kinds import Kind
from v2m_otio.limits import JsonObject
from v2m_otio.media import Resolver
from v2m_otio.newer import in_known_schemas
from v2m_otio.read import Document

_MISSING = "file:///missing/"
"""Where media are said to lie that the document does not name."""


def dressed(content: JsonObject, document: Document, kind: Kind) -> bytes:
    """The timeline's JSON for the writer of a kind.

    Args:
        content: the timeline, which is not changed.
        document: whose media it names.
        kind: what will be written.
    """
    timeline = otio.core.deserialize_json_from_string(in_known_schemas(json.dumps(content)))
    rate = float(document.timeline.rate)
    timeline.global_start_time = otio.opentime.RationalTime(document.timeline.start_frame, rate)
    timeline.name = timeline.name or document.path.stem
    resolver = Resolver(document.media_folder, document.path_map)
    if kind == "aaf":
        _without_cross_fades(timeline)
    for item in timeline.find_children():
        if isinstance(item, otio.schema.Transition):
            item.in_offset = _at_rate(item.in_offset, document)
            item.out_offset = _at_rate(item.out_offset, document)
        elif isinstance(item, otio.schema.Clip | otio.schema.Gap):
            _dress(item, document, resolver, kind)
    text: str = timeline.to_json_string()
    return text.encode()


def has_cross_fades(content: JsonObject) -> bool:
    """Whether a timeline's sound tracks have transitions."""
    return any(
        str(item.get("OTIO_SCHEMA", "")).startswith("Transition.")
        for track in content["tracks"]["children"]
        if track.get("kind") == otio.schema.TrackKind.Audio
        for item in track.get("children") or ()
    )


def _without_cross_fades(timeline: otio.schema.Timeline) -> None:
    """The AAF writer counts those of sound twice, so that its sequences last longer than they are."""
    for track in timeline.audio_tracks():
        track[:] = [item for item in track if not isinstance(item, otio.schema.Transition)]


def _dress(
    item: otio.schema.Clip | otio.schema.Gap, document: Document, resolver: Resolver, kind: Kind
) -> None:
    item.source_range = _range(item.trimmed_range(), document)
    if not isinstance(item, otio.schema.Clip):
        return
    reference = item.media_reference
    if kind == "aaf" and not isinstance(reference, otio.schema.ExternalReference):
        reference = otio.schema.ExternalReference(f"{_MISSING}{item.name or 'clip'}")
    available = reference.available_range
    clip_range = item.source_range
    known = _range(available, document) if available is not None else clip_range
    if kind == "aaf":  # which takes no clip that reaches beyond its media
        known = known.extended_by(clip_range)
    reference.available_range = known
    if isinstance(reference, otio.schema.ExternalReference):
        path = resolver.media(str(reference.target_url)).path
        if path is not None:
            reference.target_url = Path(path).absolute().as_uri()
    item.media_reference = reference


def _range(given: otio.opentime.TimeRange, document: Document) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(_at_rate(given.start_time, document), _at_rate(given.duration, document))


def _at_rate(time: otio.opentime.RationalTime, document: Document) -> otio.opentime.RationalTime:
    rate = document.timeline.rate
    return otio.opentime.RationalTime(seconds_to_frame(seconds(time), rate), float(rate))
