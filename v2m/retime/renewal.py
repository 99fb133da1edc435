"""Frames that are composed again, as notes among the notes that stay.

Conventions: as in `edit`; frames are sixteenths of the edit's own tempo map.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from v2m.backbones.base import Commission, RenewingBackbone
from v2m.codecs.arrangement import PARTS, STEPS_PER_BEAT, Arrangement, Note, Part, Span
from v2m.prompt.casting import cast
from v2m.prompt.doubling import doubled
from v2m.prompt.words import read_prompt
from v2m.retime.edit import Edit, Renewal
from v2m.retime.plan import RetimePlan, plan_of
from v2m.stages import Cancel, FractionDone
from v2m.swell import swelled
from v2m.take.latents import Values
from v2m.take.opened import OpenedTake, curve_of
from v2m.take.record import Origin, Redone

_AROUND_BEATS: Final = 16
"""Notes are read with so much music around: the longest that decides anything is a few beats."""


def spliced(frames: Values, renewal: Renewal, renewed: Values) -> Values:
    """Latents (t, c) with the renewed ones (count, c) in their place."""
    return np.concatenate([frames[: renewal.first], renewed, frames[renewal.last :]])


def commission_before(take: OpenedTake) -> Commission:
    """What the backbone was asked for before any hit was moved."""
    return _commission(take, take.record.before)


def _commission(take: OpenedTake, moments: Origin) -> Commission:
    settings = take.record.settings
    return Commission(
        brief=take.brief,
        tempo_map=moments.tempo_map,
        duration_s=moments.duration_s,
        curve=curve_of(moments.curve),
        hits=moments.hits,
        seeds=(take.record.seed,),
        adherence=settings["adherence"],
        steps=settings["steps"],
        window_scale=settings["window_scale"],
    )


def compose(
    take: OpenedTake,
    edit: Edit,
    backbone: RenewingBackbone,
    on_progress: FractionDone,
    cancel: Cancel,
    told: Redone | None = None,
) -> Values:
    """The frames of an edit's renewal, (count, c), composed to fit what lies around.

    Args:
        take: the take.
        edit: one stretch of it.
        backbone: whose latents the take's are.
        on_progress: told the fraction done.
        cancel: raises CancelledError to stop.
        told: other words, another seed and another curve than the take's.
    """
    renewal = edit.renewal
    if renewal is None:
        raise AssertionError("the edit composes nothing")
    moments = edit.applied(take.record.before)
    unknown = np.zeros((renewal.count, take.latents.before.shape[1]), np.float32)
    canvas = spliced(take.latents.before, renewal, unknown)
    canvas = canvas[: STEPS_PER_BEAT * (len(moments.tempo_map.beats_s) - 1)]
    commission = _commission(take, moments)
    if told is not None:
        brief = replace(read_prompt(told.prompt), excluded=take.brief.excluded, only=take.brief.only)
        curve = curve_of(swelled(moments.curve, told.swells))
        commission = replace(commission, brief=brief, seeds=(told.seed,), curve=curve)
    span = slice(renewal.first, renewal.first + renewal.count)
    renewed = np.zeros(len(canvas), bool)
    renewed[span] = True
    return backbone.renew(commission, canvas, renewed, on_progress, cancel)[span]


def arranged(
    take: OpenedTake, edit: Edit, renewed: Values | None, old: Arrangement | None = None
) -> Arrangement:
    """The take's notes with those of the edit's renewal in their place.

    Args:
        take: the take.
        edit: one stretch of it.
        renewed: what the edit's renewal composed.
        old: the take's notes where later stretches are edited already; None: as they were.
    """
    old = take.composed if old is None else old
    if edit.renewal is not None and renewed is not None:
        grown = (edit.renewal.count - edit.renewal.last + edit.renewal.first) // STEPS_PER_BEAT
        old = replace(
            _joined(old, _read(take, edit.renewal, renewed), edit.renewal), beat_count=old.beat_count + grown
        )
    if edit.last_beat is None:
        old = replace(old, beat_count=edit.first_beat + len(edit.beats_s) - 1)
    return old


def composed_now(take: OpenedTake) -> Arrangement:
    """The notes of a take with all its moves, as composed."""
    plan = plan_of(take.record)
    return take.composed if plan is None else with_edits(take, plan, renewed_before(take))


def with_edits(take: OpenedTake, plan: RetimePlan, renewed: Mapping[Edit, Values]) -> Arrangement:
    """The notes with all edits, from the last to the first: what lies before one is where it was."""
    composed = take.composed
    for placed in reversed(plan.edits):
        composed = arranged(take, placed.edit, renewed.get(placed.edit), composed)
    return composed


def renewed_before(take: OpenedTake) -> dict[Edit, Values]:
    """What the take's own plan composed again, read from its latents."""
    plan = plan_of(take.record)
    found: dict[Edit, Values] = {}
    grown = 0  # frames that the edits so far added
    for placed in plan.edits if plan else ():
        edit = placed.edit
        if edit.renewal is not None:
            first = edit.renewal.first + grown
            found[edit] = take.latents.composed[first : first + edit.renewal.count]
            grown += edit.renewal.count - (edit.renewal.last - edit.renewal.first)
    return found


