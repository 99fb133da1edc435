"""Typical sets of terms for each style, read off the corpus, for prompts that say little.

The model learned from pieces that are described fully; a prompt names a style and a mood. What it leaves
open is filled from a piece that the model knows (`v2m.prompt.completion`).

    python -m v2m_training.typical_terms CORPUS v2m/prompt/typical_terms.json
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

SETS_PER_STYLE: Final = 10
"""Enough that takes differ and that most wishes for mood, energy or instrument find a piece that had them."""

_FULLNESS: Final = 3
"""Instruments at least: a piece of fewer is true, but no typical answer to a bare style."""


def typical_terms(corpus: Path) -> dict[str, list[list[str]]]:
    """For each style the sets that resemble most of its pieces, no two of them alike.

    Args:
        corpus: a folder of shards; only their listings are read.
    """
    by_style: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for listing in sorted(corpus.glob("[0-9]*.json")):
        for fact in json.loads(listing.read_text(encoding="utf-8")):
            by_style[fact["style"]].append(frozenset(fact["terms"]))
    return {style: _spread(style, sets) for style, sets in sorted(by_style.items())}


def _spread(style: str, sets: list[frozenset[str]]) -> list[list[str]]:
    counts = Counter(term for terms in sets for term in terms)
    full = sorted({terms for terms in sets if len(terms) >= 6 + _FULLNESS}, key=sorted) or sorted(
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


if __name__ == "__main__":
    table = typical_terms(Path(sys.argv[1]))
    rows = [
        f'  "{style}": [\n    ' + ",\n    ".join(map(json.dumps, sets)) + "\n  ]"
        for style, sets in table.items()
    ]
    Path(sys.argv[2]).write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
