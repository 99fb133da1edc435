"""Which key is heard where one was asked for, and in composed pieces whose key is known.

Conventions: tonics are pitch classes 0-11; what a wrong key is to the right one is said in a word
(`relation`). The finding of keys is `v2m.metrics.key`, with ratings of listeners or with learned profiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from v2m_training.compose import STYLE_NAMES, compose

from v2m.codecs.arrangement import Arrangement
from v2m.metrics.key import KeyMode, Profiles, estimate_key, pitch_class_beats

MODES: tuple[KeyMode, KeyMode] = ("major", "minor")
SAME = "the key itself"

_FIRST_SEED = 5_000_000
_KEYS_KNOWN = 320
"""Composed pieces that the finding of keys is tried on; half of them, in major or minor, teach it."""

Keyed = tuple[Arrangement, int, KeyMode]
"""Music, its tonic and its mode."""


def known_keys() -> list[Keyed]:
    """Composed pieces that stay in one major or minor key."""
    pieces = (compose(_FIRST_SEED + i, STYLE_NAMES[i % len(STYLE_NAMES)]) for i in range(_KEYS_KNOWN))
    return [
        (piece.arrangement, piece.facts.tonic, mode)
        for piece in pieces
        for mode in MODES
        if piece.mode == mode and not piece.facts.modulates
    ]


def learned_profiles(known: Sequence[Keyed]) -> Profiles:
    """How long each pitch class over the tonic sounds, on average over pieces of a mode."""

    def mean(mode: str) -> tuple[float, ...]:
        rows = [np.roll(pitch_class_beats(music), -tonic) for music, tonic, own in known if own == mode]
        return tuple(np.mean([row / row.sum() for row in rows if row.sum()], axis=0).tolist())

    return {mode: mean(mode) for mode in MODES}


def relations(keyed: Sequence[Keyed], profiles: Profiles) -> list[str]:
    """What the key that is heard in each piece is to its own."""
    found = [(estimate_key(music, profiles), tonic, mode) for music, tonic, mode in keyed]
    return [
        "none" if key is None else relation(key.tonic - tonic, mode, key.mode) for key, tonic, mode in found
    ]


def relation(semitones: int, mode: KeyMode, other: KeyMode) -> str:
    """What a key so far above another is to it; `a third` shares two tones of the triad, as the relative."""
    if mode == other:
        return {0: SAME, 5: "a fifth", 7: "a fifth"}.get(semitones % 12, "afar")
    to_relative, to_third = (9, 4) if mode == "major" else (3, 8)
    names = {0: "the parallel", to_relative: "the relative", to_third: "a third"}
    return names.get(semitones % 12, "afar")
