"""A composed piece, and how it is put together from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from v2m.codecs.arrangement import PARTS, STEPS_PER_BEAT, Arrangement, Note
from v2m_training.compose.answers import answer_events
from v2m_training.compose.bass import play_bass
from v2m_training.compose.comping import play_chords
from v2m_training.compose.draft import Draft
from v2m_training.compose.facts import BEATS_PER_BAR, Facts, Metre, touch_of
from v2m_training.compose.figures import play_figures
from v2m_training.compose.form import Form, fade_start, plan_form
from v2m_training.compose.lead_sheet import LeadSheet, write_chords
from v2m_training.compose.melody import play_lead, write_theme
from v2m_training.compose.metre import feel
from v2m_training.compose.orchestra import Orchestra, choose_orchestra
from v2m_training.compose.rhythm import play_drums
from v2m_training.compose.styles import STYLE_NAMES, STYLES, Style, names
from v2m_training.compose.texture import choose_textures
from v2m_training.compose.words import describe_piece

_HIGHEST_SHIFT: Final = 6
"""Keys are reached by -5..6 semitones from C, so that none sits an octave above its neighbour."""

_ONE_TUNE_SHARE: Final = 0.6
"""Pieces that keep to one tune; the others have a second one for their contrasts."""

_FADED: Final = 0.6
"""What is left of the velocities where a piece has died away."""

_FADED_DB: Final = -20.0
"""Its level there: with the velocities it is as good as gone."""


@dataclass(frozen=True)
class Piece:
    """Music with all that is known of it."""

    arrangement: Arrangement
    facts: Facts
    terms: tuple[str, ...]
    """Names in `v2m.prompt.vocabulary.TERMS` that are true of the piece."""

    events: tuple[tuple[float, float], ...]
    """Beat and strength (0.3-1) of each moment that the music marks, in order."""

    @property
    def style(self) -> str:
        """The name of its style."""
        return self.facts.style

    @property
    def mode(self) -> str:
        """Its mode."""
        return self.facts.mode

    @property
    def bpm(self) -> float:
        """Its nominal tempo; the arrangement itself is in beats."""
        return self.facts.bpm

    @property
    def beats_per_bar(self) -> int:
        """Beats in a bar."""
        return self.arrangement.beats_per_bar


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
    metre = _metre(rng, habits)
    bpm = _bpm(rng, habits, metre)
    swung_eighths = habits.swing_steps == STEPS_PER_BEAT or metre == "6/8"
    form = _scaled(plan_form(rng, metre, bpm, off_beats=not swung_eighths), habits)
    orchestra = choose_orchestra(rng, habits)
    sheet, draft, stops = _play(rng, habits, form, orchestra)
    exact = frozenset(event.step for event in form.events)
    notes = draft.finish(rng, feel(metre, habits.swing, habits.swing_steps), exact)
    tonic = rng.randrange(12)
    sounding = {note.part for note in notes}
    music = Arrangement(
        beat_count=form.step_count // STEPS_PER_BEAT,
        notes=_transposed(notes, tonic),
        tonic=tonic,
        beats_per_bar=BEATS_PER_BAR[metre],
        programs={part: orchestra.programs[part] for part in PARTS if part in sounding},
        pedals={part: spans for part, spans in draft.pedals().items() if part in sounding},
        loudness_db={part: levels for part, levels in draft.levels_db().items() if part in sounding},
    )
    events = tuple((event.step / STEPS_PER_BEAT, event.strength) for event in form.events)
    facts = _facts(name, sheet, orchestra, music, bpm, {beat for beat, _ in events}, stops=stops)
    return Piece(music, facts, describe_piece(rng, facts, music), events)


def _metre(rng: random.Random, style: Style) -> Metre:
    draw = rng.random()
    return "3/4" if draw < style.three else "6/8" if draw < style.three + style.six else "4/4"


_SLOWEST_BPM: Final = 60.0
_FASTEST_IN_SIX: Final = 116.0
"""Dotted quarters: beyond it the eighths run together."""


def _bpm(rng: random.Random, style: Style, metre: Metre) -> float:
    """Within the style's range; a beat of three eighths takes longer than one of two."""
    bpm = rng.uniform(*style.bpm)
    if metre == "6/8":
        bpm = min(_FASTEST_IN_SIX, max(_SLOWEST_BPM, bpm * 0.8))
    return round(bpm, 1)


_QUIET: Final = 0.08


def _scaled(form: Form, style: Style) -> Form:
    low, high = style.energy
    sections = [replace(s, intensity=low + (high - low) * s.intensity) for s in form.sections]
    if form.starts_quiet:  # quiet in any style
        sections[0] = replace(sections[0], intensity=min(low, _QUIET))
    return replace(form, sections=tuple(sections))


def _play(
    rng: random.Random, style: Style, form: Form, orchestra: Orchestra
) -> tuple[LeadSheet, Draft, bool]:
    """Lead sheet, notes on the grid in C, and whether the music stops somewhere."""
    mode = rng.choice(names(style.modes))
    textures = choose_textures(rng, style, orchestra, form)
    sheet = LeadSheet(style, orchestra, mode, form, textures, write_chords(rng, style, mode, form, textures))
    draft = Draft(form.step_count)
    tune = write_theme(rng, style.pace, form.metre)
    other = tune if rng.random() < _ONE_TUNE_SHARE else write_theme(rng, style.pace, form.metre)
    play_drums(draft, sheet, rng)
    play_bass(draft, sheet, rng)
    play_chords(draft, sheet, rng)
    play_lead(draft, sheet, (tune, other), orchestra.lead_register, rng)
    play_figures(draft, sheet, orchestra.extras_register)
    stops = answer_events(draft, sheet, orchestra.layers, orchestra.lead_register, rng)
    for part in sorted(orchestra.layers) if form.ending == "fade" else ():
        draft.shade(part, fade_start(form), form.step_count, 1.0, _FADED)
        draft.swell(part, fade_start(form), form.step_count, 0.0, _FADED_DB)
    return sheet, draft, stops


def _transposed(notes: tuple[Note, ...], tonic: int) -> tuple[Note, ...]:
    shift = tonic if tonic <= _HIGHEST_SHIFT else tonic - 12
    return tuple(note if note.part == "drums" else replace(note, pitch=note.pitch + shift) for note in notes)


def _facts(
    name: str,
    sheet: LeadSheet,
    orchestra: Orchestra,
    music: Arrangement,
    bpm: float,
    marked: set[float],
    *,
    stops: bool,
) -> Facts:
    style, form = sheet.style, sheet.form
    touch = touch_of(music, marked)
    return Facts(
        style=name,
        moods=style.moods,
        mode=sheet.mode,
        tonic=music.tonic,
        metre=form.metre,
        bpm=bpm,
        swing=style.swing,
        shape=form.shape,
        instruments=music.programs,
        attacks_per_beat=touch.attacks_per_beat,
        loudness=touch.loudness,
        staccato=touch.staccato,
        legato=touch.legato,
        starts_quiet=form.starts_quiet,
        builds=form.builds,
        ends_big=form.ending == "big",
        fades=form.ending == "fade",
        stops=stops,
        modulates=any(section.key_shift for section in form.sections),
        solo=orchestra.solo,
        missing=frozenset(PARTS) - frozenset(music.programs),
    )
