"""Opening a document of an editor: which kinds are read, and from bytes to a checked OTIO timeline.

No plugin runs here: the kind follows from the suffix, and the parser is OpenTimelineIO's own JSON reader
called directly, so neither `OTIO_PLUGIN_MANIFEST_PATH` nor installed plugins are loaded. Other formats become
such JSON in a process of their own (`v2m_otio.exchange`) and pass the same checks.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import opentimelineio as otio

from v2m.errors import DocumentError
from v2m_otio.bundles import CONTENT, zipped_content
from v2m_otio.exchange.kinds import SUFFIXES, Kind
from v2m_otio.exchange.reading import MAX_AAF_BYTES, exchanged
from v2m_otio.limits import MAX_BYTES, JsonObject, checked_document
from v2m_otio.newer import in_known_schemas

OTIO_SUFFIXES: Final = (".otio", ".otioz", ".otiod")
_OTHER_KINDS: Final = {
    ".fcpxmld": "a Final Cut Pro library bundle",
    ".mlt": "an MLT project",
    ".drp": "a DaVinci Resolve project",
    ".drt": "a DaVinci Resolve timeline",
    ".prproj": "a Premiere Pro project",
    ".ale": "an Avid log of clips",
}
_HINT: Final = "Export the timeline as OpenTimelineIO (.otio) from your editor and give that."


_HINTS: Final = {
    ".mlt": "Export an EDL from Shotcut (File > Export > EDL) and score that, with --to mlt.",
}
"""Where an editor has no OpenTimelineIO to export."""


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    tree: JsonObject
    """Its checked OTIO JSON."""

    kind: Kind = "otio"
    """What the file itself is."""

    notes: tuple[str, ...] = ()
    """What was assumed or left out on the way."""


def read_any(path: Path, rate: Fraction | None = None) -> Content:
    """The checked content of a document of any kind that is read.

    Args:
        path: the file, or the folder of an `.otiod`.
        rate: frames a second that the user says an EDL runs at.

    Raises:
        DocumentError: not there, not of a readable kind, not understood, or not within the limits.
        MissingPartError: the reader of its kind is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in OTIO_SUFFIXES or suffix not in SUFFIXES:
        return Content(read_content(path))
    made = exchanged(path, _bytes(path, MAX_AAF_BYTES if suffix == ".aaf" else MAX_BYTES), rate)
    return Content(checked_document(made.raw, path.name), made.kind, made.notes)


def read_content(path: Path) -> JsonObject:
    """The checked JSON of an OTIO document, whatever it is wrapped in.

    Raises:
        DocumentError: not there, not of a readable kind, or not within the limits.
    """
    suffix = path.suffix.lower()
    if suffix not in OTIO_SUFFIXES:
        kind = _OTHER_KINDS.get(suffix, "of an unknown kind")
        known = ", ".join(SUFFIXES)
        hint = _HINTS.get(suffix, _HINT)
        raise DocumentError(f"{path.name} is {kind}, expected one of {known}.", hint=hint)
    if suffix == ".otioz":
        return checked_document(zipped_content(_regular(path)), path.name)
    return checked_document(_bytes(path / CONTENT if path.is_dir() else path, MAX_BYTES), path.name)


def _regular(path: Path) -> Path:
    if not path.exists():
        raise DocumentError(f"{path} was not found, expected a timeline document.")
    if not path.is_file():
        raise DocumentError(f"{path} is not a regular file, expected a timeline document.")
    return path


def _bytes(path: Path, most: int) -> bytes:
    """The file, or one byte too many: that is refused with the other limits."""
    try:
        with _regular(path).open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from error


def timeline_content(content: JsonObject, name: str) -> JsonObject:
    """The timeline in a document's JSON: its root, or the only one of a collection.

    Raises:
        DocumentError: there is none, or more than one.
    """
    if _schema(content) == "Timeline":
        return content
    children = content.get("children") if _schema(content) == "SerializableCollection" else None
    if not isinstance(children, list):
        raise DocumentError(f"{name} holds a {_schema(content)}, expected a Timeline.", hint=_HINT)
    timelines = [child for child in children if isinstance(child, dict) and _schema(child) == "Timeline"]
    if len(timelines) != 1:
        raise DocumentError(
            f"{name} holds {len(timelines)} timelines, expected one.", hint="Export one timeline by itself."
        )
    return timelines[0]


def _schema(node: dict[str, Any]) -> str:
    return str(node.get("OTIO_SCHEMA", "")).partition(".")[0]


def parsed_timeline(content: JsonObject, text: str, name: str) -> otio.schema.Timeline:
    """The document's timeline as OpenTimelineIO objects of today's schemas.

    Args:
        content: the checked tree.
        text: the same as JSON, written by us.
        name: the file's name, for the sentences.

    Raises:
        DocumentError: a newer schema than the library knows, missing or wrong fields, no timeline.
    """
    timeline = timeline_content(content, name)
    # References between objects may cross from the collection into the timeline, so all of it is parsed.
    try:
        root = otio.core.deserialize_json_from_string(in_known_schemas(text))
    except otio.exceptions.UnsupportedSchemaError as error:
        raise DocumentError(
            f"{name} was written by a newer editor: it holds {_newer_schema(content)}, "
            f"which OpenTimelineIO {otio.__version__} does not know.",
            hint="Export for an older OpenTimelineIO, or update V2M.",
            detail=str(error),
        ) from error
    except (otio.exceptions.OTIOError, ValueError, TypeError, KeyError, IndexError, RuntimeError) as error:
        raise DocumentError(
            f"{name} is no valid OpenTimelineIO document: a part is missing or of the wrong kind.",
            hint=_HINT,
            detail=str(error),
        ) from error
    if timeline is not content:
        root = next((child for child in root if isinstance(child, otio.schema.Timeline)), None)
    stack = timeline.get("tracks")
    written_out = isinstance(stack, dict) and _schema(stack) == "Stack"  # not a reference to elsewhere
    if not isinstance(root, otio.schema.Timeline) or root.tracks is None or not written_out:
        raise DocumentError(f"{name} holds a timeline without tracks.", hint=_HINT)
    return root


def _newer_schema(content: JsonObject) -> str:
    """The name of a schema in a version above the library's."""
    known = otio.core.type_version_map()
    waiting: list[Any] = [content]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name, _, version = str(node.get("OTIO_SCHEMA", "")).partition(".")
            if version.isdigit() and int(version) > known.get(name, int(version)):
                return f"{name}.{version}"
        waiting.extend(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
    return "a schema"
