"""What a prompt leaves open, filled so that the model is asked in the way in which it learned.

A brief names a style and perhaps a mood; the model knows pieces described fully (mode, metre, energy,
instruments …). Of the typical descriptions of the style the one that agrees best with the user's words is
taken, ties by the seed, and the user's words replace whatever they speak of.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Final

from v2m.prompt.vocabulary import TERMS, Category
from v2m.prompt.words import Brief

_CATEGORY: Final[dict[str, Category]] = {term.name: term.category for term in TERMS}


@cache
def _typical() -> dict[str, list[list[str]]]:
    file = resources.files("v2m.prompt") / "typical_terms.json"
    table: dict[str, list[list[str]]] = json.loads(file.read_text(encoding="utf-8"))
    return table


def completed_terms(brief: Brief, seed: int) -> tuple[str, ...]:
    """The brief's terms and, for what it does not speak of, those of a typical piece of its style.

    Args:
        brief: what the user said.
        seed: takes of other seeds fill the gaps in other ways, where several fit as well.
    """
    # the beats are counted already, and the model counts in quarters: it was never shown 6/8
    wanted = {name for name in brief.terms if _CATEGORY[name] != "metre"} | {f"{brief.beats_per_bar}/4"}
    sets = _typical().get(brief.style)
    if not sets:
        return brief.terms
    fits = [_agreement(wanted, terms) for terms in sets]
    best = [terms for terms, fit in zip(sets, fits, strict=True) if fit >= max(fits) - 1e-9]
    chosen = best[seed % len(best)]
    spoken = {_CATEGORY[name] for name in wanted}
    filled = wanted | {name for name in chosen if _CATEGORY[name] not in spoken}
    if _instruments(wanted) <= _instruments(set(chosen)):
        filled |= _instruments(set(chosen))  # the piece has what was asked for, among others
    return tuple(term.name for term in TERMS if term.name in filled)


def _instruments(names: set[str]) -> set[str]:
    return {name for name in names if _CATEGORY[name] == "instrument"}


def _agreement(wanted: set[str], terms: list[str]) -> float:
    """How many of the user's words a description shares, less those that it contradicts."""
    shared = len(wanted & set(terms))
    spoken = {_CATEGORY[name] for name in wanted}
    contradicted = sum(
        1
        for name in terms
        if _CATEGORY[name] in spoken - {"instrument", "style", "mood"} and name not in wanted
    )
    return shared - 0.5 * contradicted
