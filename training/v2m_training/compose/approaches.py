"""How the music leads into an event: a stop, a fill, a swell, a drop.

    stop    everybody falls silent, the shorter the lighter the event
    fill    the drummer leads over
    swell   held chords grow, strokes quicken, a line runs upwards
    drop    bass and kick leave, a light tick keeps the beat, until all come in at once

Conventions: a lead-in stays below what the event itself gets, and never reaches back over the event before.
"""

from __future__ import annotations

import random
from typing import Final, Literal

from v2m.codecs.arrangement import DRUM_VOICES, PARTS, STEPS_PER_BEAT
from v2m_training.compose.draft import Draft
from v2m_training.compose.form import CHORD_STRENGTH, SECTION_STRENGTH, Event
from v2m_training.compose.habits import Texture
from v2m_training.compose.lead_sheet import LeadSheet, steady_velocity
from v2m_training.compose.rhythm import play_fill

Approach = Literal["run on", "stop", "fill", "swell", "drop"]

_HEAVY: Final[tuple[tuple[Approach, int], ...]] = (
    ("fill", 36), ("swell", 24), ("stop", 20), ("drop", 10), ("run on", 10),
)  # fmt: skip
_MIDDLING: Final[tuple[tuple[Approach, int], ...]] = (("run on", 60), ("stop", 25), ("swell", 15))

_STOP_STRENGTH: Final = 0.4
"""Below this the music runs into the event without a breath."""

_SWELL_DB: Final = (-7.0, 4.0)
"""From and to: held chords more than double in loudness on the way into a hit."""

_LOUDEST_LEAD_IN: Final = 94.0
"""An event is struck at 99 or more."""


def lead_into(draft: Draft, sheet: LeadSheet, event: Event, rng: random.Random) -> int:
    """Prepare an event.

    Returns:
        Steps of silence just before it.
    """
    section, texture = sheet.section_at(max(0, event.step - 1))
    room = event.step - max((e.step + 2 for e in sheet.form.events if e.step < event.step), default=0)
    approach = _choose(rng, sheet, event, texture, room)
    if approach == "stop":
        return _stop(draft, event, rng, room)
    for part in PARTS:
        if part != "drums":
            draft.release(part, event.step)
    if approach == "fill":
        play_fill(draft, sheet, event.step, steady_velocity(section, event.step), rng)
    elif approach == "swell":
        longest = 4 if event.strength >= SECTION_STRENGTH else 2
        beats = rng.randint(min(2, longest), longest)
        _swell(draft, sheet, event.step, min(beats, room // STEPS_PER_BEAT), texture)
    elif approach == "drop":
        _drop(draft, sheet, event.step, min(rng.choice((2, 4)), room // STEPS_PER_BEAT))
    return 0


def _choose(rng: random.Random, sheet: LeadSheet, event: Event, texture: Texture, room: int) -> Approach:
    if event.strength < CHORD_STRENGTH:
        return "stop" if event.strength >= _STOP_STRENGTH and rng.random() < 0.3 else "run on"
    table = _HEAVY if event.strength >= SECTION_STRENGTH else _MIDDLING
    approach = rng.choices([kind for kind, _ in table], [weight for _, weight in table])[0]
    if approach != "stop" and room < 2 * STEPS_PER_BEAT:
        return "run on"
    if approach in ("fill", "drop") and "drums" not in texture.parts:
        return "swell"
    return approach


def _stop(draft: Draft, event: Event, rng: random.Random, room: int) -> int:
    """A breath before a light event, up to two beats of silence before the heaviest."""
    if event.strength < CHORD_STRENGTH:
        longest = 1
    else:
        longest = 2 if event.strength < SECTION_STRENGTH else rng.choice((2, 3, 4, 4, 8))
    length = min(longest, max(0, room))
    for part in PARTS:
        if length:
            draft.clear(part, event.step - length, event.step)
    return length


def _swell(draft: Draft, sheet: LeadSheet, until: int, beats: int, texture: Texture) -> None:
    """Held chords grow, all others repeat quicker and louder; the extras run up the scale."""
    start = until - beats * STEPS_PER_BEAT
    section, _ = sheet.section_at(until - 1)
    ternary = sheet.form.metre == "6/8"
    held = "harmony" in texture.parts and sheet.orchestra.harmony_sustains
    if held:
        draft.swell("harmony", start, until, *_SWELL_DB)
    for step in range(start, until):
        place = (step - start) / max(1, until - start)
        loudness = min(_LOUDEST_LEAD_IN, steady_velocity(section, step) * (0.72 + 0.48 * place))
        inside = step % STEPS_PER_BEAT
        if ternary and inside == 2:
            continue
        span = sheet.chord_at(step)
        eighth = inside != 2 if ternary else inside % 2 == 0
        if "harmony" in texture.parts and eighth and not held:
            draft.drop_attacks("harmony", step, step + 1)
            for pitch in span.voicing:
                draft.add("harmony", step, 2, pitch, loudness * 0.95)
        if "bass" in texture.parts and eighth and draft.pitches("bass", step - step % STEPS_PER_BEAT):
            pitch = draft.pitches("bass", step - step % STEPS_PER_BEAT)[0]
            draft.add("bass", step, 2, pitch, loudness)
        if "drums" in texture.parts and (place >= 0.5 or eighth):
            _roll(draft, sheet, step, loudness * 0.9)
        if "extras" in texture.parts:
            rungs = [pitch for pitch in range(57, 87) if pitch % 12 in span.scale]
            draft.add("extras", step, 1, rungs[min(len(rungs) - 1, step - start)], loudness * 0.9)


def _roll(draft: Draft, sheet: LeadSheet, step: int, loudness: float) -> None:
    voice = "low tom" if sheet.style.orchestral_drums else "snare"
    draft.add("drums", step, 1, DRUM_VOICES[voice], loudness)


def _drop(draft: Draft, sheet: LeadSheet, until: int, beats: int) -> None:
    """Bass and drums leave, a tick keeps the beat."""
    start = until - beats * STEPS_PER_BEAT
    section, _ = sheet.section_at(until - 1)
    draft.clear("bass", start, until)
    draft.drop_attacks("drums", start, until)
    voice = "low tom" if sheet.style.orchestral_drums else "closed hat"
    for step in range(-(-start // STEPS_PER_BEAT) * STEPS_PER_BEAT, until, STEPS_PER_BEAT):
        draft.add("drums", step, 1, DRUM_VOICES[voice], steady_velocity(section, step) * 0.9)
