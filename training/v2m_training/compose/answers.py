"""How the music answers an event: the stronger it is, the more parts mark it and the more changes.

    0.3   an accent: chords and drums strike, in a new inversion
    0.5   a new chord, crash and kick, a breath just before, all parts strike together
    0.7+  a new section (see `form`): a fill, a swell, a stop or a drop leads in (see `approaches`)
    end   the last chord, struck by everybody and left to ring

Now and then a strong one is a stinger: all strike and fall silent for a beat or two.

Conventions: ordinary strokes stay at a velocity of `steady_velocity` or so (50-90); events get 96-126, so
that the sound's own event curve has its peaks at the events.
"""

from __future__ import annotations

import random
from typing import Final

from v2m.codecs.arrangement import DRUM_VOICES, PARTS, STEPS_PER_BEAT, Part
from v2m_training.compose.approaches import lead_into
from v2m_training.compose.bass import root_pitch
from v2m_training.compose.draft import Draft
from v2m_training.compose.figures import ladder
from v2m_training.compose.form import CHORD_STRENGTH, SECTION_STRENGTH, Event
from v2m_training.compose.harmony import nearest_pitch, voice
from v2m_training.compose.lead_sheet import ChordSpan, LeadSheet
from v2m_training.compose.melody import LEAD_RANGE

_ALL_STRIKE: Final = 0.55
"""From this strength on every part that plays strikes on the event."""

_STINGER_SHARE: Final = 0.06
_STINGER_RING: Final = 2
"""Steps that a stinger sounds before the silence."""

_BEAT_STOP: Final = STEPS_PER_BEAT - 1
"""Silence of so many steps is heard as a stop, not as a breath."""


def answer_events(
    draft: Draft, sheet: LeadSheet, layers: frozenset[Part], register: float, rng: random.Random
) -> bool:
    """Cut all events of the form into a draft; whether everybody stopped at least once."""
    stopped = False
    for event in sheet.form.events:
        _, texture = sheet.section_at(event.step)
        silence = lead_into(draft, sheet, event, rng)
        playing = set(layers if event.ends else texture.parts)
        if event.strength >= SECTION_STRENGTH and "drums" in layers:
            playing.add("drums")  # even a section without drums is opened by them
        for part in _strikers(playing, event, rng):
            _strike(draft, sheet, part, event, register)
        stinger = 0
        if event.strength >= _ALL_STRIKE and not event.ends and rng.random() < _STINGER_SHARE:
            stinger = _sting(draft, sheet, event, rng)
        stopped |= max(silence, stinger) >= _BEAT_STOP
    return stopped


def _sting(draft: Draft, sheet: LeadSheet, event: Event, rng: random.Random) -> int:
    """Silence after the blow, to a beat, at the latest to the next event; the steps of it."""
    following = min((e.step for e in sheet.form.events if e.step > event.step), default=draft.step_count)
    resume = event.step - event.step % STEPS_PER_BEAT + rng.choice((1, 2)) * STEPS_PER_BEAT
    first, last = event.step + _STINGER_RING, min(resume, following)
    for part in PARTS:
        draft.clear(part, event.step + 1, last)
        draft.release(part, first)
    return max(0, last - first)


def _strikers(playing: set[Part], event: Event, rng: random.Random) -> list[Part]:
    """Who strikes: everybody from _ALL_STRIKE on, below it the chords, the drums and perhaps one more."""
    if event.strength >= _ALL_STRIKE or event.ends:
        return [part for part in PARTS if part in playing]
    core = [part for part in PARTS if part in playing and part in ("drums", "harmony")]
    others = [part for part in PARTS if part in playing and part not in core]
    extra = 1 if core and event.strength < 0.42 else 2
    return [*core, *rng.sample(others, k=min(extra, len(others)))]


def _strike(draft: Draft, sheet: LeadSheet, part: Part, event: Event, register: float) -> None:
    step, velocity = event.step, 88 + 38 * event.strength
    if part == "drums":
        _strike_drums(draft, sheet, event, velocity)
        return
    ring = draft.step_count - step if event.ends else 2 + round(5 * event.strength)
    draft.clear(part, step, step + (ring if event.ends else max(1, ring // 2)))
    span = sheet.chord_at(step)
    limit = draft.step_count if event.ends else max(span.end, step + 1)
    length = min(_ring_until_next(draft, part, step, ring, limit), limit - step)
    for pitch in _struck_pitches(sheet, part, event, span, register):
        draft.add(part, step, length, pitch, velocity)


def _ring_until_next(draft: Draft, part: Part, step: int, ring: int, limit: int) -> int:
    """Ring to the part's next attack where that is near, so that held figures leave no hole."""
    following = next((s for s in range(step + 1, min(limit, step + 16)) if draft.pitches(part, s)), None)
    return following - step if following is not None else max(ring, limit - step)


def _struck_pitches(
    sheet: LeadSheet, part: Part, event: Event, span: ChordSpan, register: float
) -> tuple[int, ...]:
    """The pitches of a strike: a new register or inversion is what makes it heard."""
    _, texture = sheet.section_at(event.step)
    if part == "bass":
        return (root_pitch(span, 33.0 if event.strength >= CHORD_STRENGTH else 38.0),)
    if part == "harmony":
        if event.strength >= CHORD_STRENGTH:
            return span.voicing
        return voice(span.chord, (), texture.habits.centre + (5 if texture.habits.centre < 62 else -5))
    if part == "extras":
        rungs = ladder(span, 72)
        return (rungs[min(len(rungs) - 1, round(3 * event.strength))],)
    return (nearest_pitch(span.chord.pitch_classes, register + 9 * event.strength, *LEAD_RANGE),)


def _strike_drums(draft: Draft, sheet: LeadSheet, event: Event, velocity: float) -> None:
    step = event.step
    heavy = event.strength >= CHORD_STRENGTH
    voices = ["big drum"] if sheet.style.orchestral_drums else ["kick"]
    voices.append("crash" if event.strength >= 0.42 else "open hat")
    if event.strength >= SECTION_STRENGTH:
        voices += ["kick", "low tom"] if sheet.style.orchestral_drums else ["snare"]
    draft.drop_attacks("drums", step, draft.step_count if event.ends else step + (2 if heavy else 1))
    for name in voices:
        draft.add("drums", step, 1, DRUM_VOICES[name], velocity)
