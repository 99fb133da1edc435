"""One line of the table of `benchmarks/parity.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from torch import Tensor

BAR: Final = 1e-6

AS_EXACT: Final = 2.0
"""Times the official code's own rounding: what rounds in another order is as far from it as it is itself from
the exact numbers, in any direction."""


@dataclass(frozen=True)
class Row:
    """How far one module of ours is from the official code on the same random weights and input."""

    module: str
    official: str
    """Repository and file that it was compared with."""

    worst: float
    """Largest absolute difference of any output."""

    scale: float
    """Largest absolute output of the official code, beside which `worst` is to be read."""

    bar: float
    note: str = ""


def row_as_used(
    module: str, official: str, ours: Tensor, theirs: Tensor, exact: Tensor, note: str = ""
) -> Row:
    """A row of what composes on a CPU, whose packed layers round in another order than the official ones.

    Args:
        module: what it is.
        official: repository and file.
        ours: as used, in float32.
        theirs: of the official code, in float32.
        exact: of the official code, in float64.
        note: what else to say.
    """
    own = float((theirs.double() - exact.double()).abs().max())
    worst, scale = float((ours - theirs).abs().max()), float(theirs.abs().max())
    told = f"{note}, " if note else ""
    bar = max(BAR, AS_EXACT * own)
    return Row(f"{module}, as used", official, worst, scale, bar, f"{told}its own rounding {own:.1e}")
