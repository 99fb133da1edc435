"""Drum fills, a beat or two before an event or the end of a phrase, in the notation of `groove`.

Conventions: a character is a step; fills are played louder towards their end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FILLS: Final[tuple[Mapping[str, str], ...]] = (
    {"snare": "xoxx"},
    {"snare": "x.xx", "low tom": "..x."},
    {"high tom": "xx..", "low tom": "..xx"},
    {"snare": "xx..", "high tom": "..x.", "low tom": "...x"},
    {"snare": "x.x.xxxx"},
    {"snare": "x.x.....", "high tom": "....xx..", "low tom": "......xx"},
    {"snare": "..xx", "kick": "xx.."},
    {"high tom": "x.xx....", "low tom": "....x.xx"},
)

ORCHESTRAL_FILLS: Final[tuple[Mapping[str, str], ...]] = (
    {"low tom": "xxxx"},
    {"big drum": "x.x.xxxx"},
    {"snare": "ooooxxxx"},
    {"low tom": "x.x.x.xx", "high tom": "....x.xx"},
)

FILLS_IN_SIX: Final[tuple[Mapping[str, str], ...]] = (
    # in steps: the third eighth of a beat is its step 3
    {"low tom": "xx.x"},
    {"snare": "xo.x"},
    {"high tom": "xx.x....", "low tom": "....xx.x"},
    {"snare": "o..oxx.x"},
)
