"""The grooves of 3/4 and 6/8, in the notation of `groove`: waltzes, and beats of three eighths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from v2m_training.compose.groove import Groove, groove

TRIPLE_GROOVES: Final[Mapping[str, Groove]] = {
    # --- 3/4
    "waltz": groove(
        """
        kick        X...........
        snare       ....o...o...
        closed hat  o...x...x...
        """,
        "closed hat",
        ride="x...x...x...",
    ),
    "jazz waltz": groove(
        """
        ride        x...x.o.x...
        closed hat  ....x.......
        kick        g.....?.....
        """,
        "closed hat, ride",
        rim="......x.....",
    ),
    "lazy three": groove(
        """
        kick        X.....o.....
        rim         ........x...
        closed hat  x.o.x.o.x.o.
        """,
        "closed hat",
        shaker="..g...g...g.",
    ),
    "pulse three": groove(
        """
        big drum    x.....o.....
        low tom     ....o...o...
        """,
        "low tom",
        shaker="oogooogooogo",
    ),
    "rock in three": groove(
        """
        kick        X.....x.....
        snare       ....x...x...
        closed hat  x.o.x.o.x.o.
        """,
        "kick, closed hat",
        open_hat="..........x.",
        ride="x...x...x...",
    ),
    "drums in three": groove(
        """
        big drum    X...o...o...
        low tom     ..o...o...oo
        """,
        "big drum",
        snare="....x...x...",
    ),
    # --- 6/8, in eighths
    "six": groove(
        """
        kick        X....x
        snare       ...X..
        closed hat  xoxxox
        """,
        "kick, closed hat",
        ride="x..x..",
        open_hat=".....x",
    ),
    "slow six": groove(
        """
        kick        X.....X..x..
        rim         ...x.....x.?
        closed hat  xooxooxooxoo
        """,
        "kick, closed hat",
        snare="...X.....X.g",
    ),
    "shuffle in six": groove(
        """
        kick        X..x.x
        snare       ...x..
        ride        x.xx.x
        """,
        "kick, ride",
        closed_hat="...x..",
    ),
    "folk in six": groove(
        """
        kick        x..x..
        shaker      xogxog
        """,
        "kick, shaker",
        rim="...x..",
        snare="..g..g",
    ),
    "drums in six": groove(
        """
        big drum    X..o..X..oxx
        low tom     ..o.oo..o.oo
        """,
        "big drum",
        high_tom="...x.....x..",
        snare="..o..o..o.oo",
    ),
    "march in six": groove(
        """
        big drum    x..x..
        snare       o.oo.o
        """,
        "big drum, snare",
        low_tom="x..o..",
    ),
}
