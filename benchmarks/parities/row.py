"""One line of the table of `benchmarks/parity.py`."""

from __future__ import annotations

from dataclasses import dataclass


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
