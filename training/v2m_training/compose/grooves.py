"""Drum grooves, a bar each, as a drummer's notation: one character a sixteenth.

    X  accent    x  stroke    o  soft stroke    g  ghost note    ?  ghost note now and then    .  rest

Conventions: sixteen characters are a bar of 4/4, twelve one of 3/4; voices as in `DRUM_VOICES`. The idioms
are those that drum methods teach: four on the floor, boom bap, train beat, ride pattern, half time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Groove:
    """A beat and what a drummer leaves out or adds."""

    voices: Mapping[str, str]
    """Pattern by drum voice."""

    light: frozenset[str]
    """The voices that stay when the groove is thinned out."""

    lift: Mapping[str, str]
    """Patterns added, or put in place of the same voice, when everybody plays."""


def _groove(text: str, light: str, **lift: str) -> Groove:
    voices = {}
    for line in text.strip().splitlines():
        voice, _, pattern = line.rpartition(" ")
        voices[voice.strip()] = pattern
    return Groove(
        voices, frozenset(light.split(", ")), {name.replace("_", " "): p for name, p in lift.items()}
    )


GROOVES: Final[Mapping[str, Groove]] = {
    # --- 4/4
    "boom bap": _groove(
        """
        kick        X......x..x.....
        snare       ....X..?.?..X..?
        closed hat  x.o.x.o.x.o.x.oo
        """,
        "kick, closed hat",
        open_hat="......x.......x.",
    ),
    "lazy": _groove(
        """
        kick        X.....x...xx....
        rim         ....x.......x...
        closed hat  x.o.x.o.x.o.x.o?
        shaker      ..g...g...g...g.
        """,
        "rim, shaker",
        snare="....x..?....x..?",
    ),
    "trap": _groove(
        """
        kick        X.....x...x..x..
        clap        ........X.......
        closed hat  x.x.x.x.xxx.x.xx
        rim         ..........?...?.
        """,
        "clap, closed hat",
        open_hat="......x.........",
        snare="........X......g",
    ),
    "house": _groove(
        """
        kick        X...X...X...X...
        clap        ....x.......x...
        open hat    ..x...x...x...x.
        closed hat  o.g.o.g.o.g.o.g.
        """,
        "kick, closed hat",
        shaker="oogooogooogooogo",
    ),
    "disco": _groove(
        """
        kick        X...X...X...X...
        snare       ....x.......x...
        closed hat  x.o.x.o.x.o.x.o.
        open hat    ..x...x...x...x.
        """,
        "kick, closed hat",
        clap="....x.......x...",
    ),
    "techno": _groove(
        """
        kick        X...X...X...X...
        closed hat  ..x...x...x...x.
        rim         ...o..o....o..?.
        """,
        "kick",
        clap="....x.......x...",
        ride="..o...o...o...o.",
    ),
    "industrial": _groove(
        """
        kick        X...X...X...X.x.
        low tom     ..o..o....o..o..
        closed hat  oooooooooooooooo
        """,
        "kick, low tom",
        open_hat="..x...x...x...x.",
    ),
    "two step": _groove(
        """
        kick        X.........x.....
        snare       ....X..?.?..X..?
        closed hat  x.x.x.x.x.x.x.x.
        """,
        "closed hat, kick",
        ride="x...x...x...x...",
    ),
    "amen": _groove(
        """
        kick        X.x.......xx....
        snare       ....X..g.g..X..g
        closed hat  x.x.x.x.x.x.x.x.
        """,
        "closed hat, snare",
        ride="x.x.x.x.x.x.x.x.",
    ),
    "rock": _groove(
        """
        kick        X.......X.x.....
        snare       ....X.......X...
        closed hat  x.o.x.o.x.o.x.o.
        """,
        "kick, closed hat",
        open_hat="x.......x.......",
    ),
    "drive": _groove(
        """
        kick        X..x....X.x...x.
        snare       ....X.......X...
        closed hat  x.x.x.x.x.x.x.x.
        """,
        "closed hat, kick",
        ride="x...x...x...x...",
    ),
    "half time": _groove(
        """
        kick        X.........x.....
        snare       ........X.......
        closed hat  x...x...x...x...
        """,
        "kick, closed hat",
        ride="x...x...x...x...",
    ),
    "funk": _groove(
        """
        kick        X..x......x..x..
        snare       ....X..g.g..X..g
        closed hat  xoxoxoxoxoxoxoxo
        """,
        "kick, closed hat",
        open_hat="......x.......x.",
    ),
    "one drop funk": _groove(
        """
        kick        X.x.......x.....
        snare       ....X.?g.g..X.?g
        closed hat  x.xxx.xxx.xxx.xx
        """,
        "kick, closed hat",
        open_hat=".......x........",
    ),
    "ride swing": _groove(
        """
        ride        x...x.o.x...x.o.
        closed hat  ....x.......x...
        kick        g...g...g...g...
        snare       ......?.......?.
        """,
        "closed hat, ride",
        rim="............x...",
    ),
    "bossa": _groove(
        """
        kick        x.....o.x.....o.
        rim         x.....x.....x...
        shaker      o.g.o.g.o.g.o.g.
        """,
        "shaker, rim",
        ride="x...x...x...x...",
    ),
    "brushes": _groove(
        """
        kick        x.......x.......
        snare       g.o.x.o.g.o.x.o.
        shaker      ..g...g...g...g.
        """,
        "shaker",
        rim="....x.......x...",
    ),
    "train": _groove(
        """
        kick        x...x...x...x...
        snare       gogoxogogogoxogo
        """,
        "kick",
        closed_hat="....x.......x...",
    ),
    "synth": _groove(
        """
        kick        X...x...X...x...
        snare       ....X.......X...
        closed hat  x.o.x.o.x.o.x.o.
        """,
        "kick, closed hat",
        clap="....X.......X...",
        open_hat="..............x.",
    ),
    "pulse": _groove(
        """
        big drum    x.......x.....o.
        low tom     ..o...o...o...o.
        """,
        "low tom",
        shaker="oogooogooogooogo",
    ),
    "war drums": _groove(
        """
        big drum    X.....x.X...x...
        low tom     o.oo.oo.o.oo.oo.
        """,
        "big drum",
        high_tom="............xox.",
        snare="....x.......x...",
    ),
    "march": _groove(
        """
        big drum    x.......x.......
        snare       ....o.og....o.og
        """,
        "snare",
        crash="................",
        low_tom="x...x...x...x...",
    ),
    "tick": _groove(
        """
        shaker      o...g...o...g...
        rim         ......g.......?.
        """,
        "shaker",
        kick="o.......o.......",
    ),
    # --- 3/4
    "waltz": _groove(
        """
        kick        X...........
        snare       ....o...o...
        closed hat  o...x...x...
        """,
        "closed hat",
        ride="x...x...x...",
    ),
    "jazz waltz": _groove(
        """
        ride        x...x.o.x...
        closed hat  ....x.......
        kick        g.....?.....
        """,
        "closed hat, ride",
        rim="......x.....",
    ),
    "lazy three": _groove(
        """
        kick        X.....o.....
        rim         ........x...
        closed hat  x.o.x.o.x.o.
        """,
        "closed hat",
        shaker="..g...g...g.",
    ),
    "pulse three": _groove(
        """
        big drum    x.....o.....
        low tom     ....o...o...
        """,
        "low tom",
        shaker="oogooogooogo",
    ),
}

FILLS: Final[tuple[Mapping[str, str], ...]] = (
    # a beat before an event, or two; played louder towards their end
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
