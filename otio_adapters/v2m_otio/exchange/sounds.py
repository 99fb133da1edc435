"""The editor's own sound tracks, for formats that are made anew: what is heard when, out of which files."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from v2m.timebase import seconds_to_frame
from v2m_otio.layers import LayerReader, is_ours
from v2m_otio.media import Resolver
from v2m_otio.newer import in_known_schemas
from v2m_otio.read import Document


@dataclass(frozen=True)
class Sound:
    """A stretch of one file on a sound track, in frames of the programme."""

    start_frame: int
    frame_count: int
    path: Path
    source_frame: int
    """Where in the file it begins."""

    speed: Fraction
    name: str


def sound_tracks(document: Document) -> list[list[Sound]]:
    """The enabled sound tracks that are the editor's, without what leads to no file."""
    timeline = document.timeline
    root = otio.core.deserialize_json_from_string(in_known_schemas(document.text))
    if not isinstance(root, otio.schema.Timeline):
        root = next(child for child in root if isinstance(child, otio.schema.Timeline))
    resolver = Resolver(document.media_folder, document.path_map)
    reader = LayerReader(resolver, 1 / timeline.rate, Fraction(timeline.start_frame) / timeline.rate)
    tracks = [
        track for track in root.tracks
        if isinstance(track, otio.schema.Track) and track.kind.lower() == "audio"
        and track.enabled and not is_ours(track)
    ]  # fmt: skip
    return [_sounds(reader, track, timeline.rate, timeline.frame_count) for track in tracks]


def _sounds(reader: LayerReader, track: otio.schema.Track, rate: Fraction, frames: int) -> list[Sound]:
    sounds: list[Sound] = []
    for span in reader.item(track).spans:
        media = span.picture.media
        start, end = seconds_to_frame(span.start_s, rate), min(frames, seconds_to_frame(span.end_s, rate))
        if media is None or media.path is None or end <= start or span.speed <= 0:
            continue
        source = seconds_to_frame(span.source_s, rate)
        sounds.append(Sound(start, end - start, media.path, source, span.speed, span.picture.name))
    return sounds
