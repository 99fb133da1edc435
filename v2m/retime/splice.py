"""The sound of a retimed take: its own samples where nothing changed, an edit's where something did.

What is kept is copied from the parent where it has it, else played again; both are the same bits. An edit is
played from a little before and fades into what it replaces, so that neither end clicks.
Conventions: 48 kHz float32 (s, 2); `music` stands beside the parts and is their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.audio import WavReader, WavWriter, as_stored
from v2m.audio.wav import Stored
from v2m.codecs.arrangement import PARTS
from v2m.excerpt import Excerpts, mixed
from v2m.retime.edit import Edit
from v2m.retime.plan import Changed, Kept, RetimePlan
from v2m.stages import Cancel

Samples = NDArray[np.float32]
Sound = dict[str, Samples]
Fade = Callable[[Sound, slice, Sound, NDArray[np.float64]], None]

MUSIC: Final = "music"

_FADE_IN: Final = 480
"""10 ms: what an edit changes begins behind it, so both sides are the same music."""

_FADE_OUT: Final = 2400
"""50 ms: only rings differ there."""

_PIECE: Final = 60 * 48_000
"""A minute of six files is copied at once: 138 MB."""

_HANDS: Final = 3
"""Files that are read or written at a time: their library leaves Python's lock to others."""


@dataclass(frozen=True)
class Recorded:
    """A take on disk that holds much of the sound already."""

    folder: Path
    pieces: tuple[Kept | Changed, ...]

    def kept(self, first: int, last: int) -> Iterator[tuple[int, int, int | None]]:
        """A span of the take as it was, as (first, last, where it lies in these files or None)."""
        at = first
        for piece in self.pieces:
            if isinstance(piece, Kept) and piece.last > at and piece.first < last:
                if piece.first > at:
                    yield at, piece.first, None
                    at = piece.first
                end = min(last, piece.last)
                yield at, end, piece.at + at - piece.first
                at = end
        if at < last:
            yield at, last, None

    def changed(self, wanted: Changed) -> int | None:
        """Where these files hold the same edit; None: they do not."""
        for piece in self.pieces:
            if isinstance(piece, Changed) and (piece.edit, piece.length) == (wanted.edit, wanted.length):
                return piece.at
        return None


class Splice:
    """Puts a retimed take's sound together.

    Args:
        plan: what is kept and what changes.
        before: plays the take as it was.
        edits: plays each edit as if it were the only one.
        recorded: takes on disk to copy from, the likeliest first.
        fade: keeps a share of a span of an edit, the rest is what it replaces.
    """

    def __init__(
        self,
        plan: RetimePlan,
        before: Excerpts,
        edits: Mapping[Edit, Excerpts],
        recorded: Sequence[Recorded] = (),
        fade: Fade | None = None,
    ) -> None:
        self._fade = fade or _fade
        self._plan = plan
        self._before = before
        self._edits = edits
        self._recorded = recorded
        played = {part for excerpts in (before, *edits.values()) for part in excerpts.parts}
        self.parts = tuple(part for part in PARTS if part in played)

    def write(self, folder: Path, cancel: Cancel) -> None:
        """Write `music.wav` and `stems/PART.wav`.

        Raises:
            OutputWriteError: the disk is full or the folder not writable.
            MediaError: the take that is copied from is damaged.
        """
        (folder / "stems").mkdir()
        count = self._plan.sample_count
        with ExitStack() as files:
            parts = self._before.parts
            hands = files.enter_context(ThreadPoolExecutor(_HANDS))
            sources = [files.enter_context(_Files(each, self.parts, parts, hands)) for each in self._recorded]
            writers = {
                name: files.enter_context(WavWriter(path))
                for name, path in _paths(folder, self.parts).items()
            }
            for sound in self._sounds(sources):
                cancel()
                ready = [(writer, sound[name][: max(0, count)]) for name, writer in writers.items()]
                _all_done(hands.submit(writer.write, samples) for writer, samples in ready)
                count -= len(sound[MUSIC])
            if count > 0:  # a shift that is no whole number of samples may leave the last one open
                for writer in writers.values():
                    writer.write(np.zeros((count, 2), np.float32))

    def _sounds(self, sources: Sequence[_Files]) -> Iterator[Mapping[str, Samples | Stored]]:
        for piece in self._plan.samples():
            if isinstance(piece, Kept):
                for at in range(piece.first, piece.last, _PIECE):
                    yield from self._copied(sources, at, min(at + _PIECE, piece.last))
            elif (found := _same(sources, piece)) is not None:
                yield found[0].stored(found[1], found[1] + piece.length)
            else:
                yield self._changed(sources, piece)

    def _copied(
        self, sources: Sequence[_Files], first: int, last: int
    ) -> Iterator[Mapping[str, Samples | Stored]]:
        """A span of the take as it was, from the first files that have it, else played."""
        if not sources:
            yield self._played(self._before, first, last)
            return
        source, *others = sources
        for begin, end, at in source.recorded.kept(first, last):
            if at is None:
                yield from self._copied(others, begin, end)
            else:
                yield source.stored(at, at + end - begin)

    def _kept(self, sources: Sequence[_Files], first: int, last: int) -> Sound:
        """The same as numbers to reckon with."""
        if not sources:
            return _stored(self._played(self._before, first, last))
        source, *others = sources
        return _joined(
            [
                self._kept(others, begin, end) if at is None else source.read(at, at + end - begin)
                for begin, end, at in source.recorded.kept(first, last)
            ]
        )

    def _played(self, excerpts: Excerpts, first: int, last: int) -> Sound:
        """A span played now; silence past the end."""
        sounds: list[Sound] = []
        for stems in excerpts.stretch(first, last):
            parts: Sound = {str(part): samples for part, samples in stems.items()}
            sounds.append({MUSIC: mixed(stems), **parts})
        length = sum(len(sound[MUSIC]) for sound in sounds)
        return self._filled(_joined(sounds) if sounds else {}, last - first, length)

    def _filled(self, sound: Sound, count: int, length: int) -> Sound:
        """The same with all parts, at its full length."""
        full = {name: np.zeros((count, 2), np.float32) for name in (MUSIC, *self.parts)}
        for name, samples in sound.items():
            full[name][:length] = samples
        return full

    def _changed(self, sources: Sequence[_Files], piece: Changed) -> Sound:
        """An edit, faded into what lies around it."""
        sound = self._played(self._edits[piece.edit], piece.first, piece.first + piece.length)
        if piece.first > 0:
            fade = min(_FADE_IN, piece.length)
            there = self._kept(sources, piece.first, piece.first + fade)
            self._fade(sound, slice(0, fade), there, (np.arange(fade) + 1) / (fade + 1))
        if piece.goes_on is not None:
            fade = min(_FADE_OUT, piece.length)
            there = self._kept(sources, piece.goes_on - fade, piece.goes_on)
            self._fade(
                sound, slice(piece.length - fade, piece.length), there, 1 - (np.arange(fade) + 1) / (fade + 1)
            )
        return sound


