"""One job under way: a thread waits for the daemon, Blender's main thread asks how it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .daemon import Cancelled, Json, Tell
from .refused import Refused

Work = Callable[[Tell, threading.Event], Json]


class Errand:
    """A job under way. Nothing of Blender's is touched in its thread."""

    def __init__(self, work: Work) -> None:
        """Begin."""
        self._stopped = threading.Event()
        self._told: tuple[str, float] = ("", 0.0)
        self._result: Json | None = None
        self._error: Exception | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name="v2m", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work(self._tell, self._stopped)
        except Exception as error:  # told to the user by whoever takes the result
            self._error = error

    def _tell(self, stage: str, fraction: float) -> None:
        self._told = (stage, max(fraction, self._told[1]))

    @property
    def is_over(self) -> bool:
        """Whether `result` answers at once."""
        return not self._thread.is_alive()

    @property
    def progress(self) -> tuple[str, float]:
        """The stage and the fraction that is done, which never falls."""
        return self._told

    def stop(self) -> None:
        """Ask it to stop; it is over once the daemon heard of it."""
        self._stopped.set()

    def result(self) -> Json:
        """What came, waited for.

        Raises:
            Refused: it could not be done.
            Cancelled: it was stopped.
        """
        self._thread.join()
        if self._error is None:
            return dict(self._result or {})
        if isinstance(self._error, Refused | Cancelled):
            raise self._error
        raise Refused(f"{type(self._error).__name__}: {self._error}") from self._error
