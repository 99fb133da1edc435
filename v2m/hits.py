"""Hits: the moments that the music must mark, each with a weight and a reason."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

HitKind = Literal["cut", "dissolve", "fade", "marker", "visual", "end"]


@dataclass(frozen=True)
class Hit:
    """A moment to be marked."""

    id: str
    """Stable while its cause stays: the marker's id, else kind and order (`cut-3`)."""

    time_s: Fraction
    """Exact, from the first frame of the programme."""

    kind: HitKind
    weight: float
    """0..1: how much it matters; 1 is a marker of the editor's or a cut to a wholly new picture."""

    reason: str = ""
