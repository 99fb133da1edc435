"""How long each degree of a mode sounds in the parts of composed pieces: what a key asked for is led to.

Only pieces that stay in their key count, each as much as any other.

    python -m v2m_training.typical_degrees [PIECES] > v2m/backbones/typical_degrees.json
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Final

import numpy as np

from v2m.codecs.arrangement import PITCHED_PARTS
from v2m_training.compose import STYLE_NAMES, compose
from v2m_training.typical_table import Table, table_text

_FIRST_SEED: Final = 8_000_000
"""Pieces that neither a corpus nor a benchmark has."""

_PIECES: Final = 1600
"""A hundred of each style."""


def typical_degrees(count: int) -> Table:
    """By mode and part, the mean share of each of the twelve degrees, to three places."""
    shares: defaultdict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    for i in range(count):
        piece = compose(_FIRST_SEED + i, STYLE_NAMES[i % len(STYLE_NAMES)])
        if piece.facts.modulates:
            continue
        for part in PITCHED_PARTS:
            beats = np.zeros(12)
            for note in piece.arrangement.notes:
                if note.part == part:
                    beats[(note.pitch - piece.facts.tonic) % 12] += note.duration_beats
            if beats.any():
                shares[piece.mode, part].append(beats / beats.sum())
    table: Table = defaultdict(dict)
    for (mode, name), rows in sorted(shares.items()):
        table[mode][name] = np.mean(rows, axis=0).round(3).tolist()
    return dict(table)


if __name__ == "__main__":
    sys.stdout.write(table_text(typical_degrees(int(sys.argv[1]) if len(sys.argv) > 1 else _PIECES)))
