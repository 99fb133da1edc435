"""What a prompt leaves open, filled so that the model is asked in the way in which it learned.

A brief names a style and perhaps a mood; the model knows pieces described fully (mode, metre, energy,
instruments …). Of the typical descriptions of the style the one that agrees best with the user's words is
taken, ties by the seed, and the user's words replace whatever they speak of. Words that the model was never
trained on are left out: what they ask for exactly is done elsewhere (`v2m.prompt.casting`, the beat grid).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from v2m.prompt.casting import may_sound
from v2m.prompt.tempo_words import tempo_words
from v2m.prompt.vocabulary import CATEGORY_OF, IMPLIED, TERM_INDEX, Category
from v2m.prompt.words import Brief

FILLED: Final[frozenset[Category]] = frozenset(
    ("style", "mood", "energy", "tempo", "mode", "metre", "instrument", "density", "drums", "form")
)
"""Categories that are filled; of the others (scenes, grooves, endings …) only what the user says is asked."""


_GOLDEN: Final = 2_654_435_769
"""2^32 over the golden ratio: seeds that follow each other, by one or by any step, spread evenly over the
descriptions (Knuth, The Art of Computer Programming 3, 6.4, Fibonacci hashing)."""


_SELDOM: Final = 1 / 3
"""Of a style's typical pieces: fewer without drums are exceptions."""


class Typical(NamedTuple):
    """What the weights that ship were trained on."""

    known: frozenset[str]
    """Terms that enough pieces had."""

    styles: dict[str, list[list[str]]]
    """Descriptions of typical pieces of each style."""


@cache
def typical() -> Typical:
    """The table read off the corpus (`v2m_training.typical_terms`)."""
    file = resources.files("v2m.prompt") / "typical_terms.json"
    table = json.loads(file.read_text(encoding="utf-8"))
    return Typical(frozenset(table["known"]), table["styles"])


def completed_terms(brief: Brief, seed: int, bpm: float | None = None) -> tuple[str, ...]:
    """The brief's terms and, for what it does not speak of, those of a typical piece of its style.

    Args:
        brief: what the user said.
        seed: takes of other seeds fill the gaps in other ways, where several fit as well.
        bpm: the tempo that was planned, where it is known: its word replaces every other tempo word.
    """
    wanted = _wanted(brief, bpm)
    chosen = _description(brief, wanted, seed)
    denied = set(brief.excluded)
    spoken = {CATEGORY_OF[name] for name in wanted}
    offered = {name for name in chosen if CATEGORY_OF[name] in FILLED and name not in denied}
    filled = wanted | {name for name in offered if CATEGORY_OF[name] not in spoken}
    if _instruments(wanted) <= _instruments(chosen):
        filled |= _instruments(offered)  # the piece has what was asked for, among others
    filled = {name for name in filled if name in wanted or may_sound(brief, name)}
    return tuple(sorted(_founded(filled, wanted) & typical().known, key=TERM_INDEX.__getitem__))


def _description(brief: Brief, wanted: set[str], seed: int) -> list[str]:
    """Of the style's typical pieces one that agrees best with what the user said."""
    sets = typical().styles.get(brief.style, [[]])
    # a planned tempo is no word of the user's: few pieces of a style are that fast, and none of those typical
    said = wanted if brief.named("tempo") else {n for n in wanted if CATEGORY_OF[n] != "tempo"}
    unwelcome = set(brief.excluded)
    if "no drums" not in said and sum("no drums" in terms for terms in sets) <= _SELDOM * len(sets):
        unwelcome.add("no drums")  # who names a style that is known by its drums expects them
    fits = [_agreement(said, unwelcome, terms) for terms in sets]
    best = [terms for terms, fit in zip(sets, fits, strict=True) if fit >= max(fits) - 1e-9]
    return best[(seed * _GOLDEN % 2**32) * len(best) >> 32]


def _wanted(brief: Brief, bpm: float | None) -> set[str]:
    """The user's terms, with the metre that is counted and the tempo that is planned."""
    wanted = set(brief.terms)
    if not brief.named("metre"):
        wanted.add("4/4")
    if bpm is not None:
        wanted = {name for name in wanted if CATEGORY_OF[name] != "tempo"} | set(tempo_words(bpm))
    return wanted


def _founded(filled: set[str], wanted: set[str]) -> set[str]:
    """Without filled terms whose broader word is not there: no brushes where no drums are."""
    return {name for name in filled if name in wanted or set(IMPLIED[name]) <= filled}


def _instruments(names: Iterable[str]) -> set[str]:
    return {name for name in names if CATEGORY_OF[name] == "instrument"}


def _agreement(wanted: set[str], denied: set[str], terms: list[str]) -> float:
    """How many of the user's words a description shares, less what contradicts them or is denied."""
    shared = len(wanted & set(terms))
    spoken = {CATEGORY_OF[name] for name in wanted}
    contradicted = sum(
        CATEGORY_OF[name] in spoken - {"instrument", "style", "mood"} and name not in wanted for name in terms
    )
    return shared - 0.5 * contradicted - len(denied & set(terms))
