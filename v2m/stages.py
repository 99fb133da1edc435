"""The stages of the work by name, and how a stage reports and is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

STAGES: Final = ("read", "analyze", "plan", "compose", "render", "master", "place")
"""In the order in which they run."""

Progress = Callable[[str, float], None]
"""Called with a stage's name and the fraction of it that is done, rising within the stage."""

FractionDone = Callable[[float], None]
"""Called with the fraction of a piece of work that is done, 0 to 1."""

Cancel = Callable[[], None]
"""Called often by whatever takes long; raises `v2m.errors.CancelledError` when the user asked to stop."""


def no_progress(stage: str, fraction: float) -> None:
    """Report nothing."""


def never_cancel() -> None:
    """Go on."""


class StageClock:
    """Wall seconds spent in each stage."""

    def __init__(self, progress: Progress = no_progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[float], None]]:
        """Time the block as a stage; yields a function that reports the fraction done."""
        began = time.perf_counter()
        self._progress(name, 0.0)
        yield lambda fraction: self._progress(name, fraction)
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 3)
        self._progress(name, 1.0)

    def divide(self, spent: Mapping[str, float]) -> None:
        """Count the seconds of some stages anew: they ran side by side, and cost each so much."""
        taken_s, whole = sum(self.seconds.get(stage, 0.0) for stage in spent), sum(spent.values())
        for stage, cost in spent.items():
            self._progress(stage, 1.0)
            self.seconds[stage] = round(taken_s * cost / whole, 3) if whole else 0.0
