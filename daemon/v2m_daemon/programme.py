"""What the user named on the command line, opened and looked at: a document or a plain video."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from v2m_otio.bundles import CONTENT
from v2m_otio.create import new_document
from v2m_otio.read import Document, open_document
from v2m_otio.targets import PathMap

from v2m.analysis import Analysis, analyze, analyze_video
from v2m.errors import InputError, UsageError
from v2m.frames import probe
from v2m.stages import StageClock
from v2m.take import Source
from v2m.timebase import on_frame, parse_time
from v2m.timeline import Timeline

DOCUMENT_SUFFIXES: Final = frozenset(
    (".otio", ".otioz", ".otiod", ".edl", ".xml", ".fcpxml", ".fcpxmld", ".aaf", ".kdenlive", ".mlt", ".drp",
     ".drt", ".prproj", ".ale", ".json")
)  # fmt: skip
"""Taken for a document of an editor, readable or not; everything else is taken for a video."""

_HASHED_WHOLE_BYTES: Final = 16 << 20
_HASHED_END_BYTES: Final = 1 << 20
"""Larger files are known by their size, first and last mebibyte: hashing camera files whole takes minutes."""


@dataclass(frozen=True)
class Programme:
    """The part of a timeline that is scored, as it was seen."""

    document: Document
    """Where the music is placed; made anew for a plain video."""

    analysis: Analysis
    start_s: Fraction
    """Where the part begins in the document."""

    sources: tuple[Source, ...]


@contextmanager
def open_programme(arguments: argparse.Namespace, clock: StageClock) -> Iterator[Programme]:
    """Read and look at what TIMELINE names; bundled media stay readable while the context lasts.

    Raises:
        V2MError: it cannot be read, or the flags make no sense; see `v2m.errors`.
    """
    path, picture = check_files(arguments)
    with ExitStack() as resources:
        if path.suffix.lower() in DOCUMENT_SUFFIXES:
            with clock.stage("read"):
                reading = open_document(path, path_map=PathMap(tuple(arguments.path_map)))
                document = resources.enter_context(reading)
            analysis, start_s = _look(document.timeline, picture, arguments, clock)
        else:
            document, analysis, start_s = _watch(path, picture, arguments, clock)
        yield Programme(document, analysis, start_s, _sources(path, picture, document.timeline))


def check_files(arguments: argparse.Namespace) -> tuple[Path, Path | None]:
    """The paths of TIMELINE and of the picture render, if one was named.

    Raises:
        InputError: one is not there, or not to be seen by this user, or has a name that is no text.
    """
    for name in (arguments.timeline, arguments.picture or ""):
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise InputError(
                f"The name {name!r} holds bytes that are no UTF-8, which no document can refer to.",
                hint="Rename the file or its folder.",
            )
    # os.path answers "no" where pathlib raises: in folders that may not be entered, for names too long
    if not os.path.exists(arguments.timeline):
        raise InputError(f"There is no file {arguments.timeline}.", hint="Check the path.")
    if arguments.picture and not os.path.isfile(arguments.picture):
        raise InputError(f"There is no picture file {arguments.picture}.", hint="Check --picture.")
    return Path(arguments.timeline), Path(arguments.picture) if arguments.picture else None


def _look(
    timeline: Timeline, picture: Path | None, arguments: argparse.Namespace, clock: StageClock
) -> tuple[Analysis, Fraction]:
    start_s, end_s = _range(timeline, arguments)
    whole = start_s == 0 and end_s == timeline.duration_s
    part = timeline if whole else timeline.excerpt(start_s, end_s)
    with clock.stage("analyze") as report:
        seen = analyze(part, picture=picture, encoder=arguments.encoder, on_progress=report)
    return seen, start_s


def _watch(
    path: Path, picture: Path | None, arguments: argparse.Namespace, clock: StageClock
) -> tuple[Document, Analysis, Fraction]:
    """A plain video: its cuts are found in the picture; a part of it is looked at again by itself."""
    with clock.stage("read"):
        has_sound = probe(path).has_audio
    with clock.stage("analyze"):
        whole = analyze_video(path, encoder=arguments.encoder)
    document = new_document(whole.timeline, path, has_sound=has_sound)
    if arguments.in_point is None and arguments.out_point is None and picture is None:
        return document, whole, Fraction(0)
    return document, *_look(whole.timeline, picture, arguments, clock)


def _range(timeline: Timeline, arguments: argparse.Namespace) -> tuple[Fraction, Fraction]:
    def at(text: str | None, otherwise: Fraction) -> Fraction:
        if text is None:
            return otherwise
        time_s = parse_time(
            text, timeline.rate, start_frame=timeline.start_frame, drop_frame=timeline.drop_frame
        )
        return on_frame(time_s, timeline.rate)

    start_s, end_s = at(arguments.in_point, Fraction(0)), at(arguments.out_point, timeline.duration_s)
    if not 0 <= start_s < end_s <= timeline.duration_s:
        raise UsageError(
            f"The range from --in to --out-point is {float(start_s):g}-{float(end_s):g} s, expected one "
            f"within 0-{float(timeline.duration_s):g} s.",
            hint="A timecode counts from the timeline's own start timecode.",
        )
    return start_s, end_s


def _sources(path: Path, picture: Path | None, timeline: Timeline) -> tuple[Source, ...]:
    """What the take was made from; the media in an `.otioz` are known by the bundle, their copies go away."""
    files = [path / CONTENT if path.is_dir() else path, *([picture] if picture else [])]
    if path.suffix.lower() != ".otioz":
        files += [shot.media.path for shot in timeline.shots if shot.media and shot.media.path]
    absolute = dict.fromkeys(file.absolute() for file in files)
    return tuple(Source(str(file), fingerprint(file)) for file in absolute if file.is_file())


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, of a large one over its size, first and last mebibyte; hexadecimal."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _HASHED_WHOLE_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256(str(size).encode() + file.read(_HASHED_END_BYTES))
        file.seek(-_HASHED_END_BYTES, 2)
        digest.update(file.read())
        return digest.hexdigest()
