"""Final Cut Pro XML: a project made of what is seen, and our music connected below it.

Written by hand because the adapter's writer fails at rates of 1000/1001 and rounds others through floats;
here every time is the exact ratio that the format asks for.

Conventions: `offset` is where a clip begins in its parent's time, `start` where in its own; connected clips
count in the time of the clip that they hang on. Lanes below the picture are negative.

Sources: Apple's Final Cut Pro XML reference, version 1.8, read by Final Cut Pro from 10.4 on and by Resolve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from v2m.errors import DocumentError
from v2m.timebase import seconds_to_frame
from v2m.timeline import Shot, Timeline
from v2m_otio.exchange.fcpxml_time import ratio, seconds
from v2m_otio.exchange.music import NAME, Music
from v2m_otio.exchange.sounds import Sound
from v2m_otio.exchange.xml_spans import Edit, Element, edited, parsed, put_last, quoted, taken_out

_ASSET = "v2m-music"
_ITEMS = frozenset(
    ("asset-clip", "clip", "gap", "ref-clip", "sync-clip", "mc-clip", "video", "audio", "title")
)
_BEFORE_ANCHORS = frozenset(("note", "conform-rate", "timeMap", "audio-channel-source"))
"""Parts of a clip that stand before what is connected to it; so does all whose name begins with `adjust-`."""


# --- our music ------------------------------------------------------------------------------------


def with_music(raw: bytes, music: Music) -> bytes:
    """The project with our music in place of any older.

    Raises:
        DocumentError: it has not exactly one project, or its storyline is empty.
    """
    raw = without_music(raw)
    root = parsed(raw)
    spine, resources = _spine(root), root.child("resources")
    items = [child for child in spine.children if child.tag in _ITEMS]
    if not items or resources is None:
        raise DocumentError("holds a project without a storyline.")
    start_s = Fraction(music.start_frame) / music.rate
    at_s = seconds(items[0].attributes.get("offset")) + start_s
    parent = next(
        (each for each in reversed(items) if seconds(each.attributes.get("offset")) <= at_s), items[0]
    )
    begins_s = seconds(parent.attributes.get("start"))
    offset_s = begins_s + at_s - seconds(parent.attributes.get("offset"))
    lowest = min((int(each.attributes.get("lane", "0")) for each in root.below()), default=0)
    length = ratio(Fraction(music.frame_count) / music.rate)
    clip = (
        f'<asset-clip ref="{_ASSET}" name="{NAME}" lane="{min(0, lowest) - 1}" offset="{ratio(offset_s)}" '
        f'start="0s" duration="{length}" audioRole="music"/>'
    )
    asset = (
        f'<asset id="{_ASSET}" name="{NAME}" src={quoted(music.wav.as_uri())} start="0s" '
        f'duration="{length}" hasAudio="1" audioSources="1" audioChannels="2" '
        f'audioRate="{music.sample_rate_hz}"/>'
    )
    return edited(raw, [put_last(resources, asset), _connected(parent, clip)])


def without_music(raw: bytes) -> bytes:
    """The project without anything of ours."""
    root = parsed(raw)
    ours = [
        each for each in root.below() if _ASSET in (each.attributes.get("id"), each.attributes.get("ref"))
    ]
    return taken_out(raw, root, ours)


def _connected(parent: Element, clip: str) -> Edit:
    """The clip behind the parts that must come first in its parent."""
    first = [
        each for each in parent.children if each.tag in _BEFORE_ANCHORS or each.tag.startswith("adjust-")
    ]
    if parent.is_closed_at_once:
        return put_last(parent, clip)
    at = first[-1].end if first else parent.open_end
    return (at, at, clip)


def _spine(root: Element) -> Element:
    spines = [
        spine
        for project in root.below() if project.tag == "project"
        for sequence in project.all("sequence")
        for spine in sequence.all("spine")
    ]  # fmt: skip
    if len(spines) != 1:
        raise DocumentError(f"holds {len(spines)} projects, expected one.")
    return spines[0]


# --- a whole project ------------------------------------------------------------------------------


def made(timeline: Timeline, sounds: list[list[Sound]]) -> str:
    """A project of what is seen and heard."""
    project = _Project(timeline)
    items = [item for index in range(len(timeline.shots)) for item in project.items(index, sounds)]
    start_s = Fraction(timeline.start_frame) / timeline.rate
    counting = "DF" if timeline.drop_frame else "NDF"
    length = ratio(timeline.duration_s)
    name = quoted(timeline.name or "V2M")
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            "<!DOCTYPE fcpxml>",
            '<fcpxml version="1.8">',
            "<resources>",
            f'<format id="r1" frameDuration="{ratio(1 / timeline.rate)}" width="1920" height="1080"/>',
            *project.assets(),
            "</resources>",
            f"<library><event name={name}><project name={name}>",
            f'<sequence format="r1" duration="{length}" tcStart="{ratio(start_s)}" tcFormat="{counting}">',
            "<spine>",
            *items,
            "</spine>",
            "</sequence></project></event></library>",
            "</fcpxml>",
        ]
    ) + "\n"  # fmt: skip


@dataclass
class _Project:
    """The files that the storyline names, gathered while it is written."""

    timeline: Timeline
    files: dict[str, Fraction] = field(default_factory=dict)
    """Source -> the latest second of it that is used."""

    pictures: set[str] = field(default_factory=set)

    def items(self, index: int, sounds: list[list[Sound]]) -> Iterator[str]:
        """A shot, with the sounds that begin under it; and the dissolve before it."""
        timeline, shot = self.timeline, self.timeline.shots[index]
        zero_s = Fraction(timeline.start_frame) / timeline.rate
        mix = next(
            (cut for cut in timeline.cuts if cut.time_s == shot.start_s and cut.kind == "dissolve"), None
        )
        if mix is not None:
            begins_s = zero_s + mix.time_s + mix.center_offset_s - mix.width_s / 2
            yield (
                f'<transition name="Cross Dissolve" offset="{ratio(begins_s)}" '
                f'duration="{ratio(mix.width_s)}"/>'
            )
        begins_s = shot.source_start_s if shot.media and shot.speed == 1 else Fraction(0)
        inside = self._retime(shot) + "".join(self._sounds(shot, begins_s, sounds))
        span = _span(zero_s + shot.start_s, begins_s, shot.duration_s)
        if shot.media is None:
            yield _element("gap", f'name="Gap" {span}', inside)
            return
        source = _source(shot.media.path, shot.media.target)
        reference = self._file(source, max(shot.source_start_s, shot.source_time_s(shot.end_s)), picture=True)
        name = quoted(shot.name or "clip")
        yield _element("asset-clip", f'ref="{reference}" name={name} {span}', inside)

    def _retime(self, shot: Shot) -> str:
        if shot.media is None or shot.speed == 1:
            return ""
        points = ((Fraction(0), shot.source_start_s), (shot.duration_s, shot.source_time_s(shot.end_s)))
        inside = "".join(
            f'<timept time="{ratio(time_s)}" value="{ratio(value_s)}" interp="linear"/>'
            for time_s, value_s in points
        )
        return f"<timeMap>{inside}</timeMap>"

    def _sounds(self, shot: Shot, begins_s: Fraction, sounds: list[list[Sound]]) -> Iterator[str]:
        rate = self.timeline.rate
        first, last = seconds_to_frame(shot.start_s, rate), seconds_to_frame(shot.end_s, rate)
        for lane, track in enumerate(sounds, start=1):
            for sound in track:
                if first <= sound.start_frame < last:
                    length_s, source_s = sound.frame_count / rate, sound.source_frame / rate
                    reference = self._file(
                        sound.path.as_uri(), source_s + length_s * sound.speed, picture=False
                    )
                    offset_s = begins_s + (sound.start_frame - first) / rate
                    name = quoted(sound.name or "sound")
                    yield (
                        f'<asset-clip ref="{reference}" name={name} lane="-{lane}" '
                        f'{_span(offset_s, source_s, length_s)} audioRole="dialogue"/>'
                    )

    def _file(self, source: str, until_s: Fraction, *, picture: bool) -> str:
        self.files[source] = max(until_s, self.files.get(source, Fraction(0)))
        if picture:
            self.pictures.add(source)
        return f"r{list(self.files).index(source) + 2}"

    def assets(self) -> Iterator[str]:
        """The resources; a file's length is unknown, so it is told to last as long as it is used."""
        for number, (source, until_s) in enumerate(self.files.items(), start=2):
            kind = 'hasVideo="1" format="r1"' if source in self.pictures else 'hasAudio="1" audioSources="1"'
            name = quoted(source.rsplit("/", 1)[-1])
            yield (
                f'<asset id="r{number}" name={name} src={quoted(source)} start="0s" '
                f'duration="{ratio(until_s)}" {kind}/>'
            )


def _element(tag: str, attributes: str, inside: str) -> str:
    return f"<{tag} {attributes}>{inside}</{tag}>" if inside else f"<{tag} {attributes}/>"


def _span(offset_s: Fraction, start_s: Fraction, duration_s: Fraction) -> str:
    return f'offset="{ratio(offset_s)}" start="{ratio(start_s)}" duration="{ratio(duration_s)}"'


def _source(path: Path | None, target: str) -> str:
    return path.as_uri() if path else target
