"""Form: where the events fall, which of them open a section, and how the energy runs.

Conventions: positions are steps; a strength is 0.3-1. The picture cuts at any beat, so events do as well:
they keep to no bar line, come in bursts, or stay away for long.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal

from v2m.codecs.arrangement import STEPS_PER_BEAT

SECTION_STRENGTH: Final = 0.7
"""An event this strong opens a new section."""

CHORD_STRENGTH: Final = 0.5
"""An event this strong changes the chord."""

_UNMARKED_SHARE: Final = 0.12
"""Pieces without events but perhaps an end: sections change by the phrase, and quietly."""

_ENDED_SHARE: Final = 0.6
"""Pieces that come to a last chord; the others go on past their last bar, as excerpts do."""

Shape = Literal["building", "steady form", "contrasts"]


@dataclass(frozen=True, slots=True)
class Event:
    """A moment that the music marks."""

    step: int
    strength: float
    ends: bool = False
    """The last chord: nothing follows but its ringing."""


@dataclass(frozen=True, slots=True)
class Section:
    """A span with one texture, one groove and one loop of chords."""

    start: int
    end: int
    intensity: float
    """0 a single soft part … 1 everybody."""

    swell: float = 0.0
    """How much louder, in MIDI velocity, ordinary strokes are at the end than at the start."""

    after_ending: bool = False
    """The ringing of the last chord."""


@dataclass(frozen=True, slots=True)
class Form:
    """The plan of a piece in time."""

    step_count: int
    bar_steps: int
    shape: Shape
    events: tuple[Event, ...]
    sections: tuple[Section, ...]


# Mean beats between events, and how often a piece has them: from long takes to a burst of cuts.
_GAPS: Final = ((16.0, 3), (9.0, 4), (5.5, 4), (3.5, 2), (2.2, 1))
_SHORTEST_GAP: Final = 2
_BURST_GAP: Final = 4.0
"""Where the mean is below this, now and then two events stand a beat apart."""


def plan_form(rng: random.Random, beats_per_bar: int, bpm: float, *, off_beats: bool) -> Form:
    """A form of 96-160 beats.

    Args:
        rng: the piece's randomness.
        beats_per_bar: beats in a bar.
        bpm: nominal tempo; a quick piece gets more beats.
        off_beats: whether a few events may fall on an off-beat eighth (not where eighths swing).
    """
    wanted_beats = min(160.0, max(96.0, rng.uniform(42, 66) * bpm / 60))
    bars = max(-(-96 // beats_per_bar), min(160 // beats_per_bar, round(wanted_beats / beats_per_bar)))
    step_count = bars * beats_per_bar * STEPS_PER_BEAT
    shape: Shape = rng.choice(("building", "contrasts", "contrasts", "steady form"))
    marked = rng.random() > _UNMARKED_SHARE
    events = _events(rng, step_count, off_beats=off_beats) if marked else ()
    events = _with_ending(rng, events, step_count) if rng.random() < _ENDED_SHARE else events
    bar_steps = beats_per_bar * STEPS_PER_BEAT
    starts = [event.step for event in events if event.strength >= SECTION_STRENGTH]
    if not marked:
        phrase = bar_steps * (16 if shape == "steady form" else 8)
        last = starts[-1] if starts else step_count
        starts = [*range(phrase, last - bar_steps, phrase), *starts]
    sections = _sections(rng, shape, starts, step_count, ended=bool(events) and events[-1].ends)
    return Form(step_count, bar_steps, shape, events, sections)


def _events(rng: random.Random, step_count: int, *, off_beats: bool) -> tuple[Event, ...]:
    events: list[Event] = []
    beat, last = rng.randint(3, 14), step_count // STEPS_PER_BEAT - 4
    mean = _mean_gap(rng)
    last_heavy = -99
    while beat < last:
        strength = rng.uniform(0.3, 1.0)
        if strength >= SECTION_STRENGTH and beat - last_heavy < 7:  # a section lasts two bars or so
            strength = rng.uniform(0.35, 0.68)
        if strength >= SECTION_STRENGTH:
            last_heavy = beat
        shift = 2 if off_beats and strength < SECTION_STRENGTH and rng.random() < 0.08 else 0
        events.append(Event(beat * STEPS_PER_BEAT + shift, round(strength, 2)))
        if rng.random() < 0.12:  # the cutting changes its pace
            mean = _mean_gap(rng)
        shortest = 1 if mean < _BURST_GAP and rng.random() < 0.3 else _SHORTEST_GAP
        beat += max(shortest, round(rng.gammavariate(3.0, mean / 3.0)))
    return tuple(events)


def _mean_gap(rng: random.Random) -> float:
    return rng.choices([gap for gap, _ in _GAPS], [weight for _, weight in _GAPS])[0]


def _with_ending(rng: random.Random, events: tuple[Event, ...], step_count: int) -> tuple[Event, ...]:
    ending = step_count - rng.randint(4, 7) * STEPS_PER_BEAT
    kept = tuple(event for event in events if event.step <= ending - 3 * STEPS_PER_BEAT)
    return (*kept, Event(ending, round(rng.uniform(0.8, 1.0), 2), ends=True))


def _sections(
    rng: random.Random, shape: Shape, starts: list[int], step_count: int, *, ended: bool
) -> tuple[Section, ...]:
    bounds = [0, *starts, step_count]
    count = len(bounds) - 1
    levels = _intensities(rng, shape, count)
    return tuple(
        Section(
            start=bounds[i],
            end=bounds[i + 1],
            intensity=levels[i],
            swell=_swell(rng, shape),
            after_ending=ended and i == count - 1,
        )
        for i in range(count)
    )


def _swell(rng: random.Random, shape: Shape) -> float:
    """Within what the ear takes for one level, so that no swell is mistaken for an event."""
    return {"building": rng.uniform(4, 12), "contrasts": rng.uniform(-4, 8), "steady form": 0.0}[shape]


def _intensities(rng: random.Random, shape: Shape, count: int) -> list[float]:
    if shape == "steady form":
        level = rng.uniform(0.4, 0.9)
        return [min(1.0, max(0.1, level + rng.uniform(-0.2, 0.2))) for _ in range(count)]
    if shape == "building":
        return [min(1.0, 0.15 + 0.85 * (i + rng.uniform(0, 0.6)) / max(1, count - 1)) for i in range(count)]
    levels = [rng.uniform(0.15, 0.9)]
    while len(levels) < count:
        low = levels[-1] < 0.5
        levels.append(rng.uniform(0.6, 1.0) if low else rng.uniform(0.12, 0.55))
    return levels
