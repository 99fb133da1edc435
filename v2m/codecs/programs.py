"""The instruments that each part may play, as short tables that a model can learn.

Conventions: General MIDI program numbers 0-127, counted from zero; a drum kit is the program of the drum
channel. A table is ordered by family, so that neighbouring indices sound alike. An index is written as
`PROGRAM_BITS` signs, most significant first.
Source: General MIDI System Level 1 (instrument families), Roland GS (drum kits).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from v2m.codecs.arrangement import Part

_BASS = (32, 33, 34, 35, 36, 37, 38, 39, 87, 81, 80, 62, 63, 27, 28, 29,
         43, 42, 44, 45, 48, 50, 47, 46, 58, 57, 60, 70, 67, 0, 4, 16)  # fmt: skip
_HARMONY = (0, 1, 2, 4, 5, 6, 7, 11, 16, 17, 19, 21, 24, 25, 26, 27,
            30, 44, 45, 46, 48, 49, 50, 51, 52, 54, 61, 62, 88, 89, 90, 95)  # fmt: skip
_LEAD = (0, 4, 8, 11, 12, 13, 24, 26, 27, 30, 22, 21, 40, 41, 42, 45,
         46, 52, 53, 56, 57, 60, 64, 65, 68, 71, 73, 75, 79, 80, 81, 82)  # fmt: skip
_EXTRAS = (0, 4, 5, 8, 9, 10, 11, 12, 14, 24, 25, 26, 28, 40, 42, 44,
           45, 46, 48, 49, 53, 60, 61, 69, 71, 73, 80, 81, 88, 98, 99, 108)  # fmt: skip

PROGRAM_TABLES: Final[Mapping[Part, tuple[int, ...]]] = {
    "drums": (0, 8, 16, 24, 25, 32, 40, 48),
    "bass": _BASS,
    "harmony": _HARMONY,
    "lead": _LEAD,
    "extras": _EXTRAS,
}

PROGRAM_BITS: Final[Mapping[Part, int]] = {
    part: (len(table) - 1).bit_length() for part, table in PROGRAM_TABLES.items()
}
"""Three signs for a kit, five for an instrument: every pattern of signs names a program."""

DEFAULT_PROGRAMS: Final[Mapping[Part, int]] = {"drums": 0, "bass": 33, "harmony": 0, "lead": 73, "extras": 48}
"""What a part plays when its arrangement does not say."""

_FAMILY_SIZE = 8  # General MIDI groups its programs by eight


def nearest_program(part: Part, program: int) -> int:
    """The one of the part's programs that sounds most like another: itself, its family's, the nearest."""
    family = program // _FAMILY_SIZE
    return min(
        PROGRAM_TABLES[part],
        key=lambda known: (known != program, known // _FAMILY_SIZE != family, abs(known - program)),
    )


def program_signs(part: Part, program: int) -> tuple[float, ...]:
    """The index of the nearest known program as -1 and +1, most significant first."""
    index = PROGRAM_TABLES[part].index(nearest_program(part, program))
    return tuple(1.0 if index >> bit & 1 else -1.0 for bit in reversed(range(PROGRAM_BITS[part])))


def program_of_signs(part: Part, signs: tuple[float, ...]) -> int:
    """The program that noisy signs name."""
    index = 0
    for sign in signs:
        index = 2 * index + (sign > 0)
    return PROGRAM_TABLES[part][index]
