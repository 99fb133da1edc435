"""The gate before OpenTimelineIO: a document's bytes become checked JSON, or one sentence says why not.

OpenTimelineIO parses recursively without a depth limit, accepts NaN and infinite times, zero and negative
rates. So Python's parser reads the text first and every number of time is looked at here; what passes is
handed on as the tree that was looked at, never as the text, lest two parsers understand it differently.

Conventions: limits are far above what editors write (a two-hour feature is under 20 MB) and low enough
that the largest accepted document costs a few seconds and some hundred megabytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from v2m.errors import DocumentError

JsonObject = dict[str, Any]

MAX_BYTES: Final = 64 * 2**20
MAX_DEPTH: Final = 200
"""Levels of brackets; a nested sequence takes four, so fifty compounds inside each other still pass."""

MAX_OBJECTS: Final = 200_000
"""Objects that OpenTimelineIO would build (clips, ranges, times, effects)."""

MAX_BRACKETS: Final = 1_000_000
MAX_VALUES: Final = 2_000_000
"""Counted in the raw bytes, before anything is built: `[[],[],…` grows fifteenfold in memory."""

MAX_RATE: Final = 384_000
"""A RationalTime's rate: sound is written at its sample rate. Picture is held to 1000 where it is read."""

MAX_DURATION_S: Final = 48 * 3600
MAX_TIME_S: Final = 366 * 24 * 3600
"""Where a time may lie: timecode of day runs to 24 h, some recorders count from the start of the year."""

MAX_SPEED: Final = 1000

_INTERNAL: Final = frozenset({"UnknownSchema", "Test", "Composable"})
"""Names that the library uses inside itself: the first ends the process, the second prints to stdout."""


def checked_document(raw: bytes, name: str) -> JsonObject:
    """The document as a tree of plain data in which every number is finite and every time has sense.

    Args:
        raw: the bytes of the file.
        name: the file's name, for the sentences.

    Raises:
        DocumentError: too large, not JSON, too deep, too many parts, or a time that no editor means.
    """
    _check_size(raw, name)
    content = _parsed(raw, name)
    if not isinstance(content, dict) or not isinstance(content.get("OTIO_SCHEMA"), str):
        raise DocumentError(
            f"{name} is JSON but no OpenTimelineIO document: it has no OTIO_SCHEMA.",
            hint="Export the timeline as OTIO again.",
        )
    objects = 0
    for node in _nodes(content, name):
        if isinstance(node, dict) and "OTIO_SCHEMA" in node:
            objects += 1
            _check_object(node, name)
        elif isinstance(node, float) and not math.isfinite(node):
            raise DocumentError(f"{name} holds a number that is not finite.")
    if objects > MAX_OBJECTS:
        raise DocumentError(f"{name} holds {objects} objects, expected at most {MAX_OBJECTS}.")
    return content


def _check_size(raw: bytes, name: str) -> None:
    if len(raw) > MAX_BYTES:
        raise DocumentError(
            f"{name} is {len(raw) / 2**20:.0f} MiB, expected at most {MAX_BYTES // 2**20} MiB."
        )
    if raw.count(b"{") + raw.count(b"[") > MAX_BRACKETS or raw.count(b",") > MAX_VALUES:
        raise DocumentError(f"{name} holds too many parts, expected at most {MAX_VALUES} values.")


def _parsed(raw: bytes, name: str) -> object:
    def refuse(constant: str) -> NoReturn:
        raise DocumentError(
            f"{name} holds the number {constant}, expected finite numbers only.",
            hint="Export the timeline again without that metadata.",
        )

    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=refuse)
    except RecursionError as error:
        raise _too_deep(name) from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name} is not UTF-8 text, expected an OpenTimelineIO document.") from error
    except ValueError as error:  # JSONDecodeError, and integers of thousands of digits
        raise DocumentError(f"{name} is not readable as JSON: {error}.") from error


def _too_deep(name: str) -> DocumentError:
    return DocumentError(f"{name} is nested too deeply, expected at most {MAX_DEPTH} levels.")


def _nodes(content: object, name: str) -> Iterator[object]:
    """Every value of the tree, without recursion."""
    waiting: list[tuple[object, int]] = [(content, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node
        if isinstance(node, dict | list):
            if depth > MAX_DEPTH:
                raise _too_deep(name)
            children = node.values() if isinstance(node, dict) else node
            waiting.extend((child, depth + 1) for child in children)


def _check_object(node: JsonObject, name: str) -> None:
    schema = node["OTIO_SCHEMA"]
    if not isinstance(schema, str):
        raise DocumentError(f"{name} holds an object whose OTIO_SCHEMA is {schema!r}, expected a name.")
    if schema.partition(".")[0] in _INTERNAL:
        raise DocumentError(f"{name} holds the schema {schema!r}, which no editor writes.")
    check = _CHECKS.get(schema.partition(".")[0])
    if check is not None:
        check(node, name)


def _number(node: JsonObject, key: str, name: str) -> float:
    value = node.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DocumentError(f"{name}: {node['OTIO_SCHEMA']} has {key} {value!r}, expected a number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DocumentError(f"{name}: {node['OTIO_SCHEMA']} has a {key} that is not finite.")
    return number


def _check_rational_time(node: JsonObject, name: str) -> None:
    rate, value = _number(node, "rate", name), _number(node, "value", name)
    if not 0 < rate <= MAX_RATE:
        raise DocumentError(f"{name} has a time at {rate:g} frames a second, expected a rate above 0.")
    if abs(value) / rate > MAX_TIME_S:
        raise DocumentError(f"{name} has a time of {value / rate:g} s, expected less than a year.")


def _check_time_range(node: JsonObject, name: str) -> None:
    duration = node.get("duration")
    if not isinstance(duration, dict) or "OTIO_SCHEMA" not in duration:
        return  # OpenTimelineIO takes null as zero and refuses other types itself
    value, rate = _number(duration, "value", name), _number(duration, "rate", name)
    if value < 0:
        raise DocumentError(f"{name} has a range of {value:g} frames, expected a length of 0 or more.")
    if rate > 0 and value / rate > MAX_DURATION_S:
        raise DocumentError(f"{name} has a range of {value / rate / 3600:.0f} h, expected at most 48 h.")


def _check_speed(node: JsonObject, name: str) -> None:
    if node.get("time_scalar") is not None and abs(_number(node, "time_scalar", name)) > MAX_SPEED:
        raise DocumentError(f"{name} has a retime of more than {MAX_SPEED} times the speed.")


def _check_renamed(old: str, new: str) -> Callable[[JsonObject, str], None]:
    """For a field that has another name in newer versions of its schema.

    OpenTimelineIO 0.18.1 ends the process where what it renames, or what already has the new name, is no
    object but holds some.
    """

    def check(node: JsonObject, name: str) -> None:
        if node["OTIO_SCHEMA"].endswith(".2"):
            return
        for field in (old, new):
            value = node.get(field)
            if value is not None and not (isinstance(value, dict) and "OTIO_SCHEMA" in value):
                raise DocumentError(f"{name}: {node['OTIO_SCHEMA']} has a {field} that is no object of OTIO.")

    return check


_CHECKS: Final[dict[str, Callable[[JsonObject, str], None]]] = {
    "RationalTime": _check_rational_time,
    "TimeRange": _check_time_range,
    "LinearTimeWarp": _check_speed,
    "FreezeFrame": _check_speed,
    "Clip": _check_renamed("media_reference", "media_references"),
    "Marker": _check_renamed("range", "marked_range"),
}
