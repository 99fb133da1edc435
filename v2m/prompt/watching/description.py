"""What came of watching a programme, step by step: data that a user can read, edit and give back.

A step that is None was not done, or was thrown away by the user, and is done when it is needed; a step that
is there stands, whoever wrote it. So who corrects the summary and sets `prompt` to null gets a new prompt.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from v2m.errors import InputError, OutputWriteError

_LONGEST_FILE_BYTES: Final = 10_000_000
"""Two hours of speech are some hundred kilobytes."""

_STEPS: Final = ("transcript", "captions", "summary", "prompt")


@dataclass(frozen=True)
class Caption:
    """What is seen at one moment."""

    time_s: float
    text: str


@dataclass(frozen=True)
class Description:
    """The steps, in their order."""

    transcript: str | None = None
    """What is said; empty where nothing is."""

    captions: tuple[Caption, ...] | None = None
    """In order of time."""

    summary: str | None = None
    prompt: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    """Step -> name of the model that did it; a step that is not named was written by the user."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The steps that are still to be done, in order."""
        return tuple(step for step in _STEPS if getattr(self, step) is None)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        captions = self.captions
        return {
            "transcript": self.transcript,
            "captions": None if captions is None else [vars(caption) for caption in captions],
            "summary": self.summary,
            "prompt": self.prompt,
            "models": dict(self.models),
        }


def description_from_dict(told: Any) -> Description:  # noqa: ANN401 - JSON, checked here
    """The description in some JSON.

    Raises:
        InputError: unknown keys, or values of another kind.
    """
    if not isinstance(told, dict) or not set(told) <= {*_STEPS, "models"}:
        seen = sorted(set(told) - {*_STEPS, "models"}) if isinstance(told, dict) else told
        raise InputError(f"A description has {seen!r}, expected an object with {', '.join(_STEPS)}, models.")
    texts = {step: _text(step, told.get(step)) for step in ("transcript", "summary", "prompt")}
    models = told.get("models") or {}
    if not isinstance(models, dict) or not all(isinstance(name, str) for name in models.values()):
        raise InputError(f"The description's models are {models!r}, expected a name for each step.")
    return Description(captions=_captions(told.get("captions")), models=models, **texts)


def _text(step: str, value: Any) -> str | None:  # noqa: ANN401 - JSON
    if value is not None and not isinstance(value, str):
        raise InputError(f"The description's {step} is {value!r}, expected text or null.")
    return value


def _captions(value: Any) -> tuple[Caption, ...] | None:  # noqa: ANN401 - JSON
    if value is None:
        return None
    try:
        rows = [Caption(float(row["time_s"]), row["text"]) for row in value]
    except (TypeError, KeyError, ValueError) as error:
        raise InputError("The description's captions are no list of {time_s, text}.") from error
    if not all(isinstance(row.text, str) for row in rows):
        raise InputError("The text of a caption in the description is no text.")
    return tuple(sorted(rows, key=lambda row: row.time_s))


def read_description(path: Path) -> Description:
    """A description in a file.

    Raises:
        InputError: it cannot be read, or is none.
    """
    try:
        if path.stat().st_size > _LONGEST_FILE_BYTES:
            raise ValueError("it is too long")
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} holds no description: {error}.", hint="Delete it, and run again."
        ) from error
    return description_from_dict(told)


def write_description(path: Path, description: Description) -> None:
    """Write a description to a file, whole or not at all.

    Raises:
        OutputWriteError: the folder or the disk does not take it.
    """
    text = json.dumps(description.as_dict(), ensure_ascii=False, indent=2) + "\n"
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".v2m-", suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(draft, 0o644)  # it is the user's to open anywhere, as any text
        os.replace(draft, path)
    except OSError as error:
        raise OutputWriteError(f"{path} could not be written: {error.strerror or error}.") from error
