"""Texture: which parts play in each section, which figure each has, and how full the drums are.

Conventions: a piece owns two sets of habits, a home and a contrast; sections take turns between them.
A section always has a part that strikes the beats, but in styles that are free of a pulse.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT, Part
from v2m_training.compose.bass import BASSES
from v2m_training.compose.comping import COMPS
from v2m_training.compose.facts import Metre
from v2m_training.compose.figures import FIGURES
from v2m_training.compose.form import Form
from v2m_training.compose.habits import Habits, Texture
from v2m_training.compose.metre import beats_struck, fit
from v2m_training.compose.orchestra import Orchestra
from v2m_training.compose.styles import Style, names

_BELOW_LEAD: Final = (13.0, 12.0, 10.5)
"""How far below the lead's register the chords lie, in semitones."""

_LOWEST_CENTRE, _HIGHEST_CENTRE = 54.0, 61.0
"""Around middle C."""

_CHORD_CENTRES_ALONE: Final = (58.0, 61.0, 64.0, 66.0)
"""Registers that chords may have where no lead sings above them."""

_PULSE: Final = 0.75
"""A part with attacks on so many of the beats carries the pulse."""

_PLAIN_FIGURE: Final[Mapping[Metre, str]] = {"4/4": "arp", "3/4": "arp in three", "6/8": "arp in six"}

_MOVING: Final[Mapping[Metre, tuple[str, str, str]]] = {
    # for instruments that are struck or plucked, for those that sustain, for the bass
    "4/4": (
        "broken eighths, alberti, eighths, strum",
        "quarter chords, ostinato, eighths",
        "quarters, pulsing eighths",
    ),
    "3/4": (
        "broken in three, quarters in three, strum in three",
        "quarters in three, ostinato in three",
        "waltz quarters",
    ),
    "6/8": ("arpeggio in six, strum in six", "strum in six, ostinato in six", "sway in six, pulse in six"),
}


def choose_textures(
    rng: random.Random, style: Style, orchestra: Orchestra, form: Form
) -> tuple[Texture, ...]:
    """One texture a section, thinner or fuller with its intensity."""
    home, contrast = (_habits(rng, style, orchestra, form.metre, theme) for theme in (0, 1))
    entry = _entry_order(rng, orchestra.layers)
    playing = [section for section in form.sections if not section.after_ending]
    fullest = max(section.intensity for section in playing)
    textures: list[Texture] = []
    for index, section in enumerate(form.sections):
        habits = contrast if (index % 2 == 1 if form.shape == "contrasts" else index % 4 == 3) else home
        parts = _parts(rng, form, index, entry, textures, fullest)
        level = (
            0
            if "drums" not in parts
            else 1
            if section.intensity < 0.4
            else 2
            if section.intensity < 0.8
            else 3
        )
        if not style.free:
            habits = _with_pulse(rng, habits, parts, form.metre, orchestra)
        textures.append(Texture(frozenset(parts), level, habits))
    return tuple(textures)


def _parts(
    rng: random.Random,
    form: Form,
    index: int,
    entry: list[Part],
    textures: list[Texture],
    fullest: float,
) -> set[Part]:
    """Who plays in a section: more with its intensity, in the order of entry; now and then a break."""
    intensity = form.sections[index].intensity
    if index == 0 and form.starts_quiet:
        quiet = [part for part in entry if part != "drums"] or entry
        return set(quiet[: rng.choice((1, 2))])
    count = max(1, min(len(entry), round(len(entry) * (0.45 + 0.7 * intensity))))
    parts = set(entry[:count] if intensity < fullest else entry)
    before = textures[-1].parts if textures else frozenset[Part]()
    if form.shape == "contrasts" and intensity < 0.5 and len(before) > 2 and rng.random() < 0.35:
        broken = parts & {"drums", "bass"} if rng.random() < 0.4 else parts - {"drums"}
        parts = broken or parts
    if index and before == parts and intensity < fullest and form.shape != "steady form" and len(entry) > 2:
        parts = _vary(rng, parts, entry)
    return parts


