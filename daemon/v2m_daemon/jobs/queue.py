"""Who is next: the more urgent first, then the client that was served longest ago, then who came first.

A client is whoever calls itself by one name. One that sends a hundred jobs at once waits its turn like one
that sends a single job: it gets every other slot, not the next hundred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """One job in the queue."""

    job_id: str
    client: str
    priority: int
    """Higher goes first."""

    seq: int
    """Lower came first."""


class FairQueue:
    """The jobs that wait, in memory; the store knows them too."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._clients: Counter[str] = Counter()
        """Jobs that wait of each client."""

        self._served: dict[str, int] = {}
        """Client -> number of the serving in which it last came; only of clients that wait."""

        self._servings = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._waiting

    def put(self, waiting: Waiting) -> None:
        """Let a job wait; one that waits already stays where it is."""
        if waiting.job_id not in self._waiting:
            self._waiting[waiting.job_id] = waiting
            self._clients[waiting.client] += 1

    def remove(self, job_id: str) -> None:
        """Forget a job that will not be served; no harm where it does not wait."""
        waiting = self._waiting.pop(job_id, None)
        if waiting is None:
            return
        self._clients[waiting.client] -= 1
        if not self._clients[waiting.client]:
            # whoever comes back later is as good as new, and names do not pile up
            del self._clients[waiting.client]
            self._served.pop(waiting.client, None)

    def first(self) -> Waiting | None:
        """Who is next; None where nobody waits."""
        return min(self._waiting.values(), key=self._rank, default=None)

    def serve(self, job_id: str) -> None:
        """Take a job out because its turn has come."""
        waiting = self._waiting[job_id]
        self._servings += 1
        self._served[waiting.client] = self._servings
        self.remove(job_id)

    def __iter__(self) -> Iterator[Waiting]:
        """All that wait, as they came."""
        return iter(self._waiting.values())

    def _rank(self, waiting: Waiting) -> tuple[int, int, int]:
        return (-waiting.priority, self._served.get(waiting.client, 0), waiting.seq)
