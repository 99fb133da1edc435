"""A scored document in the format that was asked for: a base, and our music put into it.

The base is the user's own file where the format is the input's; else the document is written in that format
first. Either way the music is added to finished bytes, so that without it they are what they were.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from v2m.errors import DocumentError, OutputExistsError, UsageError
from v2m_otio.exchange import edl, edl_list, fcp7, fcpxml, kdenlive, mlt, mlt_music
from v2m_otio.exchange.dressed import dressed, has_cross_fades
from v2m_otio.exchange.flat import flat_timeline, is_nested
from v2m_otio.exchange.foreign import AdapterError, call_adapter
from v2m_otio.exchange.kinds import Format, Kind
from v2m_otio.exchange.music import NAME, Music
from v2m_otio.exchange.sounds import sound_tracks
from v2m_otio.limits import JsonObject
from v2m_otio.output import write_whole
from v2m_otio.place import (
    Placed,
    Placement,
    frames_of,
    hidden_frames,
    holds_music,
    is_the_input,
    scored_text,
    scored_timeline,
    unscored_text,
    unscored_timeline,
)
from v2m_otio.read import Document


@dataclass(frozen=True)
class _Splice:
    """How our music is put into a format's bytes and taken out."""

    with_music: Callable[[bytes, Music], bytes]
    without_music: Callable[[bytes], bytes]


@dataclass(frozen=True)
class _Base:
    """What the music is put into."""

    raw: bytes
    hidden_frames: int = 0
    """How much of its tracks lies before the programme."""

    notes: tuple[str, ...] = ()


_SPLICES: Final[dict[Kind, _Splice]] = {
    "fcp7": _Splice(fcp7.with_music, fcp7.without_music),
    "fcpxml": _Splice(fcpxml.with_music, fcpxml.without_music),
    "edl": _Splice(edl.with_music, edl.without_music),
    "mlt": _Splice(mlt_music.with_music, mlt_music.without_music),
    "kdenlive": _Splice(mlt_music.with_music, mlt_music.without_music),
}
_WITHOUT_RETIMES: Final = frozenset(("fcp7", "aaf"))
"""Kinds whose writers leave the speed of a clip out."""

_FLAT: Final = "what is seen was written as one track of picture, without the tracks below it"


def place_music_as(
    document: Document, placement: Placement, out: Path, form: Format, *, overwrite: bool = False
) -> Placed:
    """Write a scored copy of a document in a format; our older music is replaced.

    Args:
        document: as read; its file is never written.
        placement: the music and where it goes.
        out: the file to write.
        form: the format.
        overwrite: whether a file at `out` may be replaced.

    Raises:
        DocumentError: the format cannot hold this document; the sentence says why.
        MissingPartError: the writer of the format is not installed.
        OutputExistsError: `out` is the input, or exists and `overwrite` is not set.
        OutputWriteError: it could not be written; nothing is left behind.
    """
    made, notes = scored_bytes(document, placement, out, form)
    write_whole(out, made, overwrite=overwrite)
    return Placed(out, notes)


