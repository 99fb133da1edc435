"""A document of another editor as OpenTimelineIO's JSON, through the adapter of its kind.

Known failures of the adapters (opentimelineio 0.18.1) are answered here: an EDL's rate and lengths, an AAF's
markers that are found nowhere, Final Cut Pro's rates of 1000/1001 that come back as 29 or 23.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from v2m.errors import DocumentError
from v2m_otio.exchange import edl, edl_timeline, fcpxml_timeline
from v2m_otio.exchange.foreign import AdapterError, call_adapter
from v2m_otio.exchange.kinds import SUFFIXES, Kind
from v2m_otio.limits import MAX_BYTES, MAX_DURATION_S

MAX_AAF_BYTES: Final = 512 * 2**20
"""An AAF may carry its sound; with more than this, export without media."""

_HINTS: Final[dict[str, str]] = {
    "fcp7": "Export the sequence again as Final Cut Pro 7 XML, or as OpenTimelineIO (.otio).",
    "fcpxml": "Export one project by itself, or convert it to Final Cut Pro 7 XML.",
    "edl": "Export the EDL again as CMX 3600, or the timeline as OpenTimelineIO (.otio).",
    "aaf": "Export the sequence as an EDL, or as OpenTimelineIO (.otio).",
    "kdenlive": "Kdenlive 25.04 and later exports OpenTimelineIO (.otio): give that.",
}
_ROOTS: Final = {"xmeml": "fcp7", "fcpxml": "fcpxml"}


@dataclass(frozen=True)
class Exchanged:
    """What was made of a document."""

    raw: bytes
    """OpenTimelineIO's JSON, not yet checked."""

    kind: Kind
    notes: tuple[str, ...] = ()


def exchanged(path: Path, raw: bytes, rate: Fraction | None = None) -> Exchanged:
    """The document as OpenTimelineIO's JSON.

    Args:
        path: for its suffix and name.
        raw: its bytes.
        rate: frames a second that the user says an EDL runs at.

    Raises:
        DocumentError: it cannot be read; the sentence says why.
        MissingPartError: the adapter is not installed.
    """
    kind = SUFFIXES[path.suffix.lower()]
    try:
        if kind in ("fcp7", "fcpxml", "kdenlive"):
            raw = _in_utf8(raw)
            kind = _checked_xml(raw, kind)
        if kind == "edl":
            return _edl(raw, rate)
        if kind == "aaf":
            return _aaf(raw)
        if kind == "fcpxml":
            return Exchanged(fcpxml_timeline.read(raw), kind)
        return Exchanged(call_adapter("read", kind, raw), kind)
    except AdapterError as error:
        raise DocumentError(
            f"{path.name} was not understood by the reader of its format: {_plain(error)}.",
            hint=_HINTS[kind],
            detail=f"{error.kind}: {error}",
        ) from error
    except DocumentError as error:
        hint = error.hint or _HINTS[kind]
        raise DocumentError(f"{path.name} {error.message}", hint=hint, detail=error.detail) from error


def _plain(error: AdapterError) -> str:
    """What an adapter said, as the end of a sentence; a KeyError says a name and no more."""
    text = " ".join(str(error).split())[:200].rstrip(".")
    return f"{error.kind} {text}".strip() if error.kind in ("KeyError", "IndexError") or not text else text


# --- XML ------------------------------------------------------------------------------------------


def _in_utf8(raw: bytes) -> bytes:
    """XML in the encoding that the adapters read."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", errors="replace")
        return re.sub(r"^<\?xml[^>]*\?>", "", text).encode()
    return raw.removeprefix(b"\xef\xbb\xbf")


def _checked_xml(raw: bytes, kind: Kind) -> Kind:
    """Which XML it is. One that declares entities is refused: no editor does, and some explode."""
    if re.search(rb"<!\s*ENTITY", raw):
        raise DocumentError("declares XML entities, which no editor writes.")
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314 - without entities, and bounded by the caller
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise DocumentError(f"is not readable as XML: {error}.") from error
    if kind == "kdenlive":
        if root.tag != "mlt":
            raise DocumentError(f"holds XML of the kind {root.tag!r:.40}, expected a Kdenlive project.")
        return kind
    if root.tag not in _ROOTS:
        raise DocumentError(
            f"holds XML of the kind {root.tag!r:.40}, expected Final Cut Pro's: xmeml or fcpxml."
        )
    if root.tag == "fcpxml":
        _check_whole_rates(root)
    return "fcpxml" if root.tag == "fcpxml" else "fcp7"


def _check_whole_rates(root: ElementTree.Element) -> None:
    durations = {each.get("id"): each.get("frameDuration", "") for each in root.iter("format")}
    for sequence in root.iter("sequence"):
        duration = durations.get(sequence.get("format"), "")
        if duration.startswith("1001/"):
            raise DocumentError(
                f"runs at a frame duration of {duration}, which the reader of Final Cut Pro XML rounds to "
                "another rate.",
                hint="Export it as Final Cut Pro 7 XML or OpenTimelineIO (.otio), which keep the rate.",
            )


# --- EDL and AAF ----------------------------------------------------------------------------------


def _edl(raw: bytes, rate: Fraction | None) -> Exchanged:
    if len(raw) > MAX_BYTES:
        raise DocumentError(f"is {len(raw) >> 20} MiB, expected at most {MAX_BYTES >> 20} MiB.")
    told = edl.understood(raw, rate)
    options: dict[str, Any] = {"rate": float(told.rate)}
    notes = told.notes
    try:
        made = call_adapter("read", "edl", told.text.encode(), options)
    except AdapterError:
        made = call_adapter("read", "edl", told.text.encode(), {**options, "ignore_timecode_mismatch": True})
        notes += ("some events of the EDL last longer in their source than on the record, or overlap: "
                  "the source's length was taken",)  # fmt: skip
    return Exchanged(edl_timeline.finished(made, told), "edl", notes)


def _aaf(raw: bytes) -> Exchanged:
    if len(raw) > MAX_AAF_BYTES:
        raise DocumentError(
            f"is {len(raw) >> 20} MiB, expected at most {MAX_AAF_BYTES >> 20} MiB.",
            hint="Export the AAF with its media linked rather than embedded.",
        )
    notes: tuple[str, ...] = ()
    try:
        made = call_adapter("read", "aaf", raw)
    except AdapterError:
        made = call_adapter("read", "aaf", raw, {"attach_markers": False})
        notes = ("the AAF's markers belong to no track and were left out",)
    return Exchanged(json.dumps(_without_tapes(json.loads(made))).encode(), "aaf", notes)


def _without_tapes(content: object) -> object:
    """The content without ranges of media that outlast any file: those are of the tapes it was shot on."""
    waiting = [content]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if _lasts_s(node.get("available_range")) > MAX_DURATION_S:
                node["available_range"] = None
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return content


def _lasts_s(time_range: object) -> float:
    duration = time_range.get("duration") if isinstance(time_range, dict) else None
    return duration["value"] / duration["rate"] if duration and duration.get("rate") else 0.0
