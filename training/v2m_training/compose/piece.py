"""A composed piece, and how it is put together from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT, Arrangement, Note, Part
from v2m_training.compose.answers import answer_events
from v2m_training.compose.bass import play_bass
from v2m_training.compose.comping import play_chords
from v2m_training.compose.draft import Draft
from v2m_training.compose.figures import play_figures
from v2m_training.compose.form import Form, plan_form
from v2m_training.compose.lead_sheet import LeadSheet, write_chords
from v2m_training.compose.melody import play_lead, write_theme
from v2m_training.compose.rhythm import play_drums
from v2m_training.compose.styles import STYLE_NAMES, STYLES, Style, names
from v2m_training.compose.texture import choose_layers, choose_textures
from v2m_training.compose.words import describe_piece

_HIGHEST_SHIFT: Final = 6
"""Keys are reached by -5..6 semitones from C, so that none sits an octave above its neighbour."""


@dataclass(frozen=True)
class Piece:
    """Music with all that is known of it."""

    arrangement: Arrangement
    style: str
    mode: str
    bpm: float
    """Nominal; the arrangement itself is in beats."""

    beats_per_bar: int
    terms: tuple[str, ...]
    """Names in `v2m.prompt.vocabulary.TERMS` that are true of the piece."""

    events: tuple[tuple[float, float], ...]
    """Beat and strength (0.3-1) of each moment that the music marks, in order."""


def compose(seed: int, style: str | None = None) -> Piece:
    """Compose a piece of 96-160 beats; the same seed and style give the same piece.

    Args:
        seed: any integer.
        style: a name in `STYLE_NAMES`; drawn from the seed where None.

    Raises:
        KeyError: the style is unknown.
    """
    name = style or random.Random(seed).choice(STYLE_NAMES)  # noqa: S311 - music, not secrets
    habits = STYLES[name]
    rng = random.Random(f"{seed} {name}")  # noqa: S311 - so that styles share no forms
    beats_per_bar = 3 if rng.random() < habits.three else 4
    bpm = round(rng.uniform(*habits.bpm), 1)
    form = plan_form(rng, beats_per_bar, bpm, off_beats=habits.swing_steps == 2)
    form = _scaled(form, habits)
    layers = choose_layers(rng, habits)
    if beats_per_bar == 3 and not habits.grooves_in_three:
        layers -= {"drums"}
    sheet, notes = _play(rng, habits, form, layers)
    programs = _programs(rng, habits, layers)
    tonic = rng.randrange(12)
    return Piece(
        arrangement=Arrangement(
            beat_count=form.step_count // STEPS_PER_BEAT,
            notes=_transposed(notes, tonic),
            tonic=tonic,
            beats_per_bar=beats_per_bar,
            programs=programs,
        ),
        style=name,
        mode=sheet.mode,
        bpm=bpm,
        beats_per_bar=beats_per_bar,
        terms=describe_piece(rng, habits, name, sheet.mode, form, bpm, notes, programs),
        events=tuple((event.step / STEPS_PER_BEAT, event.strength) for event in form.events),
    )


def _scaled(form: Form, style: Style) -> Form:
    low, high = style.energy
    sections = (replace(s, intensity=low + (high - low) * s.intensity) for s in form.sections)
    return replace(form, sections=tuple(sections))


def _play(
    rng: random.Random, style: Style, form: Form, layers: frozenset[Part]
) -> tuple[LeadSheet, tuple[Note, ...]]:
    mode = rng.choice(names(style.modes))
    textures = choose_textures(rng, style, layers, form, in_three=form.bar_steps == 12)
    sheet = LeadSheet(style, mode, form, textures, write_chords(rng, style, mode, form, textures))
    draft = Draft(form.step_count)
    play_drums(draft, sheet, rng)
    play_bass(draft, sheet, rng)
    play_chords(draft, sheet, rng)
    play_figures(draft, sheet, rng)
    play_lead(draft, sheet, (write_theme(rng, style.pace), write_theme(rng, style.pace)), rng)
    answer_events(draft, sheet, layers, rng)
    return sheet, draft.finish(rng, style.swing, style.swing_steps)


def _programs(rng: random.Random, style: Style, layers: frozenset[Part]) -> dict[Part, int]:
    choices: dict[Part, tuple[int, ...]] = {
        "drums": style.kits,
        "bass": style.bass,
        "harmony": style.harmony,
        "lead": style.lead,
        "extras": style.extras,
    }
    return {part: rng.choice(programs) for part, programs in choices.items() if part in layers}


def _transposed(notes: tuple[Note, ...], tonic: int) -> tuple[Note, ...]:
    shift = tonic if tonic <= _HIGHEST_SHIFT else tonic - 12
    return tuple(note if note.part == "drums" else replace(note, pitch=note.pitch + shift) for note in notes)
