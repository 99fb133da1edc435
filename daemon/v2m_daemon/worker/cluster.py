"""The machines of a Ray cluster and the worker that each of their devices has, as they come and go.

The only module of the daemon that talks to Ray. Ray pickles our own class and plain JSON and bytes among its
processes; nothing that was read from a user's file goes that way unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from v2m import __version__
from v2m.errors import UnreachableError, V2MError, WorkerLostError
from v2m_daemon.config import WorkerSettings
from v2m_daemon.worker.node import Node

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 3.0
"""For machines that came or went."""

ANSWERS_WITHIN_S: Final = 20.0
"""A machine that does not answer a small question for so long is lost; Ray itself waits half a minute."""

STARTS_WITHIN_S: Final = 60.0
"""A process of the cluster that has to load Ray and ourselves."""

ENDS_WITHIN_S: Final = 1.5

_JOINS: Final = 3
"""Attempts to enter a cluster that is there but busy."""


def _listens(address: str) -> bool:
    """Whether something is at the address, so that it is worth another attempt."""
    place = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=ANSWERS_WITHIN_S):
            return True
    except (OSError, ValueError):
        return False


@dataclass(eq=False)
class Member:
    """One worker of the cluster."""

    handle: Any
    """Ray's, of a `Node`."""

    node_id: str
    name: str
    about: dict[str, Any] = field(default_factory=dict)
    """As it answered last; see `Node.about`."""

    job_id: str = ""
    """What it does."""

    async def ask(self, method: str, *arguments: object, within_s: float = ANSWERS_WITHIN_S) -> Any:  # noqa: ANN401
        """What a method of the `Node` answers.

        Raises:
            V2MError: as the method did; WorkerLostError when the machine is gone or says nothing.
        """
        from ray.exceptions import RayError, RayTaskError

        try:
            async with asyncio.timeout(within_s):
                call = getattr(self.handle, method).remote
                future: Future[Any] = (await asyncio.to_thread(call, *arguments)).future()
                answer = asyncio.wrap_future(future)
                # Ray sets the result of a future that nobody waits for any more, too: never cancel it
                answer.add_done_callback(lambda done: done.cancelled() or done.exception())
                return await asyncio.shield(answer)
        except TimeoutError as error:
            raise WorkerLostError(f"{self.name} did not answer for {within_s:g} s.") from error
        except RayTaskError as error:
            if isinstance(error.cause, V2MError):
                raise error.cause from error
            raise WorkerLostError(f"{self.name} failed: {error.cause!r}.", detail=_end(error)) from error
        except (RayError, OSError) as error:
            raise WorkerLostError(f"{self.name} was lost.", detail=_end(error)) from error


