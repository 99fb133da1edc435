"""What a job is asked for: plain data that means the same on the wire, on disk and in the worker.

Conventions: paths are absolute, in the way of the daemon's system, which may be another than its client's;
times are text as on the command line (`12.5`, `300f`, a timecode). A spec is checked by itself, never against
the document: that is the worker's part. JSON holds only what is not at its default; an unknown key is an
error.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final

from v2m.errors import FieldError, UsageError
from v2m.part_names import parts_of
from v2m_daemon.ranges import split_range


class JobKind(StrEnum):
    """What is done."""

    SCORE = "score"
    ANALYZE = "analyze"
    RETIME = "retime"
    RESTYLE = "restyle"


Pairs = tuple[tuple[str, str], ...]

NUMBERS: Final[Mapping[str, tuple[float, float]]] = {
    "priority": (-10, 10),
    "takes": (1, 16),
    "seed": (0, 2**53),
    "steps": (1, 1000),
    "adherence": (0.0, 1.0),
    "lora_strength": (0.0, 2.0),
    "tempo_bpm": (60.0, 180.0),
    "tempo_freedom": (0.0, 1.0),
    "loudness_lufs": (-40.0, -6.0),
    "max_bend": (0.0, 25.0),
}
"""Least and greatest value of each number, both included, as on the command line."""

LONGEST_TEXT: Final = 10_000
"""Characters of a prompt or path: the longest path that a system opens has 4096."""

LONGEST_NAME: Final = 128
"""Characters of a request id, client, backbone and the like."""

MOST_PAIRS: Final = 10_000
"""Nudges or path mappings: a feature film has about 2,000 cuts."""

MOST_INTENSITY: Final = 5
"""Standard deviations of the event curve: nothing in a picture stands out so far."""

_PATHS: Final = ("document", "out_dir", "picture", "soundfont", "adapter", "timeline")
_NAMES: Final = (
    "client", "request_id", "to", "encoder", "backbone", "in_point", "out_point", "frame_rate",
    "lock", "only", "mute", "solo", "range",
)  # fmt: skip
_ALWAYS: Final = (
    "kind",
    "document",
    "out_dir",
    "in_place",
    "overwrite",
    "to",
    "client",
    "priority",
    "request_id",
)
_READING: Final = (
    "picture", "encoder", "in_point", "out_point", "path_map", "frame_rate", "tempo_bpm", "tempo_freedom",
)  # fmt: skip
_PARTS: Final = ("lock", "only", "mute", "solo")
_PAIRS: Final = ("path_map", "nudges", "intensity")
_FIELDS: Final[Mapping[JobKind, tuple[str, ...]]] = {
    JobKind.SCORE: (
        *_READING, "prompt", "backbone", "takes", "seed", "adherence", "steps", "loudness_lufs", "soundfont",
        "adapter", "lora_strength",
    ),
    JobKind.ANALYZE: _READING,
    JobKind.RETIME: ("timeline", "nudges", "max_bend"),
    JobKind.RESTYLE: ("prompt", "seed", *_PARTS, "intensity", "range"),
}  # fmt: skip
"""Beside those of every kind."""

_APART: Final = (("lock", ("only",)), ("mute", ("solo",)), ("range", (*_PARTS, "intensity")))
"""What contradicts each other; a range is composed again in all parts."""


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """One job as it was asked for."""

    kind: JobKind
    document: str
    """Timeline document or video; of a retime or restyle the take's folder."""

    out_dir: str | None = None
    """Folder of the results. None, without `in_place`: the job's own folder."""

    in_place: bool = False
    """Put the results beside the document."""

    overwrite: bool = False
    to: str = "otio"
    """Format of the scored timeline."""

    client: str = ""
    """Who asks: clients are served in turn."""

    priority: int = 0
    """-10 to 10; a higher one always goes first."""

    request_id: str = ""
    """A second submit with the same one is the same job; empty: every submit is its own."""

    picture: str | None = None
    encoder: str = "auto"
    in_point: str | None = None
    out_point: str | None = None
    path_map: Pairs = ()
    """(beginning of a path in the document, folder on this machine)."""

    frame_rate: str | None = None
    """Frames a second of an EDL, which says none: `25`, `30000/1001`."""

    tempo_bpm: float | None = None
    tempo_freedom: float | None = None

    prompt: str | None = None
    backbone: str = "sketch"
    takes: int = 1
    seed: int | None = None
    adherence: float = 0.5
    steps: int | None = None
    loudness_lufs: float = -16.0
    soundfont: str | None = None
    adapter: str | None = None
    """What tells a model of sound the event curve."""

    lora_strength: float = 1.0
    """How strongly the LoRA files of a Stable Audio 3 model change it."""

    timeline: str | None = None
    """Of a retime: the document with the new timing."""

    nudges: Pairs = ()
    """Of a retime: (where a hit is, where it goes)."""

    max_bend: float = 4.0
    """Of a retime: percent by which a beat may stretch before music is composed again."""

    lock: str | None = None
    """Of a restyle: the parts that are kept to the sample, such as `rhythm` or `drums,harmony`."""

    only: str | None = None
    """Of a restyle: the parts that are made again; all others are kept."""

    mute: str | None = None
    """Of a restyle: the parts that are left out."""

    solo: str | None = None
    """Of a restyle: the parts that are not left out."""

    intensity: Pairs = ()
    """Of a restyle: (a range `A..B` or the id of a hit, how much more happens there, -5 to 5)."""

    range: str | None = None
    """Of a restyle: the range `A..B` that alone is composed again."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            FieldError: `detail` names the field.
        """
        given = self._given()
        for name, value in given.items():
            _check(name, value)
        self._check_kind(given)
        if self.in_place and self.out_dir is not None:
            raise FieldError("Both out_dir and in_place are given, expected one of them.", detail="out_dir")
        if self.kind is JobKind.RETIME and bool(self.timeline) == bool(self.nudges):
            raise FieldError("A retime needs either a timeline or nudges.", detail="nudges")
        if self.kind is JobKind.RESTYLE:
            self._check_restyle(given)

    def _check_restyle(self, given: Mapping[str, Any]) -> None:
        if not any(given.get(name, "") != "" for name in _FIELDS[JobKind.RESTYLE]):
            raise FieldError(
                "A restyle needs a prompt, or parts to lock, to make again or to mute.", detail="prompt"
            )
        for one, others in _APART:
            for other in others:
                if one in given and other in given:
                    raise FieldError(f"Both {one} and {other} are given, expected one of them.", detail=other)

    def _given(self) -> dict[str, Any]:
        """What is not at its default, which needs no check: most fields of most jobs are."""
        return {
            name: value
            for name, value in self.__dict__.items()
            if (default := _DEFAULTS[name]) is not value
            and not (value == default and type(value) is type(default))
        }

    def _check_kind(self, given: Iterable[str]) -> None:
        for name in given:
            if name not in _ALWAYS and name not in _FIELDS[self.kind]:
                raise FieldError(f"A job of kind {self.kind} takes no {name}.", detail=name)

    def paths(self) -> Iterator[tuple[str, str]]:
        """Every path on this machine with the name of its field."""
        for name in _PATHS:
            if (path := getattr(self, name)) is not None:
                yield name, path
        yield from (("path_map", folder) for _, folder in self.path_map)

    def result_dir(self, own: str) -> str:
        """The folder in which the results are put.

        Args:
            own: the folder for results of a job that named none.
        """
        if self.in_place:
            return os.path.dirname(os.path.normpath(self.document))
        return self.out_dir or own

    def to_json(self) -> dict[str, Any]:
        """What is not at its default, as JSON can say it; `kind` and `document` always."""
        return {
            name: [list(pair) for pair in value] if isinstance(value, tuple) else value
            for name, value in self._given().items()
        }

    @classmethod
    def from_json(cls, data: object) -> JobSpec:
        """The spec that `to_json` wrote, or that a client wrote by hand.

        Raises:
            FieldError: it is no object, a key is unknown or missing, or a value makes no sense.
        """
        values = read_object(data, cls, "job")
        for name in _PAIRS:
            if name in values:
                values[name] = _pairs(name, values[name])
        if "kind" in values:
            values["kind"] = _kind(values["kind"])
        return cls(**values)