def _habits(rng: random.Random, style: Style, orchestra: Orchestra, metre: Metre, theme: int) -> Habits:
    grooves, basses, comps, figures = style.in_metre(metre)
    if orchestra.solo:
        comps = orchestra.solo_comps(metre)
    centre = rng.choice(_CHORD_CENTRES_ALONE)
    if "lead" in orchestra.layers:
        centre = orchestra.lead_register - rng.choice(_BELOW_LEAD)
        centre = max(_LOWEST_CENTRE, min(_HIGHEST_CENTRE, centre))
    return Habits(
        groove=rng.choice(names(grooves)) if grooves else "",
        bass=rng.choice(names(basses)),
        comp=rng.choice(names(comps)),
        figure=rng.choice(names(figures)),
        centre=centre,
        theme=theme,
    )


def _with_pulse(
    rng: random.Random, habits: Habits, parts: set[Part], metre: Metre, orchestra: Orchestra
) -> Habits:
    """The habits, those figures changed that would hide the beats where no drums show them."""
    if "drums" in parts:
        return habits
    struck, sustained, low = _MOVING[metre]
    if "bass" in parts and habits.bass != "walk" and _syncopates(BASSES[habits.bass], metre):
        habits = replace(habits, bass=rng.choice(names(low)))
    if "harmony" in parts and _syncopates(COMPS[habits.comp], metre):
        habits = replace(habits, comp=rng.choice(names(sustained if orchestra.harmony_sustains else struck)))
    if "extras" in parts and FIGURES[habits.figure] and _syncopates(FIGURES[habits.figure], metre):
        habits = replace(habits, figure=_PLAIN_FIGURE[metre])
    strikes = (
        ("bass" in parts and (habits.bass == "walk" or _beats(BASSES[habits.bass], metre) >= _PULSE))
        or ("harmony" in parts and _beats(COMPS[habits.comp], metre) >= _PULSE)
        or ("extras" in parts and _beats(FIGURES[habits.figure], metre) >= _PULSE)
    )
    if strikes:
        return habits
    if "harmony" in parts:
        return replace(habits, comp=rng.choice(names(sustained if orchestra.harmony_sustains else struck)))
    if "bass" in parts:
        return replace(habits, bass=rng.choice(names(low)))
    return replace(habits, figure=_PLAIN_FIGURE[metre])


def _beats(pattern: str, metre: Metre) -> float:
    return beats_struck(fit(pattern, metre)) if pattern else 0.0


def _syncopates(pattern: str, metre: Metre) -> bool:
    """Whether most of a pattern's attacks lie between the beats that it strikes or leaves out."""
    attacks = [i % STEPS_PER_BEAT == 0 for i, sign in enumerate(fit(pattern, metre)) if sign not in "-.?"]
    return bool(attacks) and beats_struck(fit(pattern, metre)) < _PULSE and sum(attacks) * 2 <= len(attacks)


def _entry_order(rng: random.Random, layers: frozenset[Part]) -> list[Part]:
    """Who plays in the thinnest section, and who joins next; chords tend to come first, extras late."""
    weight: dict[Part, float] = {"harmony": 0.0, "bass": 0.7, "drums": 0.9, "extras": 1.1, "lead": 0.75}
    return sorted(sorted(layers), key=lambda part: weight[part] + rng.uniform(0, 1.2))


def _vary(rng: random.Random, parts: set[Part], entry: list[Part]) -> set[Part]:
    """A neighbouring texture: one part more where there is one, else one or two less."""
    absent = [part for part in entry if part not in parts]
    if absent and rng.random() < 0.6:
        return parts | {rng.choice(absent)}
    leaving = rng.sample(sorted(parts), k=min(len(parts) - 1, rng.choice((1, 1, 2))))
    return parts - set(leaving) or parts
