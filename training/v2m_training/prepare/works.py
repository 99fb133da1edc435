"""What belongs together: recordings of one work, copies, and excerpts of one another; and who is held out.

Conventions: a work is all pieces that name the same one, and all that overlap by fingerprint; a piece that
lies nearly whole in another is a duplicate and is left out. Which works are held out depends on their names
and the seed alone, so that a set that grows keeps them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from v2m_training.prepare.fingerprint import Overlap
from v2m_training.prepare.prepared import Split

_DUPLICATE: Final = 0.8
"""Share of the shorter piece; what an edit for radio leaves of a song is less."""


def joined_works(works: Sequence[str], overlapping: Iterable[Overlap]) -> list[str]:
    """The work of each piece, by the first name of all that belong to it."""
    parent = {name: name for name in works}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name] = parent[parent[name]]
        return name

    for overlap in overlapping:
        one, other = sorted((root(works[overlap.first]), root(works[overlap.second])))
        parent[other] = one
    return [root(name) for name in works]


def duplicates(
    ids: Sequence[str], lengths: Sequence[float], overlapping: Iterable[Overlap]
) -> dict[int, int]:
    """Which pieces are left out, and the longer piece, or the first by name, that each of them lies in."""
    found: dict[int, int] = {}
    for overlap in overlapping:
        if overlap.share < _DUPLICATE:
            continue
        pair = (overlap.first, overlap.second)
        kept = min(pair, key=lambda i: (-lengths[i], ids[i]))
        dropped = pair[0] if kept == pair[1] else pair[1]
        found.setdefault(dropped, kept)
    return found


def splits(works: Sequence[str], validation_share: float, seed: int) -> list[Split]:
    """Which pieces are held out, whole works at a time.

    Where there are two works or more, at least one is held out and one is learned from.
    """
    drawn = {work: _drawn(work, seed) for work in works}
    held_out = {work for work, at in drawn.items() if at < validation_share}
    if len(drawn) > 1 and len(held_out) in (0, len(drawn)):
        by_draw = sorted(drawn, key=lambda work: drawn[work])
        held_out = {by_draw[0]} if not held_out else set(by_draw[:-1])
    return ["validation" if work in held_out else "training" for work in works]


def _drawn(work: str, seed: int) -> float:
    """A number from 0 up to 1 that looks random, of a name and a seed."""
    digest = hashlib.sha256(f"{seed}\0{work}".encode()).digest()
    return float(int.from_bytes(digest[:8], "big")) / 2**64
