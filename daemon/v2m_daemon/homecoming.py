"""Where the music of a take that is changed goes: into the document that the take was scored for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from v2m_otio.read import Document, open_document

from v2m.errors import V2MError
from v2m.sound_take.opened import AnyTake
from v2m.take.opened import analysis_of
from v2m.take.record import TakeRecord
from v2m_daemon.programme import DOCUMENT_SUFFIXES, Programme


def stem_of(take: AnyTake, what: str) -> str:
    """What a take is called that is made from another: all of one root are numbered in a row."""
    return re.sub(r"-(retimed|restyled)(-\d+)?$", "", take.name) + f"-{what}"


@contextmanager
def homecoming(take: AnyTake, roots: Sequence[Path] = ()) -> Iterator[Document | None]:
    """The document of a take, else the copy with its music beside it; None where neither can be read.

    Args:
        take: the take.
        roots: folders that documents and media may lie in; empty for anywhere.
    """
    for path in _candidates(take):
        if roots and not any(path.resolve().is_relative_to(root.resolve()) for root in roots):
            continue
        try:
            opened = open_document(path, rate=take.record.frame_rate, media_roots=tuple(roots))
            document = opened.__enter__()
        except (V2MError, OSError):
            continue
        try:
            yield document
        finally:
            opened.__exit__(None, None, None)
        return
    yield None


def programme_for(document: Document, record: TakeRecord, start_s: Fraction | None = None) -> Programme:
    """The part of a document that a take is the music of.

    Args:
        document: where it is placed.
        record: of the take.
        start_s: where the part begins; None: where the take's timecode says.
    """
    timeline = document.timeline
    if start_s is None:
        start_s = max(Fraction(0), (record.start_frame - timeline.start_frame) / timeline.rate)
    return Programme(document, analysis_of(record), start_s, record.sources)


def _candidates(take: AnyTake) -> Iterator[Path]:
    for source in take.record.sources[:1]:
        path = Path(source.path)
        if path.suffix.lower() in DOCUMENT_SUFFIXES and path.exists():
            yield path
    beside = take.folder.parent / f"{take.name}_scored.otio"
    if beside.is_file():
        yield beside
