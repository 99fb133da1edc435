"""Typical sets of terms for each style, read off the corpus, for prompts that say little.

The model learned from pieces that are described fully; a prompt names a style and a mood. What it leaves
open is filled from a piece that the model knows (`v2m.prompt.completion`). The table also lists the terms
that the corpus holds often enough to be learned: the others are never asked of the model.

    python -m v2m_training.typical_terms CORPUS ... v2m/prompt/typical_terms.json
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from v2m.prompt.completion import FILLED
from v2m.prompt.vocabulary import CATEGORY_OF, TERM_INDEX

SETS_PER_STYLE: Final = 16
"""Enough that takes differ and that most wishes for mood, energy or instrument find a piece that had them."""

LEARNED_FROM: Final = 6
"""Pieces that a term must be true of: with fewer its embedding stays near where chance put it."""

_FULLNESS: Final = 3
"""Instruments at least: a piece of fewer is true, but no typical answer to a bare style."""


def typical_terms(corpora: Iterable[Path]) -> dict[str, list[list[str]]]:
    """For each style the sets that resemble most of its pieces, no two of them alike.

    Args:
        corpora: folders of shards; only their listings are read.
    """
    by_style: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for style, terms in _pieces(corpora):
        if style:  # a user's own music may have none
            by_style[style].append(frozenset(name for name in terms if CATEGORY_OF[name] in FILLED))
    return {style: _spread(style, sets) for style, sets in sorted(by_style.items())}


def known_terms(corpora: Iterable[Path]) -> list[str]:
    """The terms that enough pieces had, in the order of the vocabulary."""
    counts = Counter(name for _, terms in _pieces(corpora) for name in terms)
    return [name for name in TERM_INDEX if counts[name] >= LEARNED_FROM]


def _pieces(corpora: Iterable[Path]) -> Iterable[tuple[str, list[str]]]:
    for corpus in corpora:
        for listing in sorted(corpus.glob("[0-9]*.json")):
            for fact in json.loads(listing.read_text(encoding="utf-8")):
                yield fact["style"], fact["terms"]


def _spread(style: str, sets: list[frozenset[str]]) -> list[list[str]]:
    counts = Counter(term for terms in sets for term in terms)
    full = sorted({terms for terms in sets if _instrument_count(terms) >= _FULLNESS}, key=sorted) or sorted(
        set(sets), key=sorted
    )
    chosen: list[frozenset[str]] = []
    while full and len(chosen) < SETS_PER_STYLE:
        used = Counter(term for terms in chosen for term in terms)
        # common terms first, each counting less the more often it is there already
        best = max(
            full, key=lambda terms: sum(counts[term] / (1 + 2 * used[term]) for term in terms) / len(terms)
        )
        chosen.append(best)
        full.remove(best)
    return [[style, *sorted(terms - {style})] for terms in chosen]


def _instrument_count(terms: frozenset[str]) -> int:
    return sum(CATEGORY_OF[name] == "instrument" for name in terms)


def table_text(corpora: list[Path]) -> str:
    """The table as JSON, a description a line."""
    rows = (
        f'    "{style}": [\n      ' + ",\n      ".join(map(json.dumps, sets)) + "\n    ]"
        for style, sets in typical_terms(corpora).items()
    )
    known = json.dumps(known_terms(corpora))
    return f'{{\n  "known": {known},\n  "styles": {{\n' + ",\n".join(rows) + "\n  }\n}\n"


if __name__ == "__main__":
    *folders, out = map(Path, sys.argv[1:])
    out.write_text(table_text(folders), encoding="utf-8")
