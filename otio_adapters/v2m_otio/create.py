"""A document for a plain video file, which came without one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import opentimelineio as otio

from v2m.timebase import seconds_to_frame
from v2m.timeline import Cut, Timeline
from v2m_otio.place import OURS
from v2m_otio.read import Document

_COLORS: Final = {"cut": "CYAN", "dissolve": "YELLOW", "fade": "PURPLE"}


def new_document(timeline: Timeline, media_path: Path, *, has_sound: bool = False) -> Document:
    """A document of one uncut clip, with a marker at each cut that was found in it.

    The clip stays whole, since a detector's opinion should not blade an editor's picture; the markers carry
    stable ids (`cut-1` …), so that one can be nudged and the music re-timed to it.

    Args:
        timeline: what was found in the video.
        media_path: the video.
        has_sound: whether the video has sound, which then gets a track of its own.
    """
    rate, frames = float(timeline.rate), timeline.frame_count
    document = otio.schema.Timeline(timeline.name or media_path.stem)
    document.global_start_time = otio.opentime.RationalTime(timeline.start_frame, rate)
    kinds = [otio.schema.TrackKind.Video, *([otio.schema.TrackKind.Audio] if has_sound else [])]
    for name, kind in zip(("Video 1", "Audio 1"), kinds, strict=False):
        track = otio.schema.Track(name, kind=kind)
        track.append(_clip(media_path, _range(timeline.start_frame, frames, rate)))
        document.tracks.append(track)
    for number, cut in enumerate(timeline.cuts, start=1):
        document.tracks.markers.append(_marker(cut, f"cut-{number}", timeline))
    path = media_path.absolute()
    return Document(path, document.to_json_string(), timeline, path.parent)


def _range(start: int, count: int, rate: float) -> otio.opentime.TimeRange:
    first, length = otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(count, rate)
    return otio.opentime.TimeRange(first, length)


def _clip(media_path: Path, whole: otio.opentime.TimeRange) -> otio.schema.Clip:
    """All of a file, by its own timecode: Resolve takes no clip whose range misses that of its media."""
    reference = otio.schema.ExternalReference(str(media_path.absolute()), available_range=whole)
    return otio.schema.Clip(media_path.name, media_reference=reference, source_range=whole)


def _marker(cut: Cut, name: str, timeline: Timeline) -> otio.schema.Marker:
    frame = seconds_to_frame(cut.time_s, timeline.rate)
    marker = otio.schema.Marker(name, _range(frame, 0, float(timeline.rate)), color=_COLORS[cut.kind])
    marker.metadata[OURS] = {"id": name, "kind": cut.kind}
    return marker
