"""What is to be scored, opened and looked at: a document of an editor or a plain video."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
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
from v2m.stages import Cancel, StageClock, never_cancel
from v2m.take.record import Source
from v2m.timebase import on_frame, parse_time, snap_rate
from v2m.timeline import Timeline

DOCUMENT_SUFFIXES: Final = frozenset(
    (".otio", ".otioz", ".otiod", ".edl", ".xml", ".fcpxml", ".fcpxmld", ".aaf", ".kdenlive", ".mlt", ".drp",
     ".drt", ".prproj", ".ale", ".json")
)  # fmt: skip
"""Taken for a document of an editor, readable or not; everything else is taken for a video."""

_HASHED_WHOLE_BYTES: Final = 16 << 20
_HASHED_END_BYTES: Final = 1 << 20
"""Larger files are known by their size, first and last mebibyte: hashing camera files whole takes minutes."""


Remember = Callable[[str, tuple[Source, ...], Callable[[], Analysis]], Analysis]
"""Gives the analysis of this name and of these files from an interrupted attempt, else makes and keeps it."""


@dataclass(frozen=True)
class Viewing:
    """What is looked at, and how."""

    path: Path
    """Timeline document or video."""

    picture: Path | None = None
    """A render of the programme, looked at instead of its media."""

    encoder: str = "auto"
    in_point: str | None = None
    """Where to begin, as on the command line: seconds, frames or a timecode."""

    out_point: str | None = None
    path_map: tuple[tuple[str, str], ...] = ()
    """(beginning of a path in the document, folder on this machine)."""

    frame_rate: str | None = None
    """Frames a second of an EDL, which says none; as on the command line."""

    roots: tuple[Path, ...] = ()
    """Folders that the document's media may lie in; empty: anywhere."""

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Viewing:
        """What the flags of a command ask for.

        Raises:
            InputError: a file is not there; see `check_files`.
        """
        path, picture = check_files(arguments.timeline, arguments.picture)
        return cls(
            path,
            picture,
            encoder=arguments.encoder,
            in_point=arguments.in_point,
            out_point=arguments.out_point,
            path_map=tuple(arguments.path_map),
            frame_rate=arguments.frame_rate,
        )


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
def open_programme(
    viewing: Viewing,
    clock: StageClock,
    *,
    cancel: Cancel = never_cancel,
    remember: Remember = lambda name, sources, make: make(),
) -> Iterator[Programme]:
    """Read and look at a document or video; bundled media stay readable while the context lasts.

    Args:
        viewing: what and how.
        clock: hears of the stages.
        cancel: raises CancelledError to stop.
        remember: keeps what was seen, for a caller that may be interrupted.

    Raises:
        V2MError: it cannot be read, or the flags make no sense; see `v2m.errors`.
    """
    path = viewing.path
    with ExitStack() as resources:
        look = _Look(viewing, clock, cancel, remember)
        if path.suffix.lower() in DOCUMENT_SUFFIXES:
            with clock.stage("read"):
                mapped = PathMap(viewing.path_map)
                rate = snap_rate(viewing.frame_rate) if viewing.frame_rate else None
                reading = open_document(path, path_map=mapped, media_roots=viewing.roots, rate=rate)
                document = resources.enter_context(reading)
            programme = look.at_part(document, _sources(path, viewing.picture, document.timeline))
        else:
            programme = look.at_video()
        yield programme


def check_files(path: str, picture: str | None = None) -> tuple[Path, Path | None]:
    """The paths of TIMELINE and of the picture render, if one was named.

    Raises:
        InputError: one is not there, or not to be seen by this user, or has a name that is no text.
    """
    for name in (path, picture or ""):
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise InputError(
                f"The name {name!r} holds bytes that are no UTF-8, which no document can refer to.",
                hint="Rename the file or its folder.",
            )
    # os.path answers "no" where pathlib raises: in folders that may not be entered, for names too long
    if not os.path.exists(path):
        raise InputError(f"There is no file {path}.", hint="Check the path.")
    if picture and not os.path.isfile(picture):
        raise InputError(f"There is no picture file {picture}.", hint="Check --picture.")
    return Path(path), Path(picture) if picture else None


@dataclass(frozen=True)
class _Look:
    """One look at a programme."""

    viewing: Viewing
    clock: StageClock
    cancel: Cancel
    remember: Remember

    def at_part(self, document: Document, sources: tuple[Source, ...]) -> Programme:
        """The part of a document that was asked for."""
        viewing, timeline = self.viewing, document.timeline
        start_s, end_s = _range(timeline, viewing)
        whole = start_s == 0 and end_s == timeline.duration_s
        part = timeline if whole else timeline.excerpt(start_s, end_s)
        with self.clock.stage("analyze") as report:

            def make() -> Analysis:
                return analyze(
                    part, picture=viewing.picture, encoder=viewing.encoder, on_progress=report,
                    cancel=self.cancel,
                )  # fmt: skip

            seen = self.remember("part", sources, make)
        # the media of a bundle lie elsewhere in every attempt, so what was remembered names other files
        return Programme(document, replace(seen, timeline=part), start_s, sources)

    def at_video(self) -> Programme:
        """A plain video: its cuts are found in the picture; a part of it is looked at again by itself."""
        viewing = self.viewing
        sources = _fingerprints([viewing.path, *([viewing.picture] if viewing.picture else [])])
        with self.clock.stage("read"):
            has_sound = probe(viewing.path).has_audio
        with self.clock.stage("analyze") as report:

            def make() -> Analysis:
                return analyze_video(
                    viewing.path, encoder=viewing.encoder, on_progress=report, cancel=self.cancel
                )

            whole = self.remember("video", sources, make)
        document = new_document(whole.timeline, viewing.path, has_sound=has_sound)
        if viewing.in_point is None and viewing.out_point is None and viewing.picture is None:
            return Programme(document, whole, Fraction(0), sources)
        return self.at_part(document, sources)


def _range(timeline: Timeline, viewing: Viewing) -> tuple[Fraction, Fraction]:
    def at(text: str | None, otherwise: Fraction) -> Fraction:
        if text is None:
            return otherwise
        time_s = parse_time(
            text, timeline.rate, start_frame=timeline.start_frame, drop_frame=timeline.drop_frame
        )
        return on_frame(time_s, timeline.rate)

    start_s, end_s = at(viewing.in_point, Fraction(0)), at(viewing.out_point, timeline.duration_s)
    if not 0 <= start_s < end_s <= timeline.duration_s:
        raise UsageError(
            f"The range from --in to --out-point is {float(start_s):g}-{float(end_s):g} s, expected one "
            f"within 0-{float(timeline.duration_s):g} s.",
            hint="A timecode counts from the timeline's own start timecode.",
        )
    return start_s, end_s


def _sources(path: Path, picture: Path | None, timeline: Timeline) -> tuple[Source, ...]:
    """What the take is made from; the media in an `.otioz` are known by the bundle, their copies go away."""
    files = [path / CONTENT if path.is_dir() else path, *([picture] if picture else [])]
    if path.suffix.lower() != ".otioz":
        files += [shot.media.path for shot in timeline.shots if shot.media and shot.media.path]
    return _fingerprints(files)


def _fingerprints(files: Iterable[Path]) -> tuple[Source, ...]:
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