class Cluster:
    """The workers, and who of them is free.

    Args:
        settings: of the workers.
        command: the worker's program.
        cores_each: for one worker of a machine without graphics cards.
    """

    def __init__(self, settings: WorkerSettings, command: Sequence[str], cores_each: int) -> None:
        import ray

        self._ray: Any = ray
        self._settings = settings
        self._command = tuple(command)
        self._cores_each = cores_each
        self._changed = asyncio.Condition()
        self._watch: asyncio.Task[None] | None = None
        self.members: list[Member] = []

    async def join(self, address: str) -> None:
        """Become part of a cluster and start a worker on every device of it.

        Raises:
            UnreachableError: nobody answers there.
        """
        try:
            await self._connect(address)
        except (OSError, RuntimeError, ValueError, TimeoutError) as error:
            raise UnreachableError(
                f"No Ray cluster answers at {address}: {str(error).partition(chr(10))[0]}.",
                hint="Start one with `ray start --head`, or check the address.",
                detail=_end(error),
            ) from error
        await self.look()
        self._watch = asyncio.create_task(self._look_again())

    async def _connect(self, address: str) -> None:
        for attempt in range(1, _JOINS + 1):
            try:
                await asyncio.to_thread(self._ray.shutdown)  # what broke off earlier is in the way
                await asyncio.to_thread(
                    self._ray.init, address=address, namespace="v2m", log_to_driver=False,
                    configure_logging=False,
                )  # fmt: skip
            except ConnectionError:  # Ray gives its process for us 30 seconds to come up
                if attempt == _JOINS or not await asyncio.to_thread(_listens, address):
                    raise
                log.warning("The Ray cluster at %s was too busy to let us in; trying again.", address)
            else:
                return

    async def leave(self) -> None:
        """End every worker of ours, and leave the cluster."""
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.gather(*(self._end(member) for member in self.members))
        self.members = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDS_WITHIN_S):
                await asyncio.to_thread(self._ray.shutdown)

    async def take(self, job_id: str, stop: asyncio.Event) -> Member | None:
        """A free worker, for this job; None when the job is to stop before there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: stop.is_set() or self._free())
            member = self._free()
            if stop.is_set() or member is None:
                return None
            member.job_id = job_id
            return member

    async def let_go(self, member: Member, *, is_lost: bool) -> None:
        """The job is over; a worker that may hang or be gone is replaced if its machine lives."""
        if is_lost:
            if member in self.members:
                self.members.remove(member)
            await self._end(member)
        member.job_id = ""
        await self.nudge()

    async def nudge(self) -> None:
        """Let whoever waits for a worker look up."""
        async with self._changed:
            self._changed.notify_all()

    async def look(self) -> None:
        """Start workers where machines came, forget machines that went, ask the others how they are."""
        alive = {node["NodeID"]: node for node in await asyncio.to_thread(self._ray.nodes) if node["Alive"]}
        self.members = [member for member in self.members if member.node_id in alive]
        new = []
        for node_id, node in alive.items():
            have = sum(member.node_id == node_id for member in self.members)
            new += [self._start(node_id, node) for _ in range(have, self._wanted(node["Resources"]))]
        await asyncio.gather(*new, *(self._refresh(member) for member in self.members if not member.job_id))
        await self.nudge()

    def _free(self) -> Member | None:
        return next((member for member in self.members if not member.job_id), None)

    def _wanted(self, resources: dict[str, float]) -> int:
        cards, cores = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
        return cards or (max(1, cores // self._cores_each) if cores else 0)

    async def _start(self, node_id: str, node: dict[str, Any]) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        has_card = node["Resources"].get("GPU", 0) >= 1
        cores = min(self._cores_each, int(node["Resources"].get("CPU", 0)))
        actor = self._ray.remote(Node).options(
            num_gpus=1 if has_card else 0,
            num_cpus=0 if has_card else cores,
            max_restarts=0,
            max_concurrency=16,  # questions are answered while others wait for news
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=node_id, soft=False),
        )
        handle = await asyncio.to_thread(actor.remote, asdict(self._settings), self._command)
        member = Member(handle, node_id, f"{node['NodeManagerHostname']} ({node_id[:6]})")
        if not await self._refresh(member):
            await self._end(member)
        elif member.about["version"] != __version__:
            log.error("%s has v2m %s, expected %s", member.name, member.about["version"], __version__)
            await self._end(member)
        else:
            self.members.append(member)

    async def _refresh(self, member: Member) -> bool:
        try:
            member.about = await member.ask("about", within_s=STARTS_WITHIN_S)
            return True
        except WorkerLostError as error:
            log.warning("no worker on %s: %s", member.name, error.sentence())
            if member in self.members:
                self.members.remove(member)
            return False

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception:
                log.exception("the cluster could not be looked at; looking again")

    async def _end(self, member: Member) -> None:
        with contextlib.suppress(V2MError):
            await member.ask("close", within_s=ENDS_WITHIN_S)
        with contextlib.suppress(Exception):  # it is gone already
            await asyncio.to_thread(self._ray.kill, member.handle)


def _end(error: BaseException) -> str:
    return str(error)[-4000:]
