import threading

import pytest

from v2m.beside import Beside
from v2m.errors import CancelledError
from v2m.stages import Cancel, never_cancel


def test_work_runs_while_the_caller_goes_on() -> None:
    going_on = threading.Event()
    with Beside[bool](never_cancel) as beside:
        assert beside.collect() == []
        beside.start(lambda cancel: going_on.wait(60))
        going_on.set()
        assert beside.collect() == [True]
        assert beside.collect() == []


def test_an_error_of_the_work_is_the_callers() -> None:
    def fail(cancel: Cancel) -> None:
        raise ValueError("no")

    with Beside[None](never_cancel) as beside:
        beside.start(fail)
        with pytest.raises(ValueError, match="no"):
            beside.collect()


def test_the_work_hears_that_the_user_cancelled() -> None:
    def asked() -> None:
        raise CancelledError("asked")

    with Beside[None](asked) as beside:
        beside.start(lambda cancel: cancel())
        with pytest.raises(CancelledError, match="asked"):
            beside.collect()


def test_an_error_of_the_caller_stops_the_work() -> None:
    started, seen = threading.Event(), []

    def work(cancel: Cancel) -> None:
        started.set()
        try:
            while True:
                cancel()
        except CancelledError:
            seen.append("stopped")
            raise

    with pytest.raises(KeyboardInterrupt), Beside[None](never_cancel) as beside:  # noqa: PT012
        beside.start(work)
        assert started.wait(60)
        raise KeyboardInterrupt
    assert seen == ["stopped"]
