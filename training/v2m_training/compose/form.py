"""Form: where the events fall, which of them open a section, and how the energy runs from start to end.

Conventions: positions are steps; a strength is 0.3-1. The picture cuts at any beat, so events do as well:
they keep to no bar line, come in bursts, or stay away for long.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m_training.compose.facts import BEATS_PER_BAR, Metre, Shape
from v2m_training.compose.metre import bar_steps

SECTION_STRENGTH: Final = 0.7
"""An event this strong opens a new section."""

CHORD_STRENGTH: Final = 0.5
"""An event this strong changes the chord."""

_UNMARKED_SHARE: Final = 0.12
"""Pieces without events but perhaps an end: sections change by the phrase, and quietly."""

_QUIET_START_SHARE: Final = 0.25
_MODULATING_SHARE: Final = 0.1
_QUIET_START_BARS: Final = 4
_LONGEST_SECTION_BARS: Final = 12
"""Beyond it a section changes by itself at a phrase, so that a long take does not stand still."""

Ending = Literal["big", "plain", "soft", "fade", "open"]
"""big, plain, soft: a last chord; fade: dies away; open: goes on past its last bar, as excerpts do."""

_ENDINGS: Final[tuple[tuple[Ending, int], ...]] = (
    ("big", 30), ("plain", 18), ("soft", 8), ("fade", 12), ("open", 32),
)  # fmt: skip

_MODULATIONS: Final = (1, 2, 2, 3)
"""Semitones up, as songs and films do it for their last part."""


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

    key_shift: int = 0
    """Semitones above the piece's tonic."""

    after_ending: bool = False
    """The ringing of the last chord."""


@dataclass(frozen=True, slots=True)
class Form:
    """The plan of a piece in time."""

    step_count: int
    metre: Metre
    shape: Shape
    events: tuple[Event, ...]
    sections: tuple[Section, ...]
    ending: Ending
    starts_quiet: bool = False

    @property
    def bar_steps(self) -> int:
        """Steps of a bar."""
        return bar_steps(self.metre)

    @property
    def builds(self) -> bool:
        """Whether it grows throughout, over three sections or more."""
        return self.shape == "building" and sum(not s.after_ending for s in self.sections) >= 3


