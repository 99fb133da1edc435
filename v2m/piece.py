"""A piece: a composition on its beats, with the hits that it has to mark, ready to be played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from v2m.codecs.accents import HEAVY_WEIGHT, accent_hits
from v2m.codecs.arrangement import Arrangement, Part
from v2m.codecs.pulse import mark_beats
from v2m.hits import Hit
from v2m.performance import Programme
from v2m.tempo import TempoMap


@dataclass(frozen=True)
class Piece:
    """All that decides how the music goes, but for the instruments and the mastering."""

    composed: Arrangement
    """As composed and cast; beat 0 is the first beat of the tempo map."""

    tempo_map: TempoMap
    hits: tuple[Hit, ...]
    duration_s: Fraction
    silent: frozenset[Part] = frozenset()
    """Parts that the words forbid to sound."""

    @cached_property
    def played(self) -> Arrangement:
        """The notes as they are played, accents and all."""
        return accented(self.composed, self.hits, self.tempo_map, self.silent)

    @cached_property
    def programme(self) -> Programme:
        """The length of the music and the attack that ends it."""
        return programme_of(self.duration_s, self.played, self.tempo_map)


def accented(
    arrangement: Arrangement,
    hits: Sequence[Hit],
    tempo_map: TempoMap,
    silent: frozenset[Part] = frozenset(),
) -> Arrangement:
    """The arrangement as it is played: leaning on the beats, every heavy hit struck exactly at its time.

    Parts in `silent` get no accents: the words forbid them to sound.
    """
    heavy = [hit for hit in hits if hit.weight >= HEAVY_WEIGHT]
    beats = tempo_map.beat_at(np.array([float(hit.time_s) for hit in heavy]))
    return accent_hits(
        mark_beats(arrangement),
        [(float(b), hit.weight, hit.kind) for b, hit in zip(beats, heavy, strict=True)],
        silent,
    )


def programme_of(duration_s: Fraction, arrangement: Arrangement, tempo_map: TempoMap) -> Programme:
    """The length of the music and the attack that ends it."""
    attacks_s = tempo_map.time_s(np.array([note.start_beat for note in arrangement.notes]))
    inside = attacks_s[attacks_s < float(duration_s)]
    return Programme(duration_s, float(inside.max()) if len(inside) else None)