def _same(sources: Sequence[_Files], piece: Changed) -> tuple[_Files, int] | None:
    """The files that hold an edit already, and where."""
    for source in sources:
        if (at := source.recorded.changed(piece)) is not None:
            return source, at
    return None


def _stored(sound: Sound) -> Sound:
    """As the files have it: a fade must not depend on where its other side came from."""
    return {name: as_stored(samples) for name, samples in sound.items()}


def _fade(sound: Sound, span: slice, other: Sound, share: NDArray[np.float64]) -> None:
    """Keep a share of a span, the rest is the other sound."""
    weight = share.astype(np.float32)[:, None]
    for name, samples in sound.items():
        samples[span] = weight * samples[span] + (1 - weight) * other[name]


def _joined(sounds: list[Sound]) -> Sound:
    return sounds[0] if len(sounds) == 1 else {
        name: np.concatenate([sound[name] for sound in sounds]) for name in sounds[0]
    }  # fmt: skip


def _all_done(futures: Iterable[Future[Any]]) -> None:
    """Wait until none runs any more, whatever the others did; then what one of them raised is raised."""
    for future in wait(list(futures)).done:
        future.result()


def _paths(folder: Path, parts: tuple[str, ...]) -> dict[str, Path]:
    return {MUSIC: folder / "music.wav", **{part: folder / "stems" / f"{part}.wav" for part in parts}}


class _Files:
    """The files of a recorded take, open for reading; a context manager."""

    def __init__(
        self, recorded: Recorded, parts: tuple[str, ...], needed: tuple[str, ...], hands: Executor
    ) -> None:
        self.recorded = recorded
        self._hands = hands
        self._paths = _paths(recorded.folder, parts)
        self._needed = {MUSIC, *needed}
        self._open = ExitStack()

    def __enter__(self) -> _Files:
        self._readers = {
            name: self._open.enter_context(WavReader(path))
            for name, path in self._paths.items()
            if name in self._needed or path.is_file()  # a part that an edit brought in is silent before
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def stored(self, first: int, last: int) -> dict[str, Stored]:
        """A span of all files as it lies there."""
        silence = np.zeros((last - first, 2), np.int32)
        read = {
            name: self._hands.submit(reader.stored, first, last) for name, reader in self._readers.items()
        }
        _all_done(read.values())
        return {name: read[name].result() if name in read else silence for name in self._paths}

    def read(self, first: int, last: int) -> Sound:
        """A span of all files."""
        silence = np.zeros((last - first, 2), np.float32)
        return {
            name: self._readers[name][first:last] if name in self._readers else silence
            for name in self._paths
        }
