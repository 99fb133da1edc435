"""What a take of composed sound sounds like: the sound along its map, exactly as long as the programme.

Conventions: 48 kHz float32 (s, 2); the one part is called `music`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from v2m.codecs.room import BLOCK_SAMPLES
from v2m.encoders.protocol import Sound
from v2m.fit.course import Piece
from v2m.fit.stretch import CourseSound, Samples, stretched
from v2m.hits import Hit
from v2m.performance import Programme, Recording
from v2m.sound_take.laying import Knots, warp_through
from v2m.stages import Cancel
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

PART: Final = "music"
"""The one stem: a model of sound has no parts."""

_SOFT_START_S: Final = 0.03
"""Sound that is entered between two beats fades in over this; what begins on a beat begins at once."""

_ON_BEAT_S: Final = 0.02


@dataclass(frozen=True)
class Along:
    """Composed sound along a map."""

    samples: Sound
    pieces: tuple[tuple[float, float, float], ...]
    knots: Knots
    tempo_map: TempoMap
    hits: tuple[Hit, ...]
    duration_s: Fraction

    @property
    def programme(self) -> Programme:
        """Its length, and the last hit, whose ring is faded."""
        inside = [hit.time_s for hit in self.hits if hit.kind != "end" and hit.time_s < self.duration_s]
        return Programme(self.duration_s, float(max(inside)) if inside else None)

    def play(
        self,
        cancel: Cancel,
        on_progress: Callable[[float], None] = lambda fraction: None,
        spool_folder: Path | None = None,
    ) -> Recording:
        """Play it once, keeping it on disk and measuring it.

        Raises:
            MissingPartError: the library that stretches is not installed.
            OutputWriteError: the temporary file could not be written.
        """
        programme = self.programme
        recording = Recording(programme, spool_folder)
        try:
            for index, block in enumerate(_seconds(self._sound(programme.sample_count, cancel))):
                cancel()
                stems: Mapping[Any, Samples] = {PART: block}
                recording.add(dict(stems))
                on_progress(min(1.0, (index + 1) * BLOCK_SAMPLES / programme.sample_count))
        except BaseException:
            recording.close()
            raise
        return recording

    def _sound(self, count: int, cancel: Cancel) -> Iterator[Samples]:
        on_beat = any(abs(beat_s) < _ON_BEAT_S for beat_s in self.tempo_map.beats_s)
        rise = 1 if on_beat else round(_SOFT_START_S * SAMPLE_RATE_HZ)
        course = CourseSound(self.samples, [Piece(*piece) for piece in self.pieces])
        at = 0
        for block in stretched(course, warp_through(self.knots), count, cancel):
            if at < rise:
                gain = np.sin(np.minimum((at + 1 + np.arange(len(block))) / rise, 1.0) * np.pi / 2) ** 2
                block = (block * gain[:, None]).astype(np.float32)
            yield block
            at += len(block)


def _seconds(pieces: Iterable[Samples]) -> Iterator[Samples]:
    """The same sound in blocks of a second, the last one shorter."""
    rest = np.zeros((0, 2), np.float32)
    for piece in pieces:
        rest = np.concatenate([rest, piece])
        whole = len(rest) // BLOCK_SAMPLES * BLOCK_SAMPLES
        for at in range(0, whole, BLOCK_SAMPLES):
            yield rest[at : at + BLOCK_SAMPLES]
        rest = rest[whole:]
    if len(rest):
        yield rest
