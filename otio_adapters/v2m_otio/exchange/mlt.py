"""An MLT project of a document: the picture as it is seen, the editor's sound tracks, all sound mixed.

Written by hand because the adapter for MLT joins no sound: whatever lies on a higher track silences the rest.

Conventions: positions are frames at the profile's rate; `in` and `out` both belong to a clip. Where the
document has sound tracks of its own, they are heard and the picture's files are not; else those are.

Sources: the MLT XML documentation; property names that Shotcut shows are Shotcut's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from v2m.timebase import seconds_to_frame
from v2m.timeline import Cut, Shot, Timeline
from v2m_otio.exchange.sounds import Sound
from v2m_otio.exchange.xml_spans import escaped, quoted


def made(timeline: Timeline, sounds: list[list[Sound]]) -> str:
    """The project as XML.

    Args:
        timeline: what is seen.
        sounds: what is heard, track by track.
    """
    project = _Project(timeline)
    tracks = [_playlist("picture", project.picture(), "V1", video=True)]
    tracks += [
        _playlist(f"sound{number}", project.sound(track), f"A{number}", video=False)
        for number, track in enumerate(sounds, start=1)
    ]
    frames, rate = timeline.frame_count, timeline.rate
    heard = any(sounds)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<mlt LC_NUMERIC="C" version="7.12.0" title={quoted(timeline.name)} producer="main">',
        '<profile description="V2M" width="1920" height="1080" progressive="1" sample_aspect_num="1" '
        'sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9" colorspace="709" '
        f'frame_rate_num="{rate.numerator}" frame_rate_den="{rate.denominator}"/>',
        f'<producer id="black" in="0" out="{frames - 1}">'
        f"{_properties(length=frames, eof='pause', resource='0', mlt_service='color', set__test_audio=0)}"
        "</producer>",
        f'<playlist id="background"><entry producer="black" in="0" out="{frames - 1}"/></playlist>',
        *project.producers.values(),
        *project.mixes,
        *tracks,
        f'<tractor id="main" title="Shotcut" in="0" out="{frames - 1}">{_properties(shotcut=1)}',
        '<track producer="background"/>',
        f'<track producer="picture"{" hide=" + quoted("audio") if heard else ""}/>',
        *(f'<track producer="sound{number}" hide="video"/>' for number in range(1, len(sounds) + 1)),
        *(_mix(number) for number in range(1, len(sounds) + 2)),
        "</tractor>",
        "</mlt>",
    ]
    return "\n".join(lines) + "\n"


@dataclass
class _Project:
    """The producers that the playlists name, gathered while these are written."""

    timeline: Timeline
    producers: dict[tuple[str, Fraction], str] = field(default_factory=dict)
    mixes: list[str] = field(default_factory=list)
    """Dissolves: little tractors of two clips."""

    def picture(self) -> Iterator[str]:
        """The entries of what is seen."""
        rate, shots = self.timeline.rate, self.timeline.shots
        dissolves = {cut.time_s: cut for cut in self.timeline.cuts if cut.kind == "dissolve"}
        taken = 0  # frames of the next shot that a dissolve has shown already
        for shot, after in zip(shots, (*shots[1:], None), strict=True):
            start, end = seconds_to_frame(shot.start_s, rate), seconds_to_frame(shot.end_s, rate)
            mix = dissolves.get(shot.end_s)
            lead, tail = _reach(mix, rate) if mix and _can_mix(shot, after, mix) else (0, 0)
            if (length := end - lead - start - taken) > 0:
                yield self._shot(shot, taken, length)
            if after is not None and lead + tail > 0:
                yield self._dissolve(shot, end - start - lead, after, -lead, lead + tail)
            taken = tail

    def _shot(self, shot: Shot, skipped: int, length: int) -> str:
        """Part of a shot: from some frames after its beginning."""
        if shot.media is None:
            return f'<blank length="{length}"/>'
        at = shot.source_start_s + skipped / self.timeline.rate * shot.speed
        return self._entry(str(shot.media.path or shot.media.target), at, shot.speed, length)

    def _dissolve(self, before: Shot, skipped: int, after: Shot, reached: int, width: int) -> str:
        name = f"dissolve{len(self.mixes)}"
        last = width - 1
        sides = [f'<track producer="{name}_{side}"/>' for side in ("a", "b")]
        lists = [
            f'<playlist id="{name}_a">{self._shot(before, skipped, width)}</playlist>',
            f'<playlist id="{name}_b">{self._shot(after, reached, width)}</playlist>',
        ]
        joins = [
            f'<transition in="0" out="{last}">{_properties(a_track=0, b_track=1, mlt_service=service)}'
            "</transition>"
            for service in ("luma", "mix")
        ]
        self.mixes.append(
            "".join(lists) + f'<tractor id="{name}" in="0" out="{last}">{"".join(sides + joins)}</tractor>'
        )
        return f'<entry producer="{name}" in="0" out="{last}"/>'

    def sound(self, sounds: list[Sound]) -> Iterator[str]:
        """The entries of one sound track."""
        at = 0
        for sound in sounds:
            if sound.start_frame > at:
                yield f'<blank length="{sound.start_frame - at}"/>'
            source_s = sound.source_frame / self.timeline.rate
            yield self._entry(str(sound.path), source_s, sound.speed, sound.frame_count)
            at = sound.start_frame + sound.frame_count

    def _entry(self, resource: str, source_s: Fraction, speed: Fraction, length: int) -> str:
        """A stretch of a file. A retimed one is another producer, whose frames are counted as they play."""
        freeze = speed == 0
        speed = Fraction(1) if speed <= 0 else speed
        first = max(0, seconds_to_frame(source_s / speed, self.timeline.rate))
        producer = self._producer(resource, speed)
        held = ""
        if freeze:
            still = _properties(mlt_service="freeze", frame=first, freeze_after=1)
            held = f"<filter>{still}</filter>"
        return f'<entry producer="{producer}" in="{first}" out="{first + length - 1}">{held}</entry>'

    def _producer(self, resource: str, speed: Fraction) -> str:
        key = (resource, speed)
        name = f"media{list(self.producers).index(key) if key in self.producers else len(self.producers)}"
        if key not in self.producers:
            inside = _properties(resource=resource)
            if speed != 1:
                inside = _properties(
                    mlt_service="timewarp", resource=f"{float(speed):.6g}:{resource}",
                    warp_speed=f"{float(speed):.6g}", warp_resource=resource,
                )  # fmt: skip
            self.producers[key] = f'<producer id="{name}">{inside}</producer>'
        return name


def _can_mix(shot: Shot, after: Shot | None, mix: Cut) -> bool:
    """Whether both sides have picture, and the incoming one as much before its seam as the dissolve shows."""
    if after is None or shot.media is None or after.media is None or shot.speed <= 0 or after.speed <= 0:
        return False
    reach_s = mix.width_s / 2 - mix.center_offset_s
    fits = mix.width_s - reach_s <= after.duration_s and reach_s <= shot.duration_s
    return fits and after.source_start_s >= reach_s * after.speed


def _reach(mix: Cut, rate: Fraction) -> tuple[int, int]:
    """How many frames a dissolve lasts before and after its seam."""
    width = seconds_to_frame(mix.width_s, rate)
    lead = min(width, max(0, seconds_to_frame(mix.width_s / 2 - mix.center_offset_s, rate)))
    return lead, width - lead


def _playlist(name: str, entries: Iterator[str], label: str, *, video: bool) -> str:
    kind = "shotcut:video" if video else "shotcut:audio"
    named = _properties(**{kind: 1, "shotcut:name": label})
    return f'<playlist id="{name}">{named}{"".join(entries)}</playlist>'


def _mix(track: int) -> str:
    inside = _properties(a_track=0, b_track=track, mlt_service="mix", always_active=1, sum=1)
    return f"<transition>{inside}</transition>"


def _properties(**values: object) -> str:
    return "".join(
        f"<property name={quoted(name.replace('__', '.'))}>{escaped(str(value))}</property>"
        for name, value in values.items()
    )
