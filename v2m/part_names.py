"""What users call the parts of the music, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from v2m.codecs.arrangement import PARTS, Part
from v2m.errors import UsageError

PART_NAMES: Final[Mapping[str, tuple[Part, ...]]] = {
    "rhythm": ("drums", "bass"),
    "melody": ("lead",),
    **{part: (part,) for part in PARTS},
}


def parts_of(names: Iterable[str]) -> frozenset[Part]:
    """The parts that names mean: `rhythm`, `melody`, or parts themselves.

    Raises:
        UsageError: a name means none.
    """
    found: set[Part] = set()
    for name in names:
        if name not in PART_NAMES:
            raise UsageError(f"There is no part {name!r}, expected one of {', '.join(PART_NAMES)}.")
        found |= set(PART_NAMES[name])
    return frozenset(found)
