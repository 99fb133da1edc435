"""Pieces side by side end as they would one after the other, or all of them stop."""

import sys
import threading

import pytest

from v2m.errors import CancelledError
from v2m.side_by_side import side_by_side, thread_count
from v2m.stages import Cancel, FractionDone, never_cancel


def ignore(fraction: float) -> None:
    pass


def test_several_run_at_once_and_come_back_in_their_order() -> None:
    together = threading.Barrier(3)

    def work(index: int, report: FractionDone, cancel: Cancel) -> tuple[int, int]:
        together.wait(60)  # none gets on before all three are there
        return index, threading.get_ident()

    done = side_by_side(work, 3, threads=3, on_progress=ignore, cancel=never_cancel)
    assert [index for index, _ in done] == [0, 1, 2]
    assert len({thread for _, thread in done}) == 3


@pytest.mark.parametrize(("count", "threads"), [(3, 1), (1, 8)])
def test_one_at_a_time_runs_on_the_callers_thread(count: int, threads: int) -> None:
    def work(index: int, report: FractionDone, cancel: Cancel) -> int:
        return threading.get_ident()

    done = side_by_side(work, count, threads=threads, on_progress=ignore, cancel=never_cancel)
    assert done == [threading.get_ident()] * count


@pytest.mark.parametrize("threads", [1, 4])
def test_progress_is_that_of_all_and_rises(threads: int) -> None:
    told: list[float] = []

    def work(index: int, report: FractionDone, cancel: Cancel) -> None:
        for step in (*range(1, 10), 5, 10):  # one that begins a part anew does not set the whole back
            report(step / 10)

    side_by_side(work, 4, threads=threads, on_progress=told.append, cancel=never_cancel)
    assert told == sorted(told)
    assert len(told) == 44
    assert told[-1] == pytest.approx(1.0)


def test_an_error_of_one_stops_the_others_and_is_the_callers() -> None:
    stopped: list[int] = []
    started = threading.Barrier(2)

    def work(index: int, report: FractionDone, cancel: Cancel) -> None:
        started.wait(60)
        if index == 1:
            raise ValueError("no")
        try:
            while True:
                cancel()
        except CancelledError:
            stopped.append(index)
            raise

    with pytest.raises(ValueError, match="no"):
        side_by_side(work, 2, threads=2, on_progress=ignore, cancel=never_cancel)
    assert stopped == [0]


@pytest.mark.parametrize("threads", [1, 2])
def test_who_cancels_is_heard(threads: int) -> None:
    def asked() -> None:
        raise CancelledError("asked")

    def work(index: int, report: FractionDone, cancel: Cancel) -> None:
        while True:
            report(0.5)

    with pytest.raises(CancelledError, match="asked"):
        side_by_side(work, 2, threads=threads, on_progress=ignore, cancel=asked)


def test_threads_take_turns_as_before_when_it_has_ended() -> None:
    before_s = sys.getswitchinterval()
    during_s: list[float] = []

    def work(index: int, report: FractionDone, cancel: Cancel) -> None:
        during_s.append(sys.getswitchinterval())

    side_by_side(work, 2, threads=2, on_progress=ignore, cancel=never_cancel)
    assert max(during_s) < before_s
    assert sys.getswitchinterval() == before_s


def test_there_is_a_thread_and_there_are_not_too_many() -> None:
    assert 1 <= thread_count() <= 4
