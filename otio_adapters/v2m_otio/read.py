"""An editor's document as a `v2m.timeline.Timeline`: what is seen when, out of which files.

    with open_document(Path("edit.otio"), path_map=PathMap((("D:/", "/mnt/d"),))) as document:
        document.timeline.cuts

Conventions: see `v2m.timeline`. The document's text is kept beside the timeline, so that music is placed
in a copy of what the editor wrote, not in a re-telling of it.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import opentimelineio as otio

from v2m.errors import DocumentError, InputError
from v2m.timebase import MAX_RATE, can_drop_frames, on_frame, seconds_to_frame
from v2m.timeline import Marker, Shot, Timeline
from v2m_otio.bundles import unpack_media
from v2m_otio.clock import exact_rate, seconds
from v2m_otio.composite import Layer
from v2m_otio.cutlist import cuts_of, shots_of
from v2m_otio.documents import parsed_timeline, read_any
from v2m_otio.exchange.kinds import Kind
from v2m_otio.layers import LayerReader
from v2m_otio.limits import MAX_DURATION_S
from v2m_otio.markers import identified
from v2m_otio.media import Resolver
from v2m_otio.targets import NO_MAP, PathMap

_NAMED_EFFECTS: Final = 5
"""How many effects a note lists by name before it says how many more there are."""


@dataclass(frozen=True)
class Document:
    """A document as it was read."""

    path: Path
    """The file, or the folder of an `.otiod`; for a made document the picture it was made for."""

    text: str
    """Its OTIO JSON."""

    timeline: Timeline
    media_folder: Path
    """What the document's relative references count from."""

    kind: Kind = "otio"
    """What the file is; of any but an OTIO document `text` is what its reader made of it."""

    path_map: PathMap = NO_MAP
    """By which its media were found."""


@contextmanager
def open_document(
    path: Path,
    *,
    path_map: PathMap = NO_MAP,
    media_roots: tuple[Path, ...] = (),
    rate: Fraction | None = None,
) -> Iterator[Document]:
    """Read a document and keep its media readable while the context lasts.

    The media of an `.otioz` are unpacked to a temporary folder that goes with the context; every other
    kind refers to files that stay.

    Args:
        path: an `.otio`, `.otioz`, `.otiod`, or another kind of `v2m_otio.exchange.kinds`.
        path_map: folders of the editor's machine and what they are called here.
        media_roots: folders that media may lie in; empty for anywhere.
        rate: frames a second of an EDL, which says none.

    Raises:
        DocumentError: the document is broken, hostile, newer than we know, or shows no picture.
        MissingPartError: the reader of its kind is not installed.
    """
    if path.suffix.lower() != ".otioz":
        yield read_document(path, path_map=path_map, media_roots=media_roots, rate=rate)
        return
    with tempfile.TemporaryDirectory(prefix="v2m-otioz-", ignore_cleanup_errors=True) as folder:
        yield read_document(path, path_map=path_map, unpack_to=Path(folder))


def read_document(
    path: Path,
    *,
    path_map: PathMap = NO_MAP,
    media_roots: tuple[Path, ...] = (),
    unpack_to: Path | None = None,
    rate: Fraction | None = None,
) -> Document:
    """Read a document; see `open_document`.

    Args:
        path: as of `open_document`.
        path_map: folders of the editor's machine and what they are called here.
        media_roots: folders that media may lie in; empty for anywhere. A bundle's media lie in the bundle.
        unpack_to: an empty folder of the caller's for the media of an `.otioz`; without it they stay
            packed and count as not found.
        rate: as of `open_document`.
    """
    content = read_any(path, rate)
    text = json.dumps(content.tree)  # what was checked, not what was written
    timeline = parsed_timeline(content.tree, text, path.name)
    folder = path if path.is_dir() else path.parent
    if path.suffix.lower() == ".otioz":
        folder = unpack_to or path  # a file is no folder: nothing is found below it
        if unpack_to is not None:
            unpack_media(path, unpack_to)
        media_roots = (folder,)
    resolver = Resolver(folder.absolute(), path_map, media_roots)
    try:
        read = _timeline(timeline, resolver, path.stem)
    except DocumentError as error:
        raise DocumentError(f"{path.name}: {error.message}", hint=error.hint, detail=error.detail) from error
    except InputError as error:
        raise DocumentError(f"{path.name}: {error.message}", hint=error.hint) from error
    read = replace(read, notes=(*content.notes, *read.notes))
    return Document(path.absolute(), text, read, folder.absolute(), content.kind, path_map)