def plan_form(rng: random.Random, metre: Metre, bpm: float, *, off_beats: bool) -> Form:
    """A form of 96-160 beats.

    Args:
        rng: the piece's randomness.
        metre: of the piece.
        bpm: nominal tempo; a quick piece gets more beats.
        off_beats: whether a few events may fall on an off-beat eighth (not where eighths swing).
    """
    beats_per_bar = BEATS_PER_BAR[metre]
    wanted_beats = min(160.0, max(96.0, rng.uniform(42, 66) * bpm / 60))
    bars = max(-(-96 // beats_per_bar), min(160 // beats_per_bar, round(wanted_beats / beats_per_bar)))
    bar = beats_per_bar * STEPS_PER_BEAT
    step_count = bars * bar
    shape: Shape = rng.choice(("building", "contrasts", "contrasts", "steady form"))
    ending = rng.choices([kind for kind, _ in _ENDINGS], [weight for _, weight in _ENDINGS])[0]
    starts_quiet = shape != "steady form" and rng.random() < _QUIET_START_SHARE * (
        2 if shape == "building" else 1
    )
    events = _events(rng, step_count, off_beats=off_beats) if rng.random() > _UNMARKED_SHARE else ()
    if starts_quiet:
        events = _without_early_sections(events, _QUIET_START_BARS * bar)
    events = _with_ending(rng, events, step_count, ending)
    starts = _section_starts(events, step_count, bar, steady=shape == "steady form")
    sections = _sections(rng, shape, starts, step_count, ending, quiet=starts_quiet)
    return Form(step_count, metre, shape, events, _modulated(rng, sections, events), ending, starts_quiet)


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


# Mean beats between events, and how often a piece has them: from long takes to a burst of cuts.
_GAPS: Final = ((16.0, 3), (9.0, 4), (5.5, 4), (3.5, 2), (2.2, 1))
_SHORTEST_GAP: Final = 2
_BURST_GAP: Final = 4.0
"""Where the mean is below this, now and then two events stand a beat apart."""


def _mean_gap(rng: random.Random) -> float:
    return rng.choices([gap for gap, _ in _GAPS], [weight for _, weight in _GAPS])[0]


def _without_early_sections(events: tuple[Event, ...], until: int) -> tuple[Event, ...]:
    """What falls into a quiet start is answered within it."""
    return tuple(
        Event(event.step, min(event.strength, 0.62)) if event.step < until else event for event in events
    )


def _with_ending(
    rng: random.Random, events: tuple[Event, ...], step_count: int, ending: Ending
) -> tuple[Event, ...]:
    if ending == "open":
        return events
    if ending == "fade":  # no blow of a new section falls into what dies away
        return tuple(event for event in events if event.step < step_count - _FADE_BEATS * STEPS_PER_BEAT)
    at = step_count - rng.randint(4, 7) * STEPS_PER_BEAT
    kept = tuple(event for event in events if event.step <= at - 3 * STEPS_PER_BEAT)
    low, high = {"big": (0.9, 1.0), "plain": (0.75, 0.9), "soft": (0.3, 0.4)}[ending]
    return (*kept, Event(at, round(rng.uniform(low, high), 2), ends=True))


_FADE_BEATS: Final = 24
"""How long a piece that fades takes to die away."""


def fade_start(form: Form) -> int:
    """The step from which a piece that fades dies away; its end for all others."""
    return form.step_count - (_FADE_BEATS * STEPS_PER_BEAT if form.ending == "fade" else 0)


def _section_starts(events: tuple[Event, ...], step_count: int, bar: int, *, steady: bool) -> list[int]:
    """Where sections begin: at heavy events and the last chord, and by the phrase where those stay away."""
    marked = [event.step for event in events if event.strength >= SECTION_STRENGTH or event.ends]
    phrase = bar * (16 if steady else 8)
    starts: list[int] = []
    for start, end in zip([0, *marked], [*marked, step_count], strict=True):
        if start:
            starts.append(start)
        if end - start > max(phrase, _LONGEST_SECTION_BARS * bar if marked else phrase):
            first_bar = -(-start // bar) * bar
            starts += range(first_bar + phrase, end - 2 * bar, phrase)
    return starts


def _sections(
    rng: random.Random, shape: Shape, starts: list[int], step_count: int, ending: Ending, *, quiet: bool
) -> tuple[Section, ...]:
    bounds = [0, *starts, step_count]
    ended = ending in ("big", "plain", "soft")
    playing = len(bounds) - 1 - ended
    levels = _intensities(rng, shape, playing)
    if quiet:
        levels[0] = 0.0
    if ending == "big" and playing > 1:
        levels[-1] = max(levels[-1], 0.85)
    if ending in ("soft", "fade") and shape != "building":
        levels[-1] = min(levels[-1], 0.5)
    sections = [
        Section(bounds[i], bounds[i + 1], levels[i], swell=_swell(rng, shape)) for i in range(playing)
    ]
    if ended:
        sections.append(Section(bounds[-2], bounds[-1], levels[-1], after_ending=True))
    return tuple(sections)


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


def _modulated(
    rng: random.Random, sections: tuple[Section, ...], events: tuple[Event, ...]
) -> tuple[Section, ...]:
    """Some pieces lift their last part, from a heavy event on, into another key."""
    heavy = {event.step for event in events if event.strength >= SECTION_STRENGTH and not event.ends}
    late = [i for i, s in enumerate(sections) if s.start in heavy and 2 * i >= len(sections)]
    if not late or rng.random() > _MODULATING_SHARE:
        return sections
    turn, shift = rng.choice(late), rng.choice(_MODULATIONS)
    return tuple(
        Section(s.start, s.end, s.intensity, s.swell, shift if i >= turn else 0, s.after_ending)
        for i, s in enumerate(sections)
    )
