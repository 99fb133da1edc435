"""The visible cut list: a layer of pictures put on whole frames, as the shots and cuts of a programme.

A cut is where the viewer sees the picture change. Two pieces of one file that run on without a jump are
one shot, whatever the tracks say; so is a file that another layer did not really interrupt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from v2m.timebase import on_frame
from v2m.timeline import Cut, CutKind, Shot
from v2m_otio.composite import Layer, Picture, Seam, Span

Piece = tuple[Span, Shot]


def shots_of(layer: Layer, rate: Fraction, duration_s: Fraction) -> tuple[list[Shot], list[bool]]:
    """The shots that cover a programme, and for each whether it shows a picture.

    Args:
        layer: what is seen, in exact seconds.
        rate: frames a second; every border moves to the nearest frame.
        duration_s: length of the programme, on a frame.
    """
    shots: list[Shot] = []
    pictures: list[Picture | None] = []
    for span in layer.spans:
        start_s = max(on_frame(span.start_s, rate), shots[-1].end_s if shots else Fraction(0))
        end_s = min(on_frame(span.end_s, rate), duration_s)
        if end_s <= start_s:
            continue
        _fill(shots, pictures, start_s)
        source_s = max(Fraction(0), span.source_at(start_s))
        shot = Shot(start_s, end_s - start_s, span.picture.media, source_s, span.speed, span.picture.name)
        if shots and _runs_on(shots[-1], pictures[-1], shot, span.picture, 1 / rate):
            shots[-1] = replace(shots[-1], duration_s=end_s - shots[-1].start_s)
        else:
            shots.append(shot)
            pictures.append(span.picture)
    _fill(shots, pictures, duration_s)
    return shots, [picture is not None for picture in pictures]


def _fill(shots: list[Shot], pictures: list[Picture | None], until_s: Fraction) -> None:
    """A shot without media up to a time, if the ones before end earlier."""
    at_s = shots[-1].end_s if shots else Fraction(0)
    if at_s < until_s:
        shots.append(Shot(at_s, until_s - at_s))
        pictures.append(None)


def _runs_on(
    before: Shot, before_picture: Picture | None, after: Shot, picture: Picture, frame_s: Fraction
) -> bool:
    """Whether a shot shows the next frames of the one before it: within half a frame, at the same speed."""
    if before_picture is None or before.end_s != after.start_s or before.speed != after.speed:
        return False
    if before_picture is not picture and (not picture.key or picture.key != before_picture.key):
        return False
    jump_s = abs(before.source_time_s(before.end_s) - after.source_start_s)
    return jump_s <= frame_s / 2 * max(Fraction(1), abs(after.speed))


def cuts_of(
    shots: Sequence[Shot], pictured: Sequence[bool], seams: Sequence[Seam], rate: Fraction
) -> tuple[Cut, ...]:
    """The changes of shot, with the transitions that lie on them; fades at both ends of the programme too."""
    widest: dict[Fraction, Seam] = {}
    for seam in seams:
        time_s = on_frame(seam.time_s, rate)
        if time_s not in widest or _width(seam) > _width(widest[time_s]):
            widest[time_s] = seam
    cuts = []
    sides = [False, *pictured, False]
    for index, time_s in enumerate([*(shot.start_s for shot in shots), shots[-1].end_s]):
        here = widest.get(time_s)
        if here is not None and _width(here) > 0 and (sides[index] or sides[index + 1]):
            kind: CutKind = "dissolve" if sides[index] and sides[index + 1] else "fade"
            cuts.append(_transition(time_s, here, kind, shots[-1].end_s))
        elif 0 < index < len(shots):
            cuts.append(Cut(time_s))
    return tuple(cuts)


def _width(seam: Seam) -> Fraction:
    return seam.before_s + seam.after_s


def _transition(time_s: Fraction, seam: Seam, kind: CutKind, end_s: Fraction) -> Cut:
    """Centre and width of the part of a transition that lies in the programme."""
    before_s, after_s = min(seam.before_s, time_s), min(seam.after_s, end_s - time_s)
    return Cut(time_s, kind, before_s + after_s, (after_s - before_s) / 2)