def _timeline(document: otio.schema.Timeline, resolver: Resolver, fallback_name: str) -> Timeline:
    rate = _picture_rate(document)
    global_start = document.global_start_time
    zero_s = seconds(global_start) if global_start is not None else Fraction(0)
    reader = LayerReader(resolver, 1 / rate, zero_s)
    layer = reader.item(document.tracks)
    duration_s = on_frame(layer.duration_s, rate)
    _check_length(duration_s)
    shots, pictured = shots_of(layer, rate, duration_s)
    if not any(pictured):
        raise DocumentError(
            "the timeline shows no picture: it has no enabled clip on an enabled video track.",
            hint="Export a timeline that holds the edited picture.",
        )
    return Timeline(
        rate=rate,
        duration_s=duration_s,
        shots=tuple(shots),
        cuts=cuts_of(shots, pictured, layer.seams, rate),
        markers=_markers(layer, rate, duration_s),
        name=document.name or fallback_name,
        start_frame=seconds_to_frame(zero_s, rate),
        drop_frame=can_drop_frames(rate) and _says_drop_frame(document.metadata),
        notes=_notes(reader, shots),
    )


def _check_length(duration_s: Fraction) -> None:
    if duration_s <= 0:
        raise DocumentError("the timeline has no length.", hint="Give a timeline with at least one frame.")
    if duration_s > MAX_DURATION_S:
        raise DocumentError(f"the timeline is {float(duration_s) / 3600:.0f} h long, expected at most 48 h.")


def _markers(layer: Layer, rate: Fraction, duration_s: Fraction) -> tuple[Marker, ...]:
    placed = [replace(mark.marker, time_s=on_frame(mark.time_s, rate)) for mark in layer.marks]
    return identified([marker for marker in placed if 0 <= marker.time_s < duration_s])


def _notes(reader: LayerReader, shots: Sequence[Shot]) -> tuple[str, ...]:
    media = [shot.media for shot in shots if shot.media is not None and shot.media.path is None]
    notes = list(dict.fromkeys([*(f"{file.target}: {file.problem}" for file in media), *reader.notes]))
    if reader.effects:
        names = list(reader.effects)
        more = f" and {len(names) - _NAMED_EFFECTS} more" if len(names) > _NAMED_EFFECTS else ""
        notes.append(f"effects that change no timing are ignored: {', '.join(names[:_NAMED_EFFECTS])}{more}")
    return tuple(notes)


# --- rate and timecode ----------------------------------------------------------------------------


def _picture_rate(document: otio.schema.Timeline) -> Fraction:
    """Frames a second of the timeline: that of its start timecode, else the commonest on its video tracks."""
    start = document.global_start_time
    if start is not None and 1 < start.rate <= MAX_RATE:  # 1 means seconds, more a sound's samples
        return exact_rate(float(start.rate))
    votes: Counter[Fraction] = Counter()
    for item in _picture_items(document.tracks):
        trim = item.source_range
        if trim is None and isinstance(item, otio.schema.Clip) and item.media_reference is not None:
            trim = item.media_reference.available_range
        if trim is not None and trim.duration.value > 0:
            votes[exact_rate(float(trim.duration.rate))] += 1
    if not votes:
        raise DocumentError(
            "the timeline has no picture: there is no clip with a length on a video track.",
            hint="Export a timeline that holds the edited picture.",
        )
    rate = votes.most_common(1)[0][0]
    if rate > MAX_RATE:
        raise DocumentError(f"the picture runs at {rate} frames a second, expected at most {MAX_RATE}.")
    return rate


def _picture_items(item: otio.core.Composable) -> Iterator[otio.core.Item]:
    if isinstance(item, otio.schema.Transition):
        return
    if isinstance(item, otio.schema.Track) and item.kind.lower() != "video":
        return
    yield item
    if isinstance(item, otio.core.Composition):
        for child in item:
            yield from _picture_items(child)


def _says_drop_frame(metadata: Mapping[str, Any], depth: int = 3) -> bool:
    """Whether an editor's metadata says drop-frame. Most do not say; the frames are the same either way."""
    for key, value in metadata.items():
        if key.lower() == "displayformat" and value in ("DF", "NDF"):  # Final Cut Pro 7
            return bool(value == "DF")
        if "drop" in key.lower() and "frame" in key.lower() and isinstance(value, bool | int | str):
            return str(value).lower() in ("true", "1", "df", "drop", "yes")
        if "rate" in key.lower() and isinstance(value, str) and value.strip().upper().endswith(" DF"):
            return True
        if isinstance(value, Mapping) and depth and _says_drop_frame(value, depth - 1):
            return True
    return False
