"""Work on many pieces in several processes, with its progress told.

Conventions: results come in the order of the work; one worker is this very process.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")


def each(what: str, work: Callable[[_Work], _Result], jobs: Sequence[_Work], workers: int) -> list[_Result]:
    """Do all jobs.

    Args:
        what: is done, for who watches: `examined`.
        work: importable by name, as it goes to other processes.
        jobs: picklable by the standard means of `multiprocessing`.
        workers: processes.
    """
    with _results(work, jobs, workers) as results:
        return list(_told(what, results, len(jobs)))


@contextmanager
def _results(
    work: Callable[[_Work], _Result], jobs: Sequence[_Work], workers: int
) -> Iterator[Iterable[_Result]]:
    if workers <= 1 or len(jobs) <= 1:
        yield map(work, jobs)
        return
    # spawned rather than forked: a fork would copy the threads' locks of torch and FFmpeg
    with multiprocessing.get_context("spawn").Pool(min(workers, len(jobs))) as pool:
        yield pool.imap(work, jobs)


def _told(what: str, results: Iterable[_Result], total: int) -> Iterator[_Result]:
    began = told = time.monotonic()
    for done, result in enumerate(results, 1):
        yield result
        now = time.monotonic()
        if now - told >= 1 or done == total:
            left_s = (now - began) / done * (total - done)
            print(f"{what} {done} of {total}, {left_s:.0f} s left", file=sys.stderr, flush=True)
            told = now