def _read(take: OpenedTake, renewal: Renewal, renewed: Values) -> Arrangement:
    """The notes around a renewal, on the beats of the edit, by the players of the take."""
    around = spliced(take.latents.before, renewal, renewed)
    begin = max(0, renewal.first // STEPS_PER_BEAT - _AROUND_BEATS)
    end = -(-(renewal.first + renewal.count) // STEPS_PER_BEAT) + _AROUND_BEATS
    read = take.notes_of(around[STEPS_PER_BEAT * begin : STEPS_PER_BEAT * end])
    # nobody new plays, and nobody is asked for again: who is missing here rests
    players = take.composed.programs
    read = cast(replace(read, programs=players), replace(take.brief, asked=()))
    sounding = {note.part for note in take.composed.notes}
    notes = [note for note in read.notes if note.part in sounding]
    written = {note.part for note in take.notes_of(take.latents.before).notes}
    for part in (part for part in PARTS if part in sounding - written):
        notes += doubled(read, part)
    return replace(
        read,
        notes=tuple(replace(note, start_beat=note.start_beat + begin) for note in notes),
        pedals={part: tuple(_later(spans, begin)) for part, spans in read.pedals.items()},
        loudness_db={
            part: (*[0.0] * (STEPS_PER_BEAT * begin), *levels) for part, levels in read.loudness_db.items()
        },
    )


def _later(spans: Iterable[Span], beats: float) -> list[Span]:
    return [(down + beats, up + beats) for down, up in spans]


def _joined(old: Arrangement, new: Arrangement, renewal: Renewal) -> Arrangement:
    """Old notes before and after, new ones between; a note held into the new part ends as written there."""
    first, last = renewal.first / STEPS_PER_BEAT, renewal.last / STEPS_PER_BEAT
    end = (renewal.first + renewal.count) / STEPS_PER_BEAT
    ends = {(note.part, note.start_beat, note.pitch): note.duration_beats for note in new.notes}
    notes = [_held(note, first, ends) for note in old.notes if note.start_beat < first]
    notes += [note for note in new.notes if first <= note.start_beat < end]
    notes += [
        replace(note, start_beat=note.start_beat + end - last)
        for note in old.notes
        if note.start_beat >= last
    ]
    notes.sort(key=lambda note: (note.start_beat, PARTS.index(note.part), note.pitch))
    return replace(
        old,
        notes=tuple(notes),
        pedals={part: _joined_pedals(part, old, new, (first, last, end)) for part in old.pedals},
        loudness_db={part: _joined_levels(part, old, new, renewal) for part in old.loudness_db},
    )


def _held(note: Note, first: float, ends: dict[tuple[Part, float, int], float]) -> Note:
    if note.part == "drums" or note.start_beat + note.duration_beats <= first:
        return note
    length = ends.get((note.part, note.start_beat, note.pitch), first - note.start_beat)
    return replace(note, duration_beats=length)


def _joined_pedals(
    part: Part, old: Arrangement, new: Arrangement, at: tuple[float, float, float]
) -> tuple[Span, ...]:
    first, last, end = at
    spans = [(down, min(up, first)) for down, up in old.pedals[part] if down < first]
    spans += [
        (max(down, first), min(up, end)) for down, up in new.pedals.get(part, ()) if down < end and up > first
    ]
    spans += _later(((max(down, last), up) for down, up in old.pedals[part] if up > last), end - last)
    joined: list[Span] = []
    for down, up in spans:
        if joined and down <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(up, joined[-1][1]))
        else:
            joined.append((down, up))
    return tuple(joined)


def _joined_levels(part: Part, old: Arrangement, new: Arrangement, renewal: Renewal) -> tuple[float, ...]:
    levels, end = old.loudness_db[part], renewal.first + renewal.count
    fresh = new.loudness_db.get(part, ())[renewal.first : end]
    return (
        *levels[: renewal.first],
        *fresh,
        *[0.0] * (renewal.count - len(fresh)),
        *levels[renewal.last :],
    )