def scored_bytes(
    document: Document, placement: Placement, out: Path, form: Format, *, wav: Path | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """What `place_music_as` writes, for a caller that puts it in place itself; and its notes.

    Args:
        document: as read.
        placement: the music and where it goes.
        out: where the document will stand.
        form: the format.
        wav: where the music will stand, if it does not yet.

    Raises:
        UsageError: `out` has another suffix than the format.
        DocumentError, MissingPartError, OutputExistsError: as of `place_music_as`.
    """
    if form.kind == "otio":
        text, notes = scored_text(document, placement, out, wav=wav, profile=form.profile)
        return text.encode(), notes
    _check_out(document, out, form)
    wav = (wav or placement.wav).absolute()
    with _told(document, form):
        if form.kind == "aaf":
            return _aaf(document, lambda content: scored_timeline(content, document, placement, wav.as_uri()))
        base = _base(document, form.kind)
        music = _music(document, placement, wav, base.hidden_frames)
        return _SPLICES[form.kind].with_music(base.raw, music), base.notes


def base_bytes(document: Document, form: Format) -> bytes:
    """The document in a format, without anything of ours: what the music is put into.

    Made before any music is, it says early that the format cannot hold the document.

    Raises:
        DocumentError, MissingPartError: as of `place_music_as`.
    """
    if form.kind == "otio":
        return document.text.encode()
    with _told(document, form):
        if form.kind == "aaf":
            return _aaf(document, lambda content: content)[0]
        return _base(document, form.kind).raw


def without_music(raw: bytes, form: Format) -> bytes:
    """A scored document's bytes without anything of ours: what the music was put into.

    Raises:
        DocumentError: it is no document of that format.
        UsageError: it is an AAF, whose adapter writes it whole.
    """
    if form.kind == "otio":
        return unscored_text(raw.decode(), "the document").encode()
    if form.kind == "aaf":
        raise UsageError("Music cannot be taken out of an AAF.", hint="Keep the AAF that went in.")
    return _SPLICES[form.kind].without_music(raw)


@contextlib.contextmanager
def _told(document: Document, form: Format) -> Iterator[None]:
    """Whatever a writer says is a sentence on this document."""
    try:
        yield
    except AdapterError as error:
        raise DocumentError(
            f"{document.path.name} cannot be written as {form.suffix}: {error}.",
            hint="Use --to otio, which holds everything.",
            detail=f"{error.kind}: {error}",
        ) from error
    except DocumentError as error:
        raise DocumentError(
            f"{document.path.name} {error.message}", hint=error.hint or "Use --to otio.", detail=error.detail
        ) from error


def _check_out(document: Document, out: Path, form: Format) -> None:
    if out.suffix.lower() != form.suffix:
        raise UsageError(f"{out.name} is no {form.suffix}, expected a name that ends in {form.suffix}.")
    if is_the_input(document, out):
        raise OutputExistsError(f"{out} is the input, which is never written.", hint="Choose another name.")


def _music(document: Document, placement: Placement, wav: Path, hidden: int) -> Music:
    timeline = document.timeline
    start, count, samples = frames_of(placement, timeline.rate)
    return Music(
        wav=wav,
        rate=timeline.rate,
        start_frame=start + hidden,
        frame_count=count,
        sample_count=samples,
        sample_rate_hz=placement.sample_rate_hz,
        zero_frame=timeline.start_frame,
        drop_frame=timeline.drop_frame,
    )


def _base(document: Document, kind: Kind) -> _Base:
    if document.kind == kind or (kind == "mlt" and document.kind == "kdenlive"):
        return _Base(_SPLICES[kind].without_music(_again(document)))
    timeline = document.timeline
    if kind == "edl":
        return _Base(edl_list.made(timeline).encode(), notes=(_FLAT,))
    if kind in ("fcpxml", "mlt"):
        made = fcpxml.made if kind == "fcpxml" else mlt.made
        return _Base(made(timeline, sound_tracks(document)).encode(), notes=(_FLAT,))
    raw, flat = _adapted(document, kind, lambda content: content)
    if kind == "kdenlive":
        raw = kdenlive.finished(raw, timeline.rate, timeline.frame_count)
    notes = _left_out(document, kind)
    return _Base(raw, 0 if flat else hidden_frames(document), (_FLAT, *notes) if flat else notes)


def _aaf(document: Document, changed: Callable[[JsonObject], JsonObject]) -> tuple[bytes, tuple[str, ...]]:
    raw, flat = _adapted(document, "aaf", changed)
    notes = _left_out(document, "aaf")
    return raw, (f"{_FLAT}, dissolves as cuts", *notes) if flat else notes


def _left_out(document: Document, kind: Kind) -> tuple[str, ...]:
    """What the writer of a kind passes over without a word."""
    notes: list[str] = []
    if kind in _WITHOUT_RETIMES and any(shot.speed != 1 for shot in document.timeline.shots):
        notes.append(f"{kind.upper()} is written without the speed of clips: retime them again")
    if kind == "aaf" and has_cross_fades(unscored_timeline(document)):
        notes.append("cross fades of sound were written as cuts")
    return tuple(notes)


def _adapted(
    document: Document, kind: Kind, changed: Callable[[JsonObject], JsonObject]
) -> tuple[bytes, bool]:
    """What an adapter writes of a document; flat where it fails on it or would leave out what is nested.

    Args:
        document: as read.
        kind: what is written.
        changed: puts something into the timeline that is written.
    """
    options: dict[str, Any] = {"use_empty_mob_ids": True} if kind == "aaf" else {}

    def write(content: JsonObject) -> bytes:
        return call_adapter("write", kind, dressed(changed(content), document, kind), options)

    content = unscored_timeline(document)
    if not is_nested(content):
        with contextlib.suppress(AdapterError):
            return write(content), False
    return write(flat_timeline(document.timeline, sound_tracks(document))), True


def _again(document: Document) -> bytes:
    """The user's own file."""
    try:
        return document.path.read_bytes()
    except OSError as error:
        raise DocumentError(f"can no longer be read: {error.strerror}.") from error


def holds_music_as(path: Path, form: Format) -> bool:
    """Whether a file of a format has music of ours in it."""
    if form.kind == "otio":
        return holds_music(path)
    try:
        raw = path.read_bytes()
        if form.kind == "aaf":
            return NAME.encode("utf-16-le") in raw
        return _SPLICES[form.kind].without_music(raw) != raw
    except (OSError, DocumentError):
        return False
