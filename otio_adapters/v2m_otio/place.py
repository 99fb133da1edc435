"""Our music on its own track, in a copy of the editor's document.

The copy is made in the document's own JSON: whatever we do not understand stays as it was written. Take
the track `V2M Score` away and the rest equals the input, with one exception that keeps it working: relative
references that would lead nowhere from the copy's folder are made absolute.

Conventions: everything of ours carries `metadata["v2m"]`, plain data only. Clip and reference are at the
timeline's rate in whole frames, as readers fail on sample rates; exact sample numbers stand in the metadata.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import opentimelineio as otio

from v2m.errors import DocumentError, InputError, OutputExistsError, UsageError
from v2m.timebase import SAMPLE_RATE_HZ, samples_covering, seconds_to_frame, seconds_to_sample
from v2m_otio.clock import exact_seconds
from v2m_otio.documents import read_content, timeline_content
from v2m_otio.limits import JsonObject
from v2m_otio.output import write_whole
from v2m_otio.profiles import Profile, profile_of, target_url, track_metadata
from v2m_otio.read import Document
from v2m_otio.relink import relinked

TRACK_NAME: Final = "V2M Score"
OURS: Final = "v2m"


@dataclass(frozen=True)
class Placement:
    """Where a music file goes."""

    wav: Path
    start_s: Fraction
    """Programme time of its first sample, on a frame."""

    duration_s: Fraction
    """Length of the file, padded to whole frames."""

    sample_rate_hz: int = SAMPLE_RATE_HZ
    take: Mapping[str, Any] = field(default_factory=dict)
    """About the take: id, prompt, seed …; plain JSON data."""

    name: str = "V2M music"

    def __post_init__(self) -> None:
        """Refuse what cannot be placed.

        Raises:
            InputError: a start before the programme, no length, no such file.
        """
        if self.start_s < 0 or self.duration_s <= 0 or self.sample_rate_hz <= 0:
            raise InputError(
                f"The music starts at {float(self.start_s):g} s and lasts {float(self.duration_s):g} s, "
                "expected a start of 0 or more and a length above 0."
            )
        if not self.wav.is_file():
            raise InputError(f"The music file {self.wav} was not found.")


@dataclass(frozen=True)
class Placed:
    """A document with music in it."""

    path: Path
    notes: tuple[str, ...] = ()
    """What a person should know: references that changed, media that are packed elsewhere."""


def place_music(
    document: Document,
    placement: Placement,
    out: Path,
    *,
    overwrite: bool = False,
    profile: Profile | None = None,
) -> Placed:
    """Write a copy of a document with the music on the track `V2M Score`; our older music is replaced.

    Args:
        document: as read; its file is never written.
        placement: the music and where it goes.
        out: the `.otio` to write.
        overwrite: whether a file at `out` may be replaced.
        profile: the editor to write for; by default the one that wrote the document.

    Raises:
        UsageError: `out` is no `.otio`.
        OutputExistsError: `out` is the input, or exists and `overwrite` is not set.
        OutputWriteError: it could not be written; nothing is left behind.
    """
    text, notes = scored_text(document, placement, out, profile=profile)
    write_whole(out, text, overwrite=overwrite)
    return Placed(out, notes)


def scored_text(
    document: Document,
    placement: Placement,
    out: Path,
    *,
    wav: Path | None = None,
    profile: Profile | None = None,
) -> tuple[str, tuple[str, ...]]:
    """What `place_music` writes, for a caller that puts document and music in place itself; and its notes.

    Args:
        document: as read.
        placement: the music and where it goes.
        out: where the document will stand.
        wav: where the music will stand, if it does not yet.
        profile: as of `place_music`.

    Raises:
        UsageError: `out` is no `.otio`.
        OutputExistsError: `out` is the input.
    """
    if out.suffix.lower() != ".otio":
        raise UsageError(f"{out.name} is no .otio, expected a name that ends in .otio.")
    if is_the_input(document, out):
        raise OutputExistsError(f"{out} is the input, which is never written.", hint="Choose another name.")
    content: JsonObject = json.loads(document.text)
    timeline = timeline_content(content, document.path.name)
    notes = relinked(timeline, document, out)
    profile = profile or profile_of(timeline)
    url = target_url(wav or placement.wav, out, profile)
    notes += _put_track(timeline["tracks"], _track(document, placement, url, timeline["tracks"], profile))
    return json.dumps(content, indent=4, ensure_ascii=False) + "\n", tuple(notes)


def holds_music(path: Path) -> bool:
    """Whether a file is a document with music of ours in it."""
    try:
        stack = timeline_content(read_content(path), path.name).get("tracks")
    except DocumentError:
        return False
    children = stack.get("children") if isinstance(stack, dict) else None
    return isinstance(children, list) and any(_is_ours(child) for child in children)


def is_the_input(document: Document, out: Path) -> bool:
    """Whether a file to be written is, or lies in, the one that was read."""
    written, read = out.resolve(), document.path.resolve()
    same = out.exists() and read.exists() and out.samefile(read)
    return same or written == read or written.is_relative_to(read)


def scored_timeline(timeline: JsonObject, document: Document, placement: Placement, url: str) -> JsonObject:
    """A timeline of the document's with the music in it, for the writers of other formats."""
    stack = timeline["tracks"]
    _put_track(stack, _track(document, placement, url, stack, "generic"))
    return timeline


def unscored_timeline(document: Document) -> JsonObject:
    """The timeline alone without anything of ours."""
    timeline = timeline_content(json.loads(document.text), document.path.name)
    _remove_ours(timeline["tracks"])
    return timeline


