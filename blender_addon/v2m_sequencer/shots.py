"""What a viewer sees of strips over one another: shots, one after another, and the dissolves between them.

Conventions: the topmost channel hides all below it. A cross changes from its first input to its second in its
middle; a dissolve tells how far it reaches to both sides of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from .strips import CROSSES, EFFECTS, Strip


@dataclass(frozen=True)
class Shot:
    """A stretch that shows one strip, or nothing."""

    start: int
    end: int
    strip: Strip | None
    dissolve: tuple[int, int] | None = None
    """Frames that a dissolve reaches back and on from the beginning of this shot."""

    def source_s(self, rate: Fraction) -> Fraction:
        """Time in the strip's file seen in the first frame."""
        if self.strip is None or self.strip.source is None:
            return Fraction(0)
        source = self.strip.source
        return source.at_first_s + (self.start - self.strip.start) / rate * source.speed


def seen(strips: Sequence[Strip], first: int, end: int) -> tuple[Shot, ...]:
    """The shots from frame `first` to frame `end`, without a hole between them."""
    changes = {first, end} | {frame for frame in _changes(strips) if first < frame < end}
    frames = sorted(changes)
    shots: list[Shot] = []
    for start, stop in pairwise(frames):
        strip = _topmost(strips, start)
        if shots and shots[-1].strip is strip:
            shots[-1] = replace(shots[-1], end=stop)
        else:
            shots.append(Shot(start, stop, strip))
    crosses = {_middle(strip): strip for strip in _all(strips) if strip.kind in CROSSES}
    return tuple(
        replace(shot, dissolve=_reach(crosses[shot.start], before, shot)) if shot.start in crosses else shot
        for before, shot in zip((None, *shots), shots, strict=False)
    )


def picture_range(strips: Iterable[Strip]) -> tuple[int, int] | None:
    """From the first frame that shows something to the one after the last; None where nothing does."""
    spans = [(strip.start, strip.end) for strip in strips]
    return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None


def _topmost(strips: Sequence[Strip], frame: int, channel: int | None = None) -> Strip | None:
    """The strip that is seen: a clip itself, not the effect or the meta strip that shows it."""
    there = [
        strip for strip in strips if strip.start <= frame < strip.end and channel in (None, strip.channel)
    ]
    for strip in sorted(there, key=lambda strip: -strip.channel):
        shown: Strip | None = strip
        if strip.kind == "META":
            shown = _topmost(strip.inside, frame)
        elif strip.kind == "MULTICAM":
            shown = _topmost(strips, frame, strip.camera) if strip.camera < strip.channel else None
        elif strip.kind in CROSSES | EFFECTS:
            shown = _shown_by(strip, strips, frame)
        if shown is not None:
            return shown
    return None


def _shown_by(effect: Strip, strips: Sequence[Strip], frame: int) -> Strip | None:
    """What an effect is made of at a frame, as it stands among the strips where it does."""
    if not effect.inputs:
        return None
    number = 1 if effect.kind in CROSSES and frame >= _middle(effect) and len(effect.inputs) > 1 else 0
    wanted = effect.inputs[number]
    same = [s for s in strips if (s.name, s.channel, s.start) == (wanted.name, wanted.channel, wanted.start)]
    shown = same[0] if same else wanted
    if shown.kind in CROSSES | EFFECTS:
        return _shown_by(shown, strips, frame)
    return _topmost(shown.inside, frame) if shown.kind == "META" else shown


def _reach(cross: Strip, before: Shot | None, after: Shot) -> tuple[int, int] | None:
    """How far a cross reaches, no farther than the shots beside it."""
    if before is None:
        return None
    middle = _middle(cross)
    return min(middle - cross.start, middle - before.start), min(cross.end - middle, after.end - middle)


def _middle(strip: Strip) -> int:
    return (strip.start + strip.end) // 2


def _all(strips: Iterable[Strip]) -> Iterator[Strip]:
    for strip in strips:
        yield strip
        yield from _all(strip.inside)


def _changes(strips: Iterable[Strip]) -> Iterator[int]:
    """Frames on which another strip may be seen than on the one before."""
    for strip in _all(strips):
        yield from (strip.start, strip.end)
        if strip.kind in CROSSES:
            yield _middle(strip)
