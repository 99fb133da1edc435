"""What Blender's strips show, read into plain data.

Conventions: names of strip types are Blender's. A strip that adds nothing opaque (text, an adjustment, a
blend other than over, less than half of its alpha) is left out: what lies below it is what a viewer sees. A
frame of a movie is shown for one frame of the scene, whatever the movie's own rate, unless it is retimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

Api = Any
"""An object of Blender's, which has no types here."""

CROSSES: Final = frozenset(("CROSS", "GAMMA_CROSS", "WIPE"))
EFFECTS: Final = frozenset((
    "SPEED", "GLOW", "TRANSFORM", "GAUSSIAN_BLUR", "ADD", "SUBTRACT", "MULTIPLY", "ALPHA_OVER", "ALPHA_UNDER",
    "OVER_DROP", "COLORMIX",
))  # fmt: skip
"""They show their first input, changed."""

SHOWING: Final = frozenset(("MOVIE", "IMAGE", "SCENE", "MOVIECLIP", "COLOR", "META", "MULTICAM"))
OPAQUE: Final = frozenset(("REPLACE", "CROSS", "ALPHA_OVER", "GAMMA_CROSS"))
"""Blends that hide what lies below."""

LEAST_ALPHA: Final = 0.5


@dataclass(frozen=True)
class Source:
    """The file that a strip shows."""

    path: str
    is_still: bool = False
    at_first_s: Fraction = Fraction(0)
    """Time in the file seen in the strip's first frame."""

    speed: Fraction = Fraction(1)
    """Seconds of the file that pass in a second of the scene."""


@dataclass(frozen=True, eq=False)
class Strip:
    """A strip that hides what lies below it; compared by identity, as two strips of one file are two."""

    name: str
    kind: str
    channel: int
    start: int
    end: int
    source: Source | None = None
    """None: no file, or one whose moments the strip does not tell."""

    inputs: tuple[Strip, ...] = ()
    """What an effect is made of."""

    inside: tuple[Strip, ...] = ()
    """What a meta strip holds."""

    camera: int = 0
    """The channel that a multicam strip shows."""


def editor_strips(editor: Api) -> Api:
    """The strips of a sequence editor, or those in a meta strip; Blender 4.4 gave them a new name."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def read_strips(strips: Iterable[Api], rate: Fraction, absolute: Callable[[str], str]) -> tuple[Strip, ...]:
    """The strips that show pictures.

    Args:
        strips: of an editor, or in a meta strip.
        rate: frames a second of the scene.
        absolute: makes `//name` of Blender's an absolute path.
    """
    return tuple(_strip(strip, rate, absolute) for strip in strips if _is_opaque(strip))


def _is_opaque(strip: Api) -> bool:
    if strip.mute or strip.type not in SHOWING | CROSSES | EFFECTS:
        return False
    return strip.blend_type in OPAQUE and strip.blend_alpha >= LEAST_ALPHA


def _strip(strip: Api, rate: Fraction, absolute: Callable[[str], str]) -> Strip:
    inputs = [getattr(strip, name, None) for name in ("input_1", "input_2")]
    return Strip(
        strip.name,
        strip.type,
        strip.channel,
        round(strip.frame_final_start),
        round(strip.frame_final_end),
        _source(strip, rate, absolute),
        tuple(_strip(each, rate, absolute) for each in inputs if each is not None),
        read_strips(editor_strips(strip), rate, absolute) if strip.type == "META" else (),
        strip.multicam_source if strip.type == "MULTICAM" else 0,
    )


def _source(strip: Api, rate: Fraction, absolute: Callable[[str], str]) -> Source | None:
    if strip.type == "IMAGE" and len(strip.elements) == 1:
        return Source(absolute(f"{strip.directory}{strip.elements[0].filename}"), is_still=True)
    if strip.type != "MOVIE" or strip.use_reverse_frames:
        return None
    played = _played(strip)
    own_rate = Fraction(strip.fps).limit_denominator(1001) or rate
    if played is None:
        return None
    frame, frames_each = played
    return Source(absolute(strip.filepath), False, frame / own_rate, frames_each * rate / own_rate)


def _played(strip: Api) -> tuple[Fraction, Fraction] | None:
    """The movie's frame that comes first, and how many pass in one of the scene; None where that changes."""
    before = strip.frame_final_start - strip.frame_start
    trimmed = Fraction(strip.animation_offset_start)
    keys = list(strip.retiming_keys)
    if not keys:
        return trimmed + round(before), Fraction(1)
    lasting = round(keys[-1].timeline_frame) - round(keys[0].timeline_frame)
    if len(keys) != 2 or lasting <= 0:
        return None
    speed = Fraction(strip.frame_duration, lasting)
    return trimmed + (round(strip.frame_final_start) - round(keys[0].timeline_frame)) * speed, speed