def unscored_text(text: str, name: str) -> str:
    """A document's JSON without anything of ours, all else of it as it was.

    Args:
        text: as `scored_text` makes it.
        name: of the document, for errors.

    Raises:
        DocumentError: it holds no timeline.
    """
    content: JsonObject = json.loads(text)
    _remove_ours(timeline_content(content, name)["tracks"])
    return json.dumps(content, indent=4, ensure_ascii=False) + "\n"


# --- the track ------------------------------------------------------------------------------------


def _track(
    document: Document, placement: Placement, url: str, stack: JsonObject, profile: Profile
) -> JsonObject:
    """The music's track as JSON of the schemas that OpenTimelineIO writes today."""
    timeline = document.timeline
    rate = float(timeline.rate)
    track = otio.schema.Track(TRACK_NAME, kind=otio.schema.TrackKind.Audio)
    track.metadata.update({**track_metadata(profile), OURS: {"role": "score"}})
    before = seconds_to_frame(placement.start_s + _hidden_s(stack), timeline.rate)
    if before > 0:
        gap = otio.schema.Gap(source_range=_frames(before, rate))
        gap.metadata[OURS] = {"role": "lead-in"}
        track.append(gap)
    _, frames, _ = frames_of(placement, timeline.rate)
    reference = otio.schema.ExternalReference(url, available_range=_frames(frames, rate))
    clip = otio.schema.Clip(placement.name, media_reference=reference, source_range=_frames(frames, rate))
    clip.metadata[OURS] = _about(placement)
    track.append(clip)
    content: JsonObject = json.loads(track.to_json_string())
    return content


def _frames(count: int, rate: float) -> otio.opentime.TimeRange:
    zero, length = otio.opentime.RationalTime(0, rate), otio.opentime.RationalTime(count, rate)
    return otio.opentime.TimeRange(zero, length)


def _hidden_s(stack: JsonObject) -> Fraction:
    """How much of the stack its own source range hides before the programme begins."""
    trim = stack.get("source_range")
    if not trim or not trim.get("start_time"):
        return Fraction(0)
    start = trim["start_time"]
    return exact_seconds(float(start["value"]), float(start["rate"]))


def hidden_frames(document: Document) -> int:
    """The same in frames, for formats that cannot hide a part of their tracks."""
    timeline = timeline_content(json.loads(document.text), document.path.name)
    return seconds_to_frame(_hidden_s(timeline["tracks"]), document.timeline.rate)


def frames_of(placement: Placement, rate: Fraction) -> tuple[int, int, int]:
    """First frame, length in frames (a rest of more than a sample counts as one) and in samples."""
    sample_s = Fraction(1, placement.sample_rate_hz)
    count = max(1, math.ceil((placement.duration_s - sample_s) * rate))
    samples = samples_covering(placement.duration_s, placement.sample_rate_hz)
    return seconds_to_frame(placement.start_s, rate), count, samples


def _about(placement: Placement) -> dict[str, Any]:
    """Exact numbers beside the frames, and the take's own words, through JSON so that they are plain."""
    rate_hz = placement.sample_rate_hz
    about = {
        "role": "music",
        "sample_rate_hz": rate_hz,
        "start_sample": seconds_to_sample(placement.start_s, rate_hz),
        "sample_count": samples_covering(placement.duration_s, rate_hz),
        "take": dict(placement.take),
    }
    try:
        plain: dict[str, Any] = json.loads(json.dumps(about, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"The take's description is no plain JSON data: {error}.") from error
    return plain


# --- into the document ----------------------------------------------------------------------------


def _is_ours(node: object) -> bool:
    metadata = node.get("metadata") if isinstance(node, dict) else None
    return isinstance(metadata, dict) and OURS in metadata


def _put_track(stack: JsonObject, track: JsonObject) -> list[str]:
    """Replace our older tracks by the new one, in the place of the first; else add it last."""
    at, notes = _remove_ours(stack)
    children: list[Any] = stack["children"]
    children.insert(len(children) if at is None else at, track)
    return notes


def _remove_ours(stack: JsonObject) -> tuple[int | None, list[str]]:
    """Take our tracks out; where the first one stood, and notes on what was kept."""
    children: list[Any] = stack.setdefault("children", [])
    if stack["children"] is None:
        children = stack["children"] = []
    notes: list[str] = []
    kept: list[Any] = []
    at: int | None = None
    for child in children:
        if not _is_ours(child):
            kept.append(child)
            if isinstance(child, dict) and child.get("name") == TRACK_NAME:
                notes.append(f"a track named {TRACK_NAME} that does not carry our mark was left as it is")
        elif _has_foreign_items(child):
            kept.append(_without_music(child))
            notes.append(f"on the old track {TRACK_NAME} lie items of yours: they were kept where they are")
        elif at is None:
            at = len(kept)
    children[:] = kept
    return at, notes


def _has_foreign_items(track: JsonObject) -> bool:
    items = track.get("children") or []
    return any(not _is_ours(item) and not _is_gap(item) for item in items)


def _is_gap(item: object) -> bool:
    return isinstance(item, dict) and str(item.get("OTIO_SCHEMA", "")).startswith("Gap.")


def _without_music(track: JsonObject) -> JsonObject:
    """The track as the user's own: our clips become gaps of the same length, our mark goes."""
    gap: JsonObject = json.loads(otio.schema.Gap().to_json_string())
    items = [
        {**gap, "source_range": item.get("source_range")} if _is_ours(item) else item
        for item in track["children"]
    ]
    metadata = {key: value for key, value in track["metadata"].items() if key != OURS}
    return {**track, "children": items, "metadata": metadata}
