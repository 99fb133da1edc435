"""The music in the sequencer: a sound strip on a channel called V2M Score, and what it knows of its take.

A strip of ours keeps, in a property of its own that is saved with the file, the take's folder, the frame on
which the music began when it was placed, and where each hit lay under which marker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from .daemon import Json
from .refused import Refused
from .strips import Api, editor_strips

CHANNEL: Final = "V2M Score"
NAME: Final = "V2M music"
PROPERTY: Final = "v2m"
_KEPT: Final = ("volume", "pan", "mute", "color_tag")
"""What the user may have set on a strip that is replaced."""


@dataclass(frozen=True)
class Hit:
    """A hit as it was shown: under a marker's name, on a frame."""

    marker: str
    frame: int


@dataclass(frozen=True)
class Music:
    """What a strip of ours plays."""

    take: str
    wav: str
    first: int
    """Frame of its sample 0 when it was placed."""

    frames: int
    prompt: str = ""
    hits: dict[str, Hit] = field(default_factory=dict)

    def moved_to(self, first: int) -> Music:
        """The same where the user has moved it since."""
        by = first - self.first
        hits = {name: replace(hit, frame=hit.frame + by) for name, hit in self.hits.items()}
        return replace(self, first=first, hits=hits)


def music_of(result: Json, first: int, rate: Fraction) -> Music:
    """What a job made, to be placed on a frame."""
    frames = max(1, round(Fraction(result["duration_s"]) * rate))
    return Music(str(result["take"]), str(result["wav"]), first, frames, str(result.get("prompt", "")))


def strips_of_ours(editor: Api) -> Iterator[tuple[Api, Music]]:
    """Our strips with what they play, where they lie now; a copy that the user made is one too."""
    for strip in editor_strips(editor):
        if strip.type == "SOUND" and PROPERTY in strip:
            with suppress(ValueError, TypeError, KeyError):
                told = json.loads(strip[PROPERTY])
                hits = {name: Hit(**hit) for name, hit in told.pop("hits").items()}
                music = Music(**told, hits=hits)
                yield strip, music.moved_to(round(strip.frame_start))


def chosen(editor: Api, frame: int) -> tuple[Api, Music]:
    """The strip of ours that is meant: a selected one, else the one on a frame, else the first.

    Raises:
        Refused: there is none.
    """
    ours = sorted(strips_of_ours(editor), key=lambda each: each[1].first)
    if not ours:
        raise Refused("There is no music of V2M in this sequence. Score it first.")
    selected = [each for each in ours if each[0].select]
    there = [each for each in ours if each[0].frame_final_start <= frame < each[0].frame_final_end]
    return (*selected, *there, *ours)[0]


def place(editor: Api, music: Music) -> Api:
    """Put the music on its frame, in the place of ours that lies there.

    Raises:
        Refused: Blender does not play the file, or put it elsewhere.
    """
    if not Path(music.wav).is_file():  # told before anything is taken away
        raise Refused(f"The music {music.wav} is not there. Look whether the daemon writes to another disk.")
    end = music.first + music.frames
    strips = editor_strips(editor)
    old = [
        strip
        for strip, _ in strips_of_ours(editor)
        if strip.frame_final_start < end and music.first < strip.frame_final_end
    ]
    kept = {name: getattr(old[0], name) for name in _KEPT if hasattr(old[0], name)} if old else {}
    for strip in old:
        strips.remove(strip)
    channel = _free_channel(editor, music.first, end)
    try:
        strip = strips.new_sound(NAME, music.wav, channel, music.first)
    except RuntimeError as error:
        raise Refused(f"Blender does not open {music.wav}: {error}") from error
    for name, value in kept.items():
        setattr(strip, name, value)
    if strip.frame_final_duration > music.frames:  # a length in seconds is rounded up to frames
        strip.frame_final_duration = music.frames
    _check(strip, music, channel)
    remember(strip, music)
    return strip


def remember(strip: Api, music: Music) -> None:
    """Let a strip know what it plays."""
    strip[PROPERTY] = json.dumps(asdict(music), ensure_ascii=False)


def _free_channel(editor: Api, first: int, end: int) -> int:
    """A channel of ours that is free there, else the lowest one without any strip."""
    strips = list(editor_strips(editor))
    taken = {
        strip.channel for strip in strips if strip.frame_final_start < end and first < strip.frame_final_end
    }
    used = {strip.channel for strip in strips}
    numbers = range(1, len(editor.channels))
    for number in numbers:
        if editor.channels[number].name == CHANNEL and number not in taken:
            return number
    for number in numbers:
        if number not in used:
            editor.channels[number].name = CHANNEL
            return number
    raise Refused("No channel of the sequencer is free for the music. Make room in one.")


def _check(strip: Api, music: Music, channel: int) -> None:
    if (round(strip.frame_final_start), strip.channel) != (music.first, channel):
        raise Refused(
            f"Blender put the music on frame {strip.frame_final_start:g} of channel {strip.channel}, "
            f"it belongs on frame {music.first} of channel {channel}. Move it there."
        )
    if strip.frame_final_duration < music.frames - 1:
        raise Refused(
            f"Blender reads {strip.frame_final_duration} frames of {music.wav}, expected {music.frames}. "
            "Check the file."
        )
