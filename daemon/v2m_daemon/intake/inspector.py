"""Asks a process of its own whether what was dropped can be read, and which media it names.

The process is started for the first question, kept for the next, and ended when nobody asked for a while. A
document that crashes or hangs it costs that process and one answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from v2m.errors import InputError, V2MError, error_from_dict
from v2m_daemon.jobs.spec import Pairs

ANSWERS_WITHIN_S: Final = 30.0
"""The largest document that is accepted takes 2 s; a disk that spins up takes 10."""

IDLE_S: Final = 30.0
"""It holds 80 MB and is started again in half a second."""

LONGEST_ANSWER_BYTES: Final = 64 << 20
"""As much as a document may have, for an answer repeats its paths."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NamedMedia:
    """One file that a timeline shows."""

    target: str
    """As the document writes it."""

    path: str | None
    """Where it lies on this machine; None where it is not to be had, now or ever."""

    comes: bool
    """It is not there yet, but its place is one where it may come."""


@dataclass(frozen=True)
class Inspected:
    """What was found out about a document or video."""

    error: V2MError | None
    """Why it cannot be read, for now at least."""

    media: tuple[NamedMedia, ...] = ()


class Inspector:
    """The process and the one question that it is asked at a time."""

    def __init__(self) -> None:
        """No process yet."""
        self._process: Process | None = None
        self._is_closing = False
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int:
        """The process that was last asked; 0 before the first question."""
        return 0 if self._process is None else self._process.pid

    async def timeline(self, path: str, path_map: Pairs) -> Inspected:
        """Whether a timeline's document parses, and its media."""
        return await self._ask({"timeline": path, "path_map": path_map})

    async def video(self, path: str) -> Inspected:
        """Whether a video or other media file can be opened."""
        return await self._ask({"video": path})

    def close(self) -> None:
        """Tell the process to end."""
        self._is_closing = True
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def closed(self) -> None:
        """End the process and see that it is gone."""
        self.close()
        if self._process is not None:
            await self._process.wait()

    async def _ask(self, question: Mapping[str, Any]) -> Inspected:
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWERS_WITHIN_S):
                    return _inspected(await self._answered(json.dumps(question)))
            except (OSError, ValueError, TimeoutError, EOFError) as error:
                log.warning("the inspection of %s ended: %r", question, error)
                self.close()
                hint = "Export it again from the editor."
                return Inspected(InputError("Reading it takes too long or crashes the reader.", hint=hint))
            except BaseException:
                self.close()  # the answer to this question must not be taken for that to the next
                raise

    async def _answered(self, question: str) -> str:
        process = self._process
        if process is None or self._is_closing or process.returncode is not None:
            await self.closed()
            process = self._process = await _start()
            self._is_closing = False
        if self._idle is not None:
            self._idle.cancel()
        assert process.stdin is not None  # noqa: S101 - we asked for the pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(question.encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError("no answer")
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.close)
        return line.decode()


async def _start() -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "v2m_daemon.intake.inspection",
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=LONGEST_ANSWER_BYTES,
        start_new_session=True,  # Ctrl-C is for us
    )  # fmt: skip


def _inspected(line: str) -> Inspected:
    data = json.loads(line)
    media = tuple(NamedMedia(**each) for each in data["media"])
    return Inspected(error_from_dict(data["error"]) if data["error"] else None, media)
