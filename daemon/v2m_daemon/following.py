"""How far a job of a daemon is, on stderr: a bar on a terminal, one quiet line a stage in a pipe.

Views are asked for in a thread of their own. Python raises KeyboardInterrupt in the main thread wherever that
is just then; where that was in a library's compiled code, or in a callback whose errors go nowhere, a Ctrl-C
was lost now and then. Here it waits in a queue, and nowhere else.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from v2m_daemon.jobs.view import JobState, JobView
from v2m_daemon.progress import STAGE_WORDS

Show = Callable[[JobView], None]

REPEAT_S = 10.0
"""A stage that takes long is told again in a pipe."""

LOOK_UP_S = 0.1
"""A signal that another thread was given is seen by the main thread only when it wakes."""


def follow(views: Iterable[JobView], *, quiet: bool = False) -> JobView:
    """Show views of a job as they come; returns the last.

    Args:
        views: at least one.
        quiet: show nothing.
    """
    with _shown(quiet=quiet) as show:
        for view in _apart(views):
            show(view)
    return view


def _apart(views: Iterable[JobView]) -> Iterator[JobView]:
    """The views, and what they raise; whoever stops listening leaves the thread to end with its call."""
    told: queue.SimpleQueue[JobView | Exception | None] = queue.SimpleQueue()
    is_left = threading.Event()

    def ask() -> None:
        try:
            for view in views:
                told.put(view)
                if is_left.is_set():
                    return
            told.put(None)
        except Exception as error:
            told.put(error)

    threading.Thread(target=ask, name="v2m-follow", daemon=True).start()
    try:
        while (view := _next(told)) is not None:
            yield view
    finally:
        is_left.set()


def _next(told: queue.SimpleQueue[JobView | Exception | None]) -> JobView | None:
    while True:
        try:
            item = told.get(timeout=LOOK_UP_S)
        except queue.Empty:
            continue
        if isinstance(item, Exception):
            raise item
        return item


@contextmanager
def _shown(*, quiet: bool) -> Iterator[Show]:
    if quiet or sys.stderr is None:
        yield lambda view: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _Lines()


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description:<24}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[eta]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=1.0, eta="")

        def show(view: JobView) -> None:
            eta = "" if view.eta_s is None or view.state.is_final else f"{view.eta_s:.0f} s left"
            bars.update(task, completed=view.fraction, description=_words(view), eta=eta)

        yield show


class _Lines:
    def __init__(self) -> None:
        self._said, self._said_at = "", 0.0

    def __call__(self, view: JobView) -> None:
        words, now = _words(view), time.monotonic()
        if view.state.is_final or (words == self._said and now - self._said_at <= REPEAT_S):
            return
        share = f" {view.fraction:.0%}" if words == self._said and view.fraction > 0 else ""
        print(f"{words} ...{share}", file=sys.stderr)
        self._said, self._said_at = words, now


def _words(view: JobView) -> str:
    match view.state:
        case JobState.QUEUED:
            return "Waiting for its turn"
        case JobState.WAITING_MEDIA:
            return view.message or "Waiting for media"
    return STAGE_WORDS.get(view.stage, view.stage or "Starting")
