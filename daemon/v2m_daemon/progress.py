"""How far the work is, on stderr: a bar on a terminal, one quiet line a stage in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from v2m.stages import Progress

STAGE_WORDS = {
    "read": "Reading the timeline",
    "analyze": "Looking at the picture",
    "plan": "Planning the beats",
    "compose": "Composing",
    "render": "Playing the parts",
    "master": "Mastering",
    "place": "Placing the music",
}


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[Progress]:
    """A callable `(stage, fraction)` that shows how far the work is.

    Args:
        quiet: show nothing.
    """
    if quiet or sys.stderr is None:
        yield lambda stage, fraction: None
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _Lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def report(stage: str, fraction: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(STAGE_WORDS.get(stage, stage), total=1.0)
            bars.update(tasks[stage], completed=fraction)

        yield report


class _Lines:
    """One line when a stage begins and one more when it has taken long."""

    REPEAT_S = 10.0

    def __init__(self) -> None:
        self._stage = ""
        self._said_at = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.monotonic()
        if stage != self._stage:
            print(f"{STAGE_WORDS.get(stage, stage)} ...", file=sys.stderr)
            self._stage, self._said_at = stage, now
        elif now - self._said_at > self.REPEAT_S:
            print(f"{STAGE_WORDS.get(stage, stage)} ... {fraction:.0%}", file=sys.stderr)
            self._said_at = now
