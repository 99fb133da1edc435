"""Messages on the wire as plain frozen data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from v2m.errors import UnsupportedError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon.jobs.spec import JobKind
from v2m_daemon.jobs.view import JobError, JobState, JobView
from v2m_daemon.worker.executor import Backbone


@dataclass(frozen=True, kw_only=True)
class ServerInfo:
    """A daemon and what it has."""

    version: str
    api_minor: int
    """Grows with each addition to the wire contract."""

    device: str
    """What computes, such as "cpu" or "NVIDIA H200"; empty: not known yet."""

    free_memory_bytes: int | None
    """On the device; None: not known."""

    total_memory_bytes: int | None
    queued: int
    """Jobs that wait."""

    queue_limit: int
    running: int
    started_ms: int
    """Milliseconds since 1970 UTC."""

    pid: int
    executor: str
    """`local` or `ray://…`."""

    roots: tuple[str, ...]
    """Folders in which files may be read and written; empty: all that the user may."""


def job_view(job: pb.Job) -> JobView:
    """A job as it stands; its outputs are its artifacts by name, such as "wav" or "take/score.mid".

    Raises:
        UnsupportedError: a newer daemon tells of states that are not known here.
    """
    has_error = job.HasField("error")
    return JobView(
        id=job.id,
        kind=JobKind(_name(pb.JobKind, job.kind, "JOB_KIND_")),
        state=JobState(_name(pb.JobState, job.state, "JOB_STATE_")),
        document=job.document,
        out_dir=job.out_dir,
        created_ms=job.create_time.ToMilliseconds(),
        started_ms=job.start_time.ToMilliseconds() if job.HasField("start_time") else None,
        finished_ms=job.finish_time.ToMilliseconds() if job.HasField("finish_time") else None,
        stage=job.stage,
        fraction=job.fraction,
        eta_s=job.eta.ToMilliseconds() / 1000 if job.HasField("eta") else None,
        message=job.message,
        attempts=job.attempts,
        client=job.client,
        priority=job.priority,
        outputs=MappingProxyType({artifact.name: artifact.path for artifact in job.artifacts}),
        result=json.loads(job.result_json) if job.result_json else None,
        error=_error(job.error) if has_error else None,
    )


def _error(error: pb.JobError) -> JobError:
    return JobError(error.code, error.message, error.detail, error.hint)


def _name(enum: Any, number: int, prefix: str) -> str:  # noqa: ANN401 - the wrapper of an enum
    """The value of ours that a number on the wire means."""
    value = enum.DESCRIPTOR.values_by_number.get(number)
    if value is None or number == 0:
        raise UnsupportedError(
            f"The daemon tells of {enum.DESCRIPTOR.name} {number}, which is not known here.",
            hint="Update v2m on this side.",
        )
    return str(value.name).removeprefix(prefix).lower()


def backbone(message: pb.Backbone) -> Backbone:
    """Something that can compose."""
    return Backbone(message.name, message.description, message.is_ready, message.hint)


def server_info(message: pb.GetServerInfoResponse) -> ServerInfo:
    """A daemon and what it has."""
    return ServerInfo(
        version=message.version,
        api_minor=message.api_minor,
        device=message.device,
        free_memory_bytes=message.free_memory_bytes or None,
        total_memory_bytes=message.total_memory_bytes or None,
        queued=message.queued,
        queue_limit=message.queue_limit,
        running=message.running,
        started_ms=message.start_time.ToMilliseconds(),
        pid=message.pid,
        executor=message.executor,
        roots=tuple(message.roots),
    )