_DEFAULTS: Final = {field.name: field.default for field in fields(JobSpec)}
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
"""A zero ends a path, and half a character is no UTF-8."""


def read_object(data: object, kind: type, what: str) -> dict[str, Any]:
    """A JSON object whose keys are the fields of a dataclass.

    Raises:
        FieldError: it is no object, a key is unknown, or one without a default is missing.
    """
    if not isinstance(data, dict):
        raise FieldError(f"A {what} is a JSON object, but this is {type(data).__name__}.")
    known = _fields_of(kind)
    for name in data:
        if name not in known:
            raise FieldError(
                f"A {what} has no field {name!r}.", detail=str(name), hint=f"Known are {', '.join(known)}."
            )
    for name, is_needed in known.items():
        if is_needed and name not in data:
            raise FieldError(f"A {what} needs the field {name}.", detail=name)
    return dict(data)


@cache
def _fields_of(kind: type) -> dict[str, bool]:
    """The names of a dataclass's fields, and whether each is needed."""
    return {
        field.name: field.default is MISSING and field.default_factory is MISSING for field in fields(kind)
    }


def _kind(value: object) -> JobKind:
    try:
        return JobKind(value)  # type: ignore[arg-type]  # which is what is found out here
    except ValueError:
        kinds = ", ".join(JobKind)
        raise FieldError(f"The kind is {value!r}, expected one of {kinds}.", detail="kind") from None


