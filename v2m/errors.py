"""Everything that can go wrong, as one tree, with the exit code and the short code a client sees.

    V2MError                      4  internal
    ├── UsageError                2  usage               a flag or argument makes no sense
    │   ├── FieldError            2  bad_field           a field of a request; `detail` is its name
    │   └── ConflictError         2  conflict            it contradicts what was asked or stored before
    ├── InputError                3  bad_input           what was given cannot be used
    │   ├── DocumentError         3  bad_document        a timeline document: broken, hostile, empty
    │   ├── MediaError            3  bad_media           a media file: missing, broken, not allowed
    │   ├── CheckpointError       3  bad_checkpoint      a weights file: wrong format, keys, hash
    │   ├── UnknownJobError       3  unknown_job         no job, or no file of a job, has this name
    │   └── PathRefusedError      3  path_refused        outside the folders that may be touched
    ├── UnfinishedError           4  unfinished          the work was sound but could not be done
    │   ├── OutputExistsError     4  output_exists       a file would have been overwritten
    │   ├── OutputWriteError      4  output_write        disk full, folder not writable
    │   ├── MissingPartError      4  missing_part        a library, SoundFont or weights are not there
    │   ├── OutOfMemoryError      4  out_of_memory       the work needs more memory than there is
    │   ├── WorkerLostError       4  worker_lost         the process that did the work died or hung
    │   ├── BusyError             4  busy                the queue is full: come back later
    │   ├── UnreachableError      4  unreachable         no daemon answers, or it is shutting down
    │   ├── AlreadyRunningError   4  already_running     another daemon has this state folder
    │   ├── UnauthenticatedError  4  unauthenticated     the token is missing or wrong
    │   ├── UnsupportedError      4  unsupported         this version cannot do that
    │   └── DataLossError         4  data_loss           bytes did not arrive as they were sent
    └── CancelledError          130  cancelled           the user asked to stop

A message says what was seen and what was expected; `hint` says what to do next; `detail` is for a log.
A foreign library's errors are mapped to this tree in the one module that owns the library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar


class V2MError(Exception):
    """The root: `str(error)` is one sentence for a person; see `as_dict` for the JSON form."""

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        """Keep hint and detail across process borders."""
        return (_rebuild, (type(self), self.message, self.hint, self.detail), vars(self).copy())

    def as_dict(self) -> dict[str, str]:
        """The error as `--json` prints it: code, message, detail, hint."""
        return {"code": self.code, "message": self.message, "detail": self.detail, "hint": self.hint}

    def sentence(self) -> str:
        """Message and hint as one line for stderr."""
        return f"{self.message} {self.hint}".strip()


def error_from_dict(data: Mapping[str, str]) -> V2MError:
    """The error that `as_dict` described, in whatever process; of an unknown code the root."""
    kinds = {kind.code: kind for kind in error_kinds()}
    kind = kinds.get(data.get("code", ""), V2MError)
    return kind(
        data.get("message", "Something went wrong."),
        hint=data.get("hint", ""),
        detail=data.get("detail", ""),
    )


def error_kinds(kind: type[V2MError] = V2MError) -> Iterator[type[V2MError]]:
    """Every class of the tree, from its root, in the order in which it is drawn."""
    yield kind
    for child in kind.__subclasses__():
        yield from error_kinds(child)


def _rebuild(kind: type[V2MError], message: str, hint: str, detail: str) -> V2MError:
    return kind(message, hint=hint, detail=detail)


class UsageError(V2MError):
    """A flag or argument makes no sense."""

    code = "usage"
    exit_code = 2


class FieldError(UsageError):
    """A field of a request makes no sense; `detail` is the field's name."""

    code = "bad_field"


class ConflictError(UsageError):
    """A request contradicts what was asked or stored before under the same name."""

    code = "conflict"


class InputError(V2MError):
    """What was given cannot be used."""

    code = "bad_input"
    exit_code = 3


class DocumentError(InputError):
    """A timeline document is broken, hostile, empty or of a newer schema."""

    code = "bad_document"


class MediaError(InputError):
    """A media file is missing, broken, of a kind that is not opened, or holds no picture."""

    code = "bad_media"


class CheckpointError(InputError):
    """A weights file has the wrong format, keys, shapes or hash."""

    code = "bad_checkpoint"


class UnknownJobError(InputError):
    """No job has this id, or the job made no file of this name."""

    code = "unknown_job"


class PathRefusedError(InputError):
    """A path leads outside the folders that may be touched, or to no regular file."""

    code = "path_refused"


class UnfinishedError(V2MError):
    """The work was sound but could not be done here and now."""

    code = "unfinished"


class OutputExistsError(UnfinishedError):
    """A file of the user's would have been overwritten."""

    code = "output_exists"


class OutputWriteError(UnfinishedError):
    """An output could not be written: disk full, folder not writable."""

    code = "output_write"


class MissingPartError(UnfinishedError):
    """A library, SoundFont or weights file that this needs is not installed."""

    code = "missing_part"


class OutOfMemoryError(UnfinishedError):
    """The work needs more memory than the machine or its device has."""

    code = "out_of_memory"


class WorkerLostError(UnfinishedError):
    """The process that did the work died or no longer answered."""

    code = "worker_lost"


class BusyError(UnfinishedError):
    """The queue is full."""

    code = "busy"
    retry_after_s: float = 1.0
    """When to come back; set by whoever raises it."""


class UnreachableError(UnfinishedError):
    """No daemon answers, or it is shutting down."""

    code = "unreachable"


class AlreadyRunningError(UnfinishedError):
    """Another daemon has this state folder."""

    code = "already_running"


class UnauthenticatedError(UnfinishedError):
    """The token is missing or wrong."""

    code = "unauthenticated"


class UnsupportedError(UnfinishedError):
    """This version of the daemon cannot do what was asked."""

    code = "unsupported"


class DataLossError(UnfinishedError):
    """Bytes did not arrive as they were sent."""

    code = "data_loss"


class CancelledError(V2MError):
    """The user asked to stop."""

    code = "cancelled"
    exit_code = 130
