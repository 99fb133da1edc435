"""The parent's hold on one worker process: started, spoken to, and gone when it is told to go.

Conventions: the worker has a session of its own, so Ctrl-C at the daemon's terminal is not for it, and what
it may start dies with it. Everything about it happens in one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from v2m.errors import WorkerLostError
from v2m_daemon.memory import memory
from v2m_daemon.worker.death import LastSigns, oom_kills
from v2m_daemon.worker.pipe import BadFrame, Message, pack, read_message

COMMAND: Final = (sys.executable, "-m", "v2m_daemon.worker.main")

_MOST_WORDS: Final = 8000
"""Characters of stderr that are kept: a traceback and what came before it."""

_GOES_WITHIN_S: Final = 1.0
"""A worker that is let go ends within milliseconds; one that is stuck in a library is killed."""


class WorkerProcess:
    """A worker that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        # it was started with pipes for all three
        self._incoming = cast(asyncio.StreamWriter, process.stdin)
        self._outgoing = cast(asyncio.StreamReader, process.stdout)
        self._errors = cast(asyncio.StreamReader, process.stderr)
        self._oom_kills = oom_kills()
        self._words = ""
        self._beat: Mapping[str, Any] = {}
        self._free_bytes: int | None = None
        self.is_ready = False
        """Whether it has loaded its libraries."""

        self.nonsense = ""
        """What it sent that is no frame: then nothing more is heard from it."""

        self._inbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._readers = [asyncio.create_task(self._read()), asyncio.create_task(self._hear())]

    @classmethod
    async def start(
        cls, command: Sequence[str], *, memory_bytes: int = 0, environment: Mapping[str, str] | None = None
    ) -> WorkerProcess:
        """Start a worker; it says `ready` when it is.

        Args:
            command: the program.
            memory_bytes: bound on its address space; 0 for none.
            environment: added to that of this process.

        Raises:
            WorkerLostError: it cannot be started.
        """
        arguments = ["--parent", str(os.getpid()), "--memory-bytes", str(memory_bytes)]
        try:
            process = await asyncio.create_subprocess_exec(
                *command, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, start_new_session=True,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip
        except OSError as error:
            raise WorkerLostError(f"A worker could not be started: {error.strerror or error}.") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can still be spoken to."""
        return self._process.returncode is None and not self._readers[0].done()

    @property
    def rss_bytes(self) -> int:
        """The memory that it held when it said so last."""
        return int(self._beat.get("rss_bytes") or 0)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Say something; to a worker that has ended, in vain."""
        with contextlib.suppress(OSError):
            self._incoming.write(pack(message))
            await self._incoming.drain()

    async def next(self, within_s: float) -> Message | None:
        """What it says next, beats left out; empty after a nudge, None when it has ended.

        Raises:
            TimeoutError: it says nothing for so long.
        """
        async with asyncio.timeout(within_s):
            message = await self._inbox.get()
        if message is None:
            self._inbox.put_nowait(None)  # it stays so
        elif "ready" in message:
            self.is_ready = True
        return message

    def nudge(self) -> None:
        """Let whoever waits for its next word look up."""
        self._inbox.put_nowait({})

    async def end(self) -> None:
        """Let it go, by force if it does not; nothing of it is left afterwards."""
        self._incoming.close()
        with contextlib.suppress(TimeoutError):
            # not wait_for, which forgets to be cancelled (see `v2m_daemon.jobs.dispatch`)
            async with asyncio.timeout(_GOES_WITHIN_S):
                await self._process.wait()
        await self.kill()

    async def kill(self) -> tuple[int | None, LastSigns]:
        """End it at once; returns its exit code and its last signs."""
        if self._process.returncode is None:
            self._signal_all()
        code = await self._process.wait()
        await asyncio.wait(self._readers, timeout=_GOES_WITHIN_S)  # a child of its own may hold the pipe
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        return code, self._signs()

    def _signal_all(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)  # it leads its session and group

    async def _read(self) -> None:
        try:
            while (message := await read_message(self._outgoing)) is not None:
                if "beat" in message and isinstance(message["beat"], dict):
                    self._note(message["beat"])
                else:
                    self._inbox.put_nowait(message)
        except BadFrame as error:
            self.nonsense = str(error)
        finally:
            self._inbox.put_nowait(None)

    def _note(self, beat: Mapping[str, Any]) -> None:
        self._beat = beat
        room = memory()
        self._free_bytes = room.free_bytes if room else None

    async def _hear(self) -> None:
        while heard := await self._errors.read(4096):
            self._words = (self._words + heard.decode(errors="replace"))[-_MOST_WORDS:]

    def _signs(self) -> LastSigns:
        room = memory()
        return LastSigns(
            rss_bytes=self.rss_bytes,
            free_bytes=self._free_bytes,
            total_bytes=room.total_bytes if room else None,
            oom_kills=self._oom_kills,
            words=self._words.strip(),
        )
