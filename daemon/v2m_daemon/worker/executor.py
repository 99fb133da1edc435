"""The one interface between the job desk and whatever does the work: a process here, or a cluster.

Conventions: an executor does what it is told and reports; it decides nothing about retries, order or durable
state, which are the desk's. Events of one job come in order and end with exactly one outcome; whatever goes
wrong is an outcome, never an exception.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from v2m.errors import V2MError
from v2m_daemon.jobs.spec import JobSpec


@dataclass(frozen=True)
class Work:
    """One attempt at a job."""

    job_id: str
    spec: JobSpec
    folder: Path
    """The job's own folder, kept between attempts; see `v2m_daemon.jobs.folder`."""

    attempt: int = 1
    """Counts from one."""

    roots: tuple[str, ...] = ()
    """Folders in which files, the media of the document included, may be opened; empty: anywhere."""

    window_scale: float = 1.0
    """What the model takes at once, as a share of its usual window; halved after memory ran out."""

    puts_in_place: bool = True
    """False: only the resumable files are left, for a machine that sees the place to finish the job."""


@dataclass(frozen=True)
class Progress:
    """How far one stage is."""

    stage: str
    """One of `v2m.stages.STAGES`."""

    fraction: float
    """Of this stage, 0 to 1."""

    message: str = ""


@dataclass(frozen=True)
class Done:
    """Outcome: the outputs are in place and on disk, and `result.json` says so."""

    result: Mapping[str, Any]
    """The object that the same command prints with `--json`."""

    outputs: Mapping[str, str]
    """What was made ("take", "wav", "timeline") -> absolute path."""


class Cause(StrEnum):
    """What a failure means for the next attempt."""

    REFUSED = "refused"
    """The job itself is wrong: another attempt would end the same."""

    OUT_OF_MEMORY = "out_of_memory"
    """A smaller window may help."""

    LOST = "lost"
    """The worker died, hung or could not be started: it may have been bad luck."""


@dataclass(frozen=True)
class Failed:
    """Outcome: nothing was put in place."""

    error: V2MError
    cause: Cause = Cause.REFUSED


@dataclass(frozen=True)
class Stopped:
    """Outcome: it was cancelled before its outputs were put in place."""


Event = Progress | Done | Failed | Stopped


@dataclass(frozen=True)
class Backbone:
    """Something that can compose."""

    name: str
    description: str
    is_ready: bool
    hint: str = ""
    """What to do when it is not."""


@dataclass(frozen=True)
class Health:
    """What an executor has to work with."""

    device: str
    """Such as "cpu" or "NVIDIA H200"; empty: not known yet, for nothing has been started."""

    free_bytes: int | None
    """Memory that the next job can have, what a warm model holds included; None: not known."""

    total_bytes: int | None
    backbones: tuple[Backbone, ...] = field(default=())


class Executor(Protocol):
    """Does jobs, several at once if it has the slots."""

    @property
    def slots(self) -> int:
        """How many jobs may run at once, now; may change while it lives, as nodes come and go."""
        ...

    async def open(self) -> None:
        """Make ready; quick: processes and models may wait for the first job.

        Raises:
            V2MError: it can never work, such as a missing library or an address where nobody answers.
        """
        ...

    def run(self, work: Work) -> AsyncIterator[Event]:
        """Do one job; the last event is `Done`, `Failed` or `Stopped`, and there is always one.

        Closing the iterator early (`aclose`) stops the work as `cancel` does. A `cancel` is heard from the
        moment on in which the first event is asked for, so the job is noted before anything is awaited.
        """
        ...

    async def cancel(self, job_id: str) -> None:
        """Stop a job: its `run` ends within 3 s, by force if need be; no harm where it runs no more."""
        ...

    async def health(self) -> Health:
        """Answer within a second, also while it works."""
        ...

    def needed_bytes(self, spec: JobSpec) -> int:
        """A careful guess, from the spec alone, of the memory that the job takes at its peak."""
        ...

    async def close(self) -> None:
        """Stop everything within 3 s, running jobs too; every process that it started is gone afterwards."""
        ...
