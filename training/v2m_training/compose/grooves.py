"""The grooves of all metres; here those of 4/4, a bar or two each, in the notation of `groove`.

The idioms are those that drum methods teach: four on the floor, boom bap, train beat, ride pattern,
half time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from v2m_training.compose.groove import Groove, groove
from v2m_training.compose.triple_grooves import TRIPLE_GROOVES

GROOVES: Final[Mapping[str, Groove]] = {
    **TRIPLE_GROOVES,
    "boom bap": groove(
        """
        kick        X......x..x.....
        snare       ....X..?.?..X..?
        closed hat  x.o.x.o.x.o.x.oo
        """,
        "kick, closed hat",
        open_hat="......x.......x.",
    ),
    "lazy": groove(
        """
        kick        X.....x...xx....
        rim         ....x.......x...
        closed hat  x.o.x.o.x.o.x.o?
        shaker      ..g...g...g...g.
        """,
        "rim, shaker",
        snare="....x..?....x..?",
    ),
    "trap": groove(
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
    "house": groove(
        """
        kick        X...X...X...X...
        clap        ....x.......x...
        open hat    ..x...x...x...x.
        closed hat  o.g.o.g.o.g.o.g.
        """,
        "kick, closed hat",
        shaker="oogooogooogooogo",
    ),
    "disco": groove(
        """
        kick        X...X...X...X...
        snare       ....x.......x...
        closed hat  x.o.x.o.x.o.x.o.
        open hat    ..x...x...x...x.
        """,
        "kick, closed hat",
        clap="....x.......x...",
    ),
    "techno": groove(
        """
        kick        X...X...X...X...
        closed hat  ..x...x...x...x.
        rim         ...o..o....o..?.
        """,
        "kick",
        clap="....x.......x...",
        ride="..o...o...o...o.",
    ),
    "industrial": groove(
        """
        kick        X...X...X...X.x.
        low tom     ..o..o....o..o..
        closed hat  oooooooooooooooo
        """,
        "kick, low tom",
        open_hat="..x...x...x...x.",
    ),
    "two step": groove(
        """
        kick        X.........x.....
        snare       ....X..?.?..X..?
        closed hat  x.x.x.x.x.x.x.x.
        """,
        "closed hat, kick",
        ride="x...x...x...x...",
    ),
    "amen": groove(
        """
        kick        X.x.......xx....
        snare       ....X..g.g..X..g
        closed hat  x.x.x.x.x.x.x.x.
        """,
        "closed hat, snare",
        ride="x.x.x.x.x.x.x.x.",
    ),
    "rock": groove(
        """
        kick        X.......X.x.....
        snare       ....X.......X...
        closed hat  x.o.x.o.x.o.x.o.
        """,
        "kick, closed hat",
        open_hat="x.......x.......",
    ),
    "drive": groove(
        """
        kick        X..x....X.x...x.
        snare       ....X.......X...
        closed hat  x.x.x.x.x.x.x.x.
        """,
        "closed hat, kick",
        ride="x...x...x...x...",
    ),
    "half time": groove(
        """
        kick        X.........x.....
        snare       ........X.......
        closed hat  x...x...x...x...
        """,
        "kick, closed hat",
        ride="x...x...x...x...",
    ),
    "funk": groove(
        """
        kick        X..x......x..x..
        snare       ....X..g.g..X..g
        closed hat  xoxoxoxoxoxoxoxo
        """,
        "kick, closed hat",
        open_hat="......x.......x.",
    ),
    "one drop funk": groove(
        """
        kick        X.x.......x.....
        snare       ....X.?g.g..X.?g
        closed hat  x.xxx.xxx.xxx.xx
        """,
        "kick, closed hat",
        open_hat=".......x........",
    ),
    "ride swing": groove(
        """
        ride        x...x.o.x...x.o.
        closed hat  ....x.......x...
        kick        g...g...g...g...
        snare       ......?.......?.
        """,
        "closed hat, ride",
        rim="............x...",
    ),
    "bossa": groove(
        """
        kick        x.....o.x.....o.
        rim         x.....x.....x...
        shaker      o.g.o.g.o.g.o.g.
        """,
        "shaker, rim",
        ride="x...x...x...x...",
    ),
    "brushes": groove(
        """
        kick        x.......x.......
        snare       g.o.x.o.g.o.x.o.
        shaker      ..g...g...g...g.
        """,
        "shaker",
        rim="....x.......x...",
    ),
    "train": groove(
        """
        kick        x...x...x...x...
        snare       gogoxogogogoxogo
        """,
        "kick",
        closed_hat="....x.......x...",
    ),
    "synth": groove(
        """
        kick        X...x...X...x...
        snare       ....X.......X...
        closed hat  x.o.x.o.x.o.x.o.
        """,
        "kick, closed hat",
        clap="....X.......X...",
        open_hat="..............x.",
    ),
    "pulse": groove(
        """
        big drum    x.......x.....o.
        low tom     o..oo...o..oo.o.
        """,
        "low tom",
        shaker="oogooogooogooogo",
    ),
    "war drums": groove(
        """
        big drum    X.....x.X...x...
        low tom     o.oo.oo.o.oo.oo.
        """,
        "big drum",
        high_tom="............xox.",
        snare="....x.......x...",
    ),
    "march": groove(
        """
        big drum    x.......x.......
        snare       ....o.og....o.og
        """,
        "snare",
        crash="................",
        low_tom="x...x...x...x...",
    ),
    "tick": groove(
        """
        shaker      o...g...o...g...
        rim         ......g.......?.
        """,
        "shaker",
        kick="o.......o.......",
    ),
    "bounce": groove(
        """
        kick        X..x......x..x..X..x..x...x.....
        snare       ....X..g....X..?....X..?.g..X.g.
        closed hat  x.x.x.xxx.x.x.x.x.x.x.x.x.x.xxx.
        """,
        "kick, closed hat",
        open_hat="..............x...............x.",
        shaker="o.o.o.o.o.o.o.o.",
    ),
    "golden era": groove(
        """
        kick        X.....x...x.....X..x..x...x.x...
        snare       ....X..g.g..X.......X..g.g..X..?
        closed hat  x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.oo
        """,
        "kick, closed hat",
        shaker="o.g.o.g.o.g.o.g.",
        rim="..........x...............x.....",
    ),
    "trap roll": groove(
        """
        kick        X......x..x.....X.....x...x..x..
        clap        ....x.......X.......x.......X...
        closed hat  x.x.x.x.x.xxx.x.x.x.xxxxx.x.xxxx
        """,
        "clap, closed hat",
        open_hat="..............x...............x.",
        snare="............X..............gX..g",
    ),
    "garage": groove(
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
    "breakbeat": groove(
        """
        kick        X.x.......x..x..X.x...x...x.....
        snare       ....X..g.g..X..g....X..g.g....X.
        closed hat  x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.
        """,
        "closed hat, kick",
        ride="x...x...x...x...",
    ),
    "four beat": groove(
        """
        kick        X..x....X..x....
        snare       x...x...x...x...
        closed hat  x.o.x.o.x.o.x.o.
        """,
        "kick, closed hat",
        open_hat="..............x.",
    ),
    "tom groove": groove(
        """
        kick        X...x...X...x...
        low tom     o.xo..xoo.xo..xo
        high tom    ............x.o.
        """,
        "kick",
        snare="....x.......x...",
        ride="x...x...x...x...",
    ),
    "taiko": groove(
        """
        big drum    X...x..xX...x.x.
        low tom     oo.oo.oooo.oo.oo
        """,
        "big drum",
        high_tom="....x.......x.xx",
        crash="................",
    ),
    "timpani pulse": groove(
        """
        big drum    x...o...x...o...
        low tom     ....o.......o.oo
        """,
        "big drum",
        snare="..o...o...o...oo",
    ),
    "snare march": groove(
        """
        big drum    x...o...x...o...
        snare       o.ooo.o.o.ooo.oo
        """,
        "big drum, snare",
        low_tom="x.......x.......",
    ),
    "bongo pulse": groove(
        """
        shaker      ogogogogogogogog
        kick        x...o...x...o...
        rim         ..o...o...o..o..
        """,
        "shaker, kick",
        high_tom="......x.......x.",
    ),
}
