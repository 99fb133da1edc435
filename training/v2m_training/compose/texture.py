"""Texture: which parts play in each section, which figure each has, and how full the drums are.

Conventions: a piece owns two sets of habits, a home and a contrast; sections take turns between them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from v2m.codecs.arrangement import Part
from v2m_training.compose.form import Form
from v2m_training.compose.styles import Style, names


@dataclass(frozen=True, slots=True)
class Habits:
    """Figures that belong together."""

    groove: str
    bass: str
    comp: str
    figure: str
    centre: float
    """MIDI pitch that the chords lie around."""

    theme: int
    """Which of the piece's motifs the lead develops."""


@dataclass(frozen=True, slots=True)
class Texture:
    """What a section sounds like."""

    parts: frozenset[Part]
    drum_level: int
    """0 none, 1 light, 2 the groove, 3 with its lift."""

    habits: Habits


_CHORD_CENTRES: Final = (58.0, 61.0, 64.0, 66.0)
"""Registers that a set of habits may have for its chords: around middle C, a fifth apart at most."""


def choose_layers(rng: random.Random, style: Style) -> frozenset[Part]:
    """The parts that a piece has at all; harmony goes without only where drums and bass carry it."""
    layered: tuple[Part, ...] = ("drums", "bass", "lead", "extras")
    layers: set[Part] = {
        part for part, share in zip(layered, style.presence, strict=True) if rng.random() < share
    }
    if not ({"drums", "bass"} <= layers and rng.random() < 0.06):
        layers.add("harmony")
    return frozenset(layers)


def choose_textures(
    rng: random.Random, style: Style, layers: frozenset[Part], form: Form, *, in_three: bool
) -> tuple[Texture, ...]:
    """One texture a section, thinner or fuller with its intensity."""
    home, contrast = _habits(rng, style, 0, in_three), _habits(rng, style, 1, in_three)
    entry = _entry_order(rng, layers)
    fullest = max(section.intensity for section in form.sections if not section.after_ending)
    textures: list[Texture] = []
    for index, section in enumerate(form.sections):
        use_contrast = index % 2 == 1 if form.shape == "contrasts" else index % 4 == 3
        intensity = section.intensity
        count = max(1, min(len(entry), round(len(entry) * (0.25 + 0.85 * intensity))))
        parts = set(entry[:count] if intensity < fullest else entry)
        if (
            intensity < fullest
            and index
            and textures[-1].parts == parts
            and form.shape != "steady form"
            and len(entry) > 2
        ):
            parts = _vary(rng, parts, entry)
        level = 0 if "drums" not in parts else 1 if intensity < 0.4 else 2 if intensity < 0.8 else 3
        textures.append(Texture(frozenset(parts), level, contrast if use_contrast else home))
    return tuple(textures)


def _habits(rng: random.Random, style: Style, theme: int, in_three: bool) -> Habits:
    grooves = style.grooves_in_three if in_three else style.grooves
    return Habits(
        groove=rng.choice(names(grooves)) if grooves else "",
        bass=rng.choice(names(style.basses_in_three if in_three else style.basses)),
        comp=rng.choice(names(style.comps_in_three if in_three else style.comps)),
        figure=rng.choice(names(style.figures)),
        centre=rng.choice(_CHORD_CENTRES),
        theme=theme,
    )


def _entry_order(rng: random.Random, layers: frozenset[Part]) -> list[Part]:
    """Who plays in the thinnest section, and who joins next; chords tend to come first, the lead late."""
    weight: dict[Part, float] = {"harmony": 0.0, "bass": 0.8, "drums": 1.0, "extras": 0.9, "lead": 1.2}
    return sorted(sorted(layers), key=lambda part: weight[part] + rng.uniform(0, 1.3))


def _vary(rng: random.Random, parts: set[Part], entry: list[Part]) -> set[Part]:
    """A neighbouring texture: one part more where there is one, else one or two less."""
    absent = [part for part in entry if part not in parts]
    if absent and rng.random() < 0.6:
        return parts | {rng.choice(absent)}
    leaving = rng.sample(sorted(parts), k=min(len(parts) - 1, rng.choice((1, 1, 2))))
    return parts - set(leaving) or parts
