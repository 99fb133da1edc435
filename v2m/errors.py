"""Everything that can go wrong, as one tree, with the exit code and the short code a client sees.

    V2MError                      4  internal
    ├── UsageError                2  usage               a flag or argument makes no sense
    ├── InputError                3  bad_input           what was given cannot be used
    │   ├── DocumentError         3  bad_document        a timeline document: broken, hostile, empty
    │   ├── MediaError            3  bad_media           a media file: missing, broken, not allowed
    │   └── CheckpointError       3  bad_checkpoint      a weights file: wrong format, keys, hash
    ├── UnfinishedError           4  unfinished          the work was sound but could not be done
    │   ├── OutputExistsError     4  output_exists       a file would have been overwritten
    │   ├── OutputWriteError      4  output_write        disk full, folder not writable
    │   └── MissingPartError      4  missing_part        a library, SoundFont or weights are not there
    └── CancelledError          130  cancelled           the user asked to stop

A message says what was seen and what was expected; `hint` says what to do next; `detail` is for a log.
A foreign library's errors are mapped to this tree in the one module that owns the library.
"""

from __future__ import annotations

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
        return (_rebuild, (type(self), self.message, self.hint, self.detail))

    def as_dict(self) -> dict[str, str]:
        """The error as `--json` prints it: code, message, detail, hint."""
        return {"code": self.code, "message": self.message, "detail": self.detail, "hint": self.hint}

    def sentence(self) -> str:
        """Message and hint as one line for stderr."""
        return f"{self.message} {self.hint}".strip()


def _rebuild(kind: type[V2MError], message: str, hint: str, detail: str) -> V2MError:
    return kind(message, hint=hint, detail=detail)


class UsageError(V2MError):
    """A flag or argument makes no sense."""

    code = "usage"
    exit_code = 2


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


class CancelledError(V2MError):
    """The user asked to stop."""

    code = "cancelled"
    exit_code = 130
