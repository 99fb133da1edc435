"""What a fitted take sounds like: its song along its map, faded at its ends, as loud as wished.

All of it follows from the take's record and the song that lies in its folder, so it can be made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from v2m.audio import Ending, MasterSettings, WavWriter, master_blocks
from v2m.fit.course import Piece, Warp
from v2m.fit.stretch import CourseSound, Samples, stretched
from v2m.hits import Hit
from v2m.stages import Cancel
from v2m.take.record import Fitted, TakeRecord
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ, samples_covering

_SOFT_START_S: Final = 0.03
"""Music that is entered between two beats fades in over this; one that begins on a beat begins at once."""

_ON_BEAT_S: Final = 0.02
"""So near to the first frame a beat begins with it."""


@dataclass(frozen=True)
class Playing:
    """Everything but the song's own sound."""

    fitted: Fitted
    tempo_map: TempoMap
    hits: tuple[Hit, ...]
    duration_s: Fraction
    loudness_lufs: float

    @classmethod
    def of(cls, record: TakeRecord, fitted: Fitted) -> Playing:
        """As a take's record says."""
        loudness_lufs = float(record.settings["loudness_lufs"])
        return cls(fitted, record.tempo_map, record.hits, record.duration_s, loudness_lufs)

    def write(self, wav: Path, samples: Samples, cancel: Cancel) -> None:
        """Write the music.

        Args:
            wav: where to.
            samples: the song, (s, 2).
            cancel: raises CancelledError to stop.

        Raises:
            OutputWriteError: it cannot be written.
        """
        with WavWriter(wav) as writer:
            for block in master_blocks(self._faded(samples, cancel), MasterSettings(self.loudness_lufs)):
                writer.write(block)

    def _faded(self, samples: Samples, cancel: Cancel) -> Iterator[Samples]:
        """The music with a soft start where it is entered between two beats, and an ending."""
        count = samples_covering(self.duration_s)
        last = max((hit.time_s for hit in self.hits if hit.kind != "end"), default=None)
        ending = Ending(count, None if last is None else round(last * SAMPLE_RATE_HZ))
        on_beat = any(abs(beat_s) < _ON_BEAT_S for beat_s in self.tempo_map.beats_s)
        rise = 1 if on_beat else round(_SOFT_START_S * SAMPLE_RATE_HZ)
        at = 0
        for block in stretched(
            CourseSound(samples, pieces_of(self.fitted)), warp_of(self.fitted), count, cancel
        ):
            if at < rise:
                gain = np.sin(np.minimum((at + 1 + np.arange(len(block))) / rise, 1.0) * np.pi / 2) ** 2
                block = (block * gain[:, None]).astype(np.float32)
            yield ending.shape(block, at)
            at += len(block)


def pieces_of(fitted: Fitted) -> list[Piece]:
    """What is played, in order."""
    return [Piece(*piece) for piece in fitted.pieces]


def warp_of(fitted: Fitted) -> Warp:
    """When it sounds."""
    course_s, time_s = np.array(fitted.knots, np.float64).T
    return Warp(course_s, time_s)
