"""How often and how long a failed call is tried again.

Pauses double and are drawn between half and all of their length, so that clients which a daemon turned away
together do not come back together; they end after the span that somebody is ready to wait.
"""

from __future__ import annotations

import random
import time
from typing import Final

from v2m.errors import BusyError, UnreachableError, V2MError

FIRST_PAUSE_S: Final = 0.1
"""About what a daemon takes to bind its socket."""

LONGEST_PAUSE_S: Final = 0.5
"""To look for a daemon that is away costs nothing; a busy one says itself when to come back."""


class Patience:
    """Pauses between tries; `renew` when a try got somewhere."""

    def __init__(self, span_s: float) -> None:
        """Give up `span_s` after the last success."""
        self._span_s = span_s
        self.renew()

    def renew(self) -> None:
        """Start anew."""
        self._ends_at = time.monotonic() + self._span_s
        self._pause_s = FIRST_PAUSE_S

    def wait_after(self, error: V2MError) -> None:
        """Pause before the next try.

        Raises:
            V2MError: the error itself, where another try would not help or would come too late.
        """
        pause_s = self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - to spread clients, no secret
        if isinstance(error, BusyError):
            pause_s = max(pause_s, error.retry_after_s)
        elif not isinstance(error, UnreachableError):
            raise error
        if time.monotonic() + pause_s > self._ends_at:
            raise error
        time.sleep(pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
