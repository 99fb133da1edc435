"""How a job stands: plain data that clients, job directories and the command line are shown.

Conventions: moments are whole milliseconds since 1970 UTC; fractions are of the whole job and never fall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from v2m.errors import FieldError, V2MError, error_from_dict
from v2m_daemon.jobs.spec import JobKind, read_object


class JobState(StrEnum):
    """Where a job is on its way."""

    QUEUED = "queued"
    WAITING_MEDIA = "waiting_media"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether it stays so for ever."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class JobError:
    """Why a job failed, in the words of `v2m.errors`."""

    code: str
    message: str
    detail: str = ""
    hint: str = ""

    @classmethod
    def of(cls, error: V2MError) -> Self:
        """The plain form of an error."""
        return cls(**error.as_dict())

    def as_error(self) -> V2MError:
        """The error again, to raise it or for its exit code."""
        return error_from_dict(asdict(self))


@dataclass(frozen=True, kw_only=True)
class JobView:
    """One job at one moment."""

    id: str
    kind: JobKind
    state: JobState
    document: str
    out_dir: str
    """The folder in which its results are put."""

    created_ms: int
    started_ms: int | None = None
    """When it was last taken up."""

    finished_ms: int | None = None
    stage: str = ""
    """One of `v2m.stages.STAGES`, or empty before the first."""

    fraction: float = 0.0
    eta_s: float | None = None
    """Seconds that it will still take, while that can be guessed."""

    message: str = ""
    """For a person: what it does or waits for."""

    attempts: int = 0
    client: str = ""
    priority: int = 0
    outputs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Of a done job: what was made ("take", "wav", "timeline") -> absolute path."""

    result: Mapping[str, Any] | None = None
    """Of a done job: the object that the same command prints with `--json`. Left out of listings."""

    error: JobError | None = None
    """Of a failed job."""

    def to_json(self) -> dict[str, Any]:
        """Every field, as JSON can say it."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {
            "outputs": dict(self.outputs),
            "result": None if self.result is None else dict(self.result),
            "error": None if self.error is None else asdict(self.error),
        }

    @classmethod
    def from_json(cls, data: object) -> JobView:
        """The view that `to_json` wrote.

        Raises:
            FieldError: it is no object, or a key is unknown or missing.
        """
        values = read_object(data, cls, "job view")
        if values.get("error") is not None:
            values["error"] = JobError(**read_object(values["error"], JobError, "job error"))
        try:
            values |= {"kind": JobKind(values["kind"]), "state": JobState(values["state"])}
        except ValueError as error:
            raise FieldError(f"{error}.".capitalize(), detail="state") from error
        return cls(**values)
