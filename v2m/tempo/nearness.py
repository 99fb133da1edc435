"""How near a beat must come to a hit that it cannot reach exactly, to do something for it.

Conventions: seconds; costs are shares of a hit's weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Nearness:
    """The moment that beats are said to be near, how far off they count, and what they leave to be paid."""

    lead_s: float
    """The moment lies so much before the hit: a beat is heard, by a tracker too, when its attack has risen,
    some 40 ms after it began (`benchmarks/sch.py` prints the lag)."""

    near_s: float
    """A beat farther than this from that moment does nothing for the hit."""

    cost: float
    """Of the hit with a beat `near_s` away; nearer it falls evenly."""


CLOSE: Final = Nearness(0.02, 0.06, 0.6)
"""80 ms early or 40 late, which leaves 20 ms of 100 to whoever plays it. At a cost of 0.85 one hit in a
hundred fewer has a beat near, at 0.4 one more, and exact ones are as many: it matters little."""

WIDE: Final = Nearness(0.04, 0.08, 0.4)
"""120 ms early or 40 late, and more than half of the hit: more cuts have a beat beside them, fewer one
exactly on them. A tracker meets about as many on either, but other ones."""