def _pairs(name: str, value: object) -> Pairs:
    if not isinstance(value, list | tuple) or not all(isinstance(pair, list | tuple) for pair in value):
        raise FieldError(f"{name} is {value!r:.100}, expected a list of pairs of texts.", detail=name)
    return tuple(tuple(pair) for pair in value)


def _check(name: str, value: object) -> None:
    """One field by itself."""
    optional = JobSpec.__dataclass_fields__[name].default is None
    if optional and value is None:
        return
    if name == "kind":
        _kind(value)
    elif name in NUMBERS:
        _check_number(name, value)
    elif name in ("in_place", "overwrite"):
        if not isinstance(value, bool):
            raise FieldError(f"{name} is {value!r:.100}, expected true or false.", detail=name)
    elif name in _PAIRS:
        _check_pairs(name, value)
    else:
        _check_text(name, value)


def _check_number(name: str, value: object) -> None:
    low, high = NUMBERS[name]
    whole = isinstance(low, int)
    fits = isinstance(value, int) if whole else isinstance(value, int | float) and math.isfinite(value)
    if isinstance(value, bool) or not fits or not low <= value <= high:  # type: ignore[operator]
        what = "whole number" if whole else "number"
        raise FieldError(
            f"{name} is {value!r:.100}, expected a {what} from {low:.15g} to {high:.15g}.", detail=name
        )


def _check_text(name: str, value: object) -> None:
    most = LONGEST_NAME if name in _NAMES else LONGEST_TEXT
    if not isinstance(value, str) or len(value) > most:
        raise FieldError(
            f"{name} is {value!r:.100}, expected a text of at most {most} characters.", detail=name
        )
    if _NO_TEXT.search(value):
        raise FieldError(
            f"{name} is {value!r:.100}, which holds a zero or bytes that are no UTF-8.", detail=name
        )
    if name in _PATHS and not _is_absolute(value):
        raise FieldError(f"{name} is {value!r:.100}, expected an absolute path.", detail=name)
    if name in _PARTS:
        _check_parts(name, value)
    if name == "range" and split_range(value) is None:
        raise FieldError(f"range is {value!r:.100}, expected A..B.", detail=name)
    if name in ("to", "encoder", "backbone") and not value:
        raise FieldError(f"{name} is empty, expected a name.", detail=name)


def _is_absolute(path: str) -> bool:
    """On some system: whoever asks may sit at another one than the daemon, which looks again."""
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def _check_pairs(name: str, value: object) -> None:
    if not isinstance(value, tuple) or len(value) > MOST_PAIRS:
        raise FieldError(f"{name} holds more than {MOST_PAIRS} pairs or is no list of them.", detail=name)
    for pair in value:
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise FieldError(f"{name} holds {pair!r:.100}, expected a pair of texts.", detail=name)
        for part in pair:
            _check_text(name, part)
            if not part:
                raise FieldError(f"{name} holds an empty text.", detail=name)
        if name == "path_map" and not _is_absolute(pair[1]):
            raise FieldError(f"path_map leads to {pair[1]!r:.100}, expected an absolute path.", detail=name)
        if name == "intensity":
            _check_amount(pair[1])


def _check_amount(text: str) -> None:
    try:
        is_amount = abs(float(text)) <= MOST_INTENSITY
    except ValueError:
        is_amount = False
    if not is_amount:
        raise FieldError(
            f"intensity has the amount {text!r:.100}, expected -{MOST_INTENSITY} to {MOST_INTENSITY}.",
            detail="intensity",
        )


def _check_parts(name: str, text: str) -> None:
    try:
        parts_of(names_in(text))
    except UsageError as error:
        raise FieldError(f"{name}: {error.message}", detail=name) from error


def names_in(text: str | None) -> tuple[str, ...]:
    """The names of a text such as `drums, harmony`; none where there is no text."""
    return () if text is None else tuple(name.strip() for name in text.split(","))
