"""Keeps the mean tempo at the wished one: who asks for 118 BPM wants 118, on the whole.

Bending towards hits pulls a programme's tempo to one side. A price on each beat pulls it back: the number of
beats falls as the price rises (a Lagrange multiplier), so the price is found by bisection. It may cost many
hits where bending made a little dearer costs few, so both are tried; a click held stiff enough keeps any
wish.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from v2m.tempo.map import TempoMap
from v2m.tempo.settings import TempoCosts

WISH_TOLERANCE: Final = 0.03
"""Share that the mean tempo may be off: about the smallest change of tempo that listeners notice."""

_USUAL_STIFFNESS: Final = (1.0, 3.0)
"""Factors on the price of bending, all tried: none is best for most programmes."""

_ENOUGH: Final = 0.95
"""Share of what free bending reaches that ends the search."""

_LAST_STIFFNESS: Final = (10.0, 40.0)
"""Tried in turn where no usual one keeps the wish."""

_FIRST_PRICE: Final = 0.02
"""Of a beat, in missed hits of weight 1: a programme of 60 beats changes their number by one or two."""

_PRICES: Final = 3

Bend = Callable[[TempoCosts], TempoMap]


def hold_mean(bend: Bend, reached: Callable[[TempoMap], float], costs: TempoCosts) -> TempoMap:
    """Of the maps whose mean tempo is the nominal one, that which reaches most; where none is, the nearest.

    Args:
        bend: makes the map of some costs.
        reached: how much of the hits a map reaches.
        costs: as wished.
    """
    free = nearest = bend(costs)
    best: TempoMap | None = None
    enough = _ENOUGH * reached(free)
    for stiffness in (*_USUAL_STIFFNESS, *_LAST_STIFFNESS):
        if best is not None and (reached(best) >= enough or stiffness in _LAST_STIFFNESS):
            break
        stiff = replace(costs, deviation=costs.deviation * stiffness, change=costs.change * stiffness)
        for found in _priced(bend, stiff):
            nearest = min(nearest, found, key=lambda each: abs(_drift(each, costs)))
            is_held = abs(_drift(found, costs)) <= WISH_TOLERANCE
            if is_held and (best is None or reached(found) > reached(best)):
                best = found
    return best or nearest


def _priced(bend: Bend, costs: TempoCosts) -> Iterator[TempoMap]:
    """Maps of prices that close in on the wish."""
    found = bend(costs)
    yield found
    step = _FIRST_PRICE if _drift(found, costs) > 0 else -_FIRST_PRICE
    near, far, is_bracketed = 0.0, step, False
    for _ in range(_PRICES):
        if abs(_drift(found, costs)) <= WISH_TOLERANCE:
            return
        price = (near + far) / 2 if is_bracketed else far
        found = bend(replace(costs, beat=price))
        yield found
        if _drift(found, costs) * step > 0:  # not there yet
            near, far = price, far if is_bracketed else 2 * far
        else:
            far, is_bracketed = price, True


def _drift(tempo_map: TempoMap, costs: TempoCosts) -> float:
    """How much faster the map is on the whole than the nominal tempo."""
    beats_s = tempo_map.beats_s
    return (len(beats_s) - 1) * costs.interval_s / (beats_s[-1] - beats_s[0]) - 1
