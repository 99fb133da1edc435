"""A document as one track of picture, what is seen, beside the editor's sound tracks.

Adapters fail on nested sequences, generators and transitions of other editors, or leave them out and so shift
what follows. What is left here every one of them writes.
"""

from __future__ import annotations

import json
from fractions import Fraction

import opentimelineio as otio

from v2m.timebase import seconds_to_frame
from v2m.timeline import Shot, Timeline
from v2m_otio.exchange.sounds import Sound
from v2m_otio.limits import JsonObject


def flat_timeline(timeline: Timeline, sounds: list[list[Sound]]) -> JsonObject:
    """The timeline as JSON: clips, gaps and retimes, no transitions."""
    made = otio.schema.Timeline(timeline.name)
    made.global_start_time = otio.opentime.RationalTime(timeline.start_frame, float(timeline.rate))
    picture = otio.schema.Track("Video 1", kind=otio.schema.TrackKind.Video)
    picture.extend([_shot(shot, timeline.rate) for shot in timeline.shots])
    made.tracks.append(picture)
    for number, track in enumerate(sounds, start=1):
        made.tracks.append(_sound_track(f"Audio {number}", track, timeline.rate))
    content: JsonObject = json.loads(made.to_json_string())
    return content


def is_nested(content: JsonObject) -> bool:
    """Whether a timeline holds sequences within its tracks."""
    return any(
        isinstance(item, dict) and str(item.get("OTIO_SCHEMA", "")).partition(".")[0] in ("Stack", "Track")
        for track in content["tracks"]["children"]
        for item in track.get("children") or ()
    )


def _shot(shot: Shot, rate: Fraction) -> otio.schema.Item:
    first = seconds_to_frame(shot.start_s, rate)
    count = seconds_to_frame(shot.end_s, rate) - first
    if shot.media is None:
        return otio.schema.Gap(source_range=_range(0, count, rate))
    source = seconds_to_frame(shot.source_start_s, rate)
    target = str(shot.media.path or shot.media.target)
    return _clip(shot.name, target, _range(source, count, rate), shot.speed)


def _sound_track(name: str, sounds: list[Sound], rate: Fraction) -> otio.schema.Track:
    track, at = otio.schema.Track(name, kind=otio.schema.TrackKind.Audio), 0
    for sound in sounds:
        if sound.start_frame > at:
            track.append(otio.schema.Gap(source_range=_range(0, sound.start_frame - at, rate)))
        span = _range(sound.source_frame, sound.frame_count, rate)
        track.append(_clip(sound.name, str(sound.path), span, sound.speed))
        at = sound.start_frame + sound.frame_count
    return track


def _clip(name: str, target: str, span: otio.opentime.TimeRange, speed: Fraction) -> otio.schema.Clip:
    clip = otio.schema.Clip(name, otio.schema.ExternalReference(target, available_range=span), span)
    if speed == 0:
        clip.effects.append(otio.schema.FreezeFrame())
    elif speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(speed)))
    return clip


def _range(first: int, count: int, rate: Fraction) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(first, float(rate)), otio.opentime.RationalTime(count, float(rate))
    )
