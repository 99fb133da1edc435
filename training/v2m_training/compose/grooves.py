"""Drum grooves, a bar each, as a drummer's notation: one character a sixteenth.

    X  accent    x  stroke    o  soft stroke    g  ghost note    ?  ghost note now and then    .  rest

Conventions: sixteen characters are a bar of 4/4, twelve one of 3/4, six (eighths) one of 6/8, and a pattern
may span two bars; voices as in `DRUM_VOICES`. The idioms
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

    @property
    def varies(self) -> bool:
        """Whether a drummer adds kicks to it: not where the kick itself is the pulse."""
        return self.voices.get("kick", "").count(".") > len(self.voices.get("kick", "")) * 2 // 3 and set(
            self.voices["kick"]
        ) != set("g.")


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
        low tom     o..oo...o..oo.o.
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
    "bounce": _groove(
        """
        kick        X..x......x..x..X..x..x...x.....
        snare       ....X..g....X..?....X..?.g..X.g.
        closed hat  x.x.x.xxx.x.x.x.x.x.x.x.x.x.xxx.
        """,
        "kick, closed hat",
        open_hat="..............x...............x.",
        shaker="o.o.o.o.o.o.o.o.",
    ),
    "golden era": _groove(
        """
        kick        X.....x...x.....X..x..x...x.x...
        snare       ....X..g.g..X.......X..g.g..X..?
        closed hat  x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.oo
        """,
        "kick, closed hat",
        shaker="o.g.o.g.o.g.o.g.",
        rim="..........x...............x.....",
    ),
    "trap roll": _groove(
        """
        kick        X......x..x.....X.....x...x..x..
        clap        ....x.......X.......x.......X...
        closed hat  x.x.x.x.x.xxx.x.x.x.xxxxx.x.xxxx
        """,
        "clap, closed hat",
        open_hat="..............x...............x.",
        snare="............X..............gX..g",
    ),
    "garage": _groove(
        """
        kick        X.....x...x.....
        clap        ....X.......X...
        closed hat  ..x.o.xo..x.o.xo
        shaker      o.o.o.o.o.o.o.o.
        """,
        "clap, shaker",
        open_hat="..x...x...x...x.",
        rim=".......o.......o",
    ),
    "breakbeat": _groove(
        """
        kick        X.x.......x..x..X.x...x...x.....
        snare       ....X..g.g..X..g....X..g.g....X.
        closed hat  x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.
        """,
        "closed hat, kick",
        ride="x...x...x...x...",
    ),
    "four beat": _groove(
        """
        kick        X..x....X..x....
        snare       x...x...x...x...
        closed hat  x.o.x.o.x.o.x.o.
        """,
        "kick, closed hat",
        open_hat="..............x.",
    ),
    "tom groove": _groove(
        """
        kick        X...x...X...x...
        low tom     o.xo..xoo.xo..xo
        high tom    ............x.o.
        """,
        "kick",
        snare="....x.......x...",
        ride="x...x...x...x...",
    ),
    "taiko": _groove(
        """
        big drum    X...x..xX...x.x.
        low tom     oo.oo.oooo.oo.oo
        """,
        "big drum",
        high_tom="....x.......x.xx",
        crash="................",
    ),
    "timpani pulse": _groove(
        """
        big drum    x...o...x...o...
        low tom     ....o.......o.oo
        """,
        "big drum",
        snare="..o...o...o...oo",
    ),
    "snare march": _groove(
        """
        big drum    x...o...x...o...
        snare       o.ooo.o.o.ooo.oo
        """,
        "big drum, snare",
        low_tom="x.......x.......",
    ),
    "bongo pulse": _groove(
        """
        shaker      ogogogogogogogog
        kick        x...o...x...o...
        rim         ..o...o...o..o..
        """,
        "shaker, kick",
        high_tom="......x.......x.",
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
    "rock in three": _groove(
        """
        kick        X.....x.....
        snare       ....x...x...
        closed hat  x.o.x.o.x.o.
        """,
        "kick, closed hat",
        open_hat="..........x.",
        ride="x...x...x...",
    ),
    "drums in three": _groove(
        """
        big drum    X...o...o...
        low tom     ..o...o...oo
        """,
        "big drum",
        snare="....x...x...",
    ),
    # --- 6/8, in eighths
    "six": _groove(
        """
        kick        X....x
        snare       ...X..
        closed hat  xoxxox
        """,
        "kick, closed hat",
        ride="x..x..",
        open_hat=".....x",
    ),
    "slow six": _groove(
        """
        kick        X.....X..x..
        rim         ...x.....x.?
        closed hat  xooxooxooxoo
        """,
        "kick, closed hat",
        snare="...X.....X.g",
    ),
    "shuffle in six": _groove(
        """
        kick        X..x.x
        snare       ...x..
        ride        x.xx.x
        """,
        "kick, ride",
        closed_hat="...x..",
    ),
    "folk in six": _groove(
        """
        kick        x..x..
        shaker      xogxog
        """,
        "kick, shaker",
        rim="...x..",
        snare="..g..g",
    ),
    "drums in six": _groove(
        """
        big drum    X..o..X..oxx
        low tom     ..o.oo..o.oo
        """,
        "big drum",
        high_tom="...x.....x..",
        snare="..o..o..o.oo",
    ),
    "march in six": _groove(
        """
        big drum    x..x..
        snare       o.oo.o
        """,
        "big drum, snare",
        low_tom="x..o..",
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

FILLS_IN_SIX: Final[tuple[Mapping[str, str], ...]] = (
    # in steps: the third eighth of a beat is its step 3
    {"low tom": "xx.x"},
    {"snare": "xo.x"},
    {"high tom": "xx.x....", "low tom": "....xx.x"},
    {"snare": "o..oxx.x"},
)
