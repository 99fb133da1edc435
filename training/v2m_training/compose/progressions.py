"""Chord progressions by mode, grouped by the kind of music that uses them.

Conventions: one numeral a unit of harmonic rhythm; a progression loops. Sources: textbook cadences (ii-V-I,
plagal, Andalusian, circle of fifths) and the stock loops of popular and film music.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "pop": {
        "major": "I V vi IV | vi IV I V | I vi IV V | IV I V vi | I iii IV V | I IV vi V | I IV ii V"
        " | I V vi iii IV I IV V | I bVII IV I | vi V IV V | I V IV iv",
        "minor": "i bVI bIII bVII | i bVII bVI bVII | i iv bVI V | bVI bVII i i | i bIII bVII iv"
        " | i bVI iv V | i bVII bVI V | i v bVI bVII | i bIII bVI bVII i bIII iv V",
        "dorian": "i IV i IV | i bVII IV i | i bIII IV i | i v bVII IV | i IV v i | i bVII bIII IV",
        "mixolydian": "I bVII IV I | I IV bVII IV | I v bVII IV",
        "lydian": "I II I II | I II vi V | I V II I",
        "phrygian": "i bII i bII | i bII bIII bII | i bVII bVI bII",
    },
    "soul": {
        "major": "Imaj7 vi7 ii7 V7 | Imaj9 IVmaj7 iii7 vi7 | IVmaj7 iii7 vi7 Imaj7 | ii9 V7sus4 Imaj9 vi7"
        " | Imaj7 I7 IVmaj7 iv7 | Imaj7 iii7 IVmaj7 iv6"
        " | Imaj7 III7 vi7 I7 IVmaj7 iv7 Imaj7 V7sus4 | Imaj9 bVIImaj7 IVmaj7 V7sus4",
        "minor": "i7 iv7 bVImaj7 v7 | i9 bVImaj7 iv9 V7 | iv9 bVII7 bIIImaj7 bVImaj7"
        " | i7 bVImaj7 bIIImaj7 bVII7"
        " | i7 bIIImaj7 iv7 V7 | i9 iv9 bVIImaj7 bIIImaj7 bVImaj7 iio7 V7 i7 | bVImaj7 V7 i7 i7",
        "dorian": "i9 IV7 i9 IV7 | i7 ii7 bIIImaj7 ii7 | i9 IV9 bVIImaj7 IV9",
        "mixolydian": "I9 IV9 I9 bVII9 | I7 bVII7 IV7 I7 | I9 v7 IV9 I9",
        "lydian": "Imaj9 II7 Imaj9 II7 | Imaj7 II7 iii7 II7",
        "phrygian": "i7 bIImaj7 i7 bvii7 | i7 bIImaj7 bIIImaj7 bIImaj7",
    },
    "jazz": {
        "major": "ii7 V7 Imaj7 VI7 | Imaj7 vi7 ii7 V7 | iii7 VI7 ii7 V7 | Imaj7 IV7 iii7 VI7 ii7 V7 Imaj7 V7"
        " | Imaj7 #ivo7 IVmaj7 iv7 iii7 VI7 ii7 V7 | I6 vi7 ii9 V9"
        " | Imaj7 VI7 ii7 V7 iii7 VI7 ii7 V7 | IVmaj7 bVII7 Imaj7 VI7 ii7 V7 Imaj7 Imaj7",
        "minor": "iio7 V7 i7 i7 | i7 iv7 iio7 V7 | i6 bVImaj7 iio7 V7"
        " | iv7 bVII7 bIIImaj7 bVImaj7 iio7 V7 i7 i7"
        " | i7 iio7 V7 i7 iv7 i7 V7 i7 | i6 iv7 i6 V7",
        "dorian": "i7 i7 IV7 IV7 | i9 IV9 i9 bVII9",
        "mixolydian": "I7 IV7 I7 I7 IV7 IV7 I7 VI7 ii7 V7 I7 V7 | I9 I9 IV9 IV9",
        "lydian": "Imaj7 II7 Imaj7 II7",
        "phrygian": "i7 bIImaj7 i7 bIImaj7",
    },
    "film": {
        "major": "I IV vi V | I V vi iii IV I IV V | I iii vi IV | I bVII IV iv | I bVI bVII I | vi IV I V"
        " | I iii IV iv | IV V iii vi | I V bVI bVII | Iadd9 V vi IV I V IV IV",
        "minor": "i bVI bIII bVII | i bVI iv V | i iv bVI bVII | i v bVI bIII iv i iio V | i bVI i bVI"
        " | i bII bVII i | i bIII bVI V"
        " | i bVII bVI V | i bIII iv bVI i bIII bVI V | iadd9 bVImaj7 iv V | i v bVI iv",
        "dorian": "i IV bVI bVII | i IV i v | i bVII IV i",
        "mixolydian": "I bVII IV I | I v IV bVII",
        "lydian": "I II iii II | Iadd9 II I V | I #ivo7 IV I",
        "phrygian": "i bII bvii bII | i bII iv bII | i bVI bII i",
    },
    "still": {
        "major": "Iadd9 IVadd9 | Imaj9 IVmaj9 | Iadd9 vi7 IVmaj7 Vsus4 | Isus2 IVadd9 vi7 IVadd9",
        "minor": "i bVImaj7 | iadd9 bVImaj7 bIIImaj7 bVIIsus2 | i9 iv9 | isus2 bVIImaj7 bVImaj7 bVIIsus4",
        "dorian": "i9 IVadd9 | isus2 IV i7 v7 | i9 bVIImaj7",
        "mixolydian": "Iadd9 bVIIadd9 | Isus2 v7 IVadd9 I",
        "lydian": "Imaj9 II | Iadd9 II iii7 II | Imaj7 II vi7 II",
        "phrygian": "i bIImaj7 | isus4 bIImaj7 bvii bIImaj7",
    },
    "power": {
        "major": "I5 V5 vi5 IV5 | I5 IV5 V5 IV5 | I5 bVII5 IV5 I5 | I5 IV5 vi5 V5 | I5 iii5 IV5 V5",
        "minor": "i5 bVI5 bVII5 i5 | i5 bVII5 bVI5 V5 | i5 bIII5 bVII5 IV5 | i5 bVI5 bIII5 bVII5"
        " | i5 i5 bVI5 bVII5 | i5 bVII5 iv5 bVI5 | i5 bIII5 iv5 V5",
        "dorian": "i5 IV5 bVII5 i5 | i5 bIII5 IV5 i5",
        "mixolydian": "I5 bVII5 IV5 I5 | I5 IV5 bVII5 bVII5",
        "lydian": "I5 II5 I5 V5",
        "phrygian": "i5 bII5 i5 bII5 | i5 bII5 bIII5 bII5",
    },
    "one": {  # dance music that stays on its chord
        "major": "I I IV I | Imaj7 Imaj7 vi7 vi7",
        "minor": "i i i i | i i bVI bVII | i7 i7 iv7 i7 | i bIII i bVII | i i iv i | i7 i7 bVImaj7 bVII",
        "dorian": "i7 i7 IV7 i7 | i i IV i",
        "mixolydian": "I7 I7 bVII7 I7",
        "lydian": "I I II I",
        "phrygian": "i i bII i | i i i bII",
    },
}

CADENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "major": ("V", "V7sus4", "V7"),
    "minor": ("V", "bVII", "V7sus4", "iv"),
    "dorian": ("IV", "bVII", "v7"),
    "mixolydian": ("bVII", "v", "IV"),
    "lydian": ("V", "II"),
    "phrygian": ("bII", "bvii"),
}
"""What leads home just before a new section."""

COLOURS: Final[Mapping[str, tuple[str, ...]]] = {
    "major": ("bVI", "bVII", "iv", "bIII"),
    "minor": ("bII", "IV", "vi", "I"),
    "dorian": ("bVI", "bII", "I"),
    "mixolydian": ("bVI", "bIII", "iv"),
    "lydian": ("bVI", "bVII", "iv"),
    "phrygian": ("IV", "bV", "I"),
}
"""Borrowed chords: what a heavy event may bring as a surprise."""

HOMES: Final[Mapping[str, str]] = {
    "major": "I",
    "lydian": "I",
    "mixolydian": "I",
    "minor": "i",
    "dorian": "i",
    "phrygian": "i",
}
"""The chord that ends a piece."""


def progressions(kind: str, mode: str) -> tuple[tuple[str, ...], ...]:
    """The progressions of a kind of music in a mode, as numerals."""
    return tuple(tuple(loop.split()) for loop in _TABLE[kind][mode].split("|"))
