"""Stretches of a mastered performance, the same to the last bit as in the whole.

Nothing in the player or the master looks farther than a few seconds: notes are played one by one, the room
and the limiter forget, and the gain is the take's own. So a stretch costs what it lasts, wherever it lies.
Conventions: 48 kHz float32 (s, 2); the blocks of `v2m.codecs.room` on their grid from sample 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from v2m.audio import Ending, MasterSettings, MixMeter
from v2m.audio.limiter import FORGETS_FRAMES, LOOK_AHEAD_FRAMES
from v2m.audio.mastering import MasterPlan
from v2m.audio.peaks import FRAME_SAMPLES
from v2m.codecs.arrangement import Part
from v2m.codecs.room import BLOCK_SAMPLES
from v2m.codecs.synth import ScoreSynth, Stems
from v2m.piece import Piece

_BEFORE_BLOCKS = FORGETS_FRAMES * FRAME_SAMPLES // BLOCK_SAMPLES
_AFTER_SAMPLES = 2 * (LOOK_AHEAD_FRAMES + 3) * FRAME_SAMPLES
"""What the limiter hears ahead: its window, the neighbours of a peak and the peaks' filter, twice over."""

_PIECE_BLOCKS = 60
"""Played at once: a minute of five parts takes 115 MB."""


@dataclass(frozen=True)
class Excerpts:
    """A performance of which any stretch can be played."""

    synth: ScoreSynth
    piece: Piece
    gain: float
    """The master's, of the whole."""

    settings: MasterSettings

    def stretch(self, first: int, last: int) -> Iterator[Stems]:
        """The parts from sample `first` up to `last`, a minute at a time; those that play anywhere."""
        count = self.piece.programme.sample_count
        end = min(last, count)
        while first < end:
            stop = min(end, (first // BLOCK_SAMPLES + _PIECE_BLOCKS) * BLOCK_SAMPLES)
            yield self._piece(first, stop)
            first = stop

    def _piece(self, first: int, last: int) -> Stems:
        begin = max(0, first // BLOCK_SAMPLES - _BEFORE_BLOCKS)
        blocks = list(self._blocks(begin, last + _AFTER_SAMPLES))
        plan = self._plan(begin, blocks)
        kept = range(first // BLOCK_SAMPLES, -(-last // BLOCK_SAMPLES))
        ending = self._ending()
        mastered = [
            {
                part: ending.shape(plan.apply(samples, index * BLOCK_SAMPLES), index * BLOCK_SAMPLES)
                for part, samples in blocks[index - begin].items()
            }
            for index in kept
        ]
        cut = slice(first - kept.start * BLOCK_SAMPLES, last - kept.start * BLOCK_SAMPLES)
        return {part: np.concatenate([block[part] for block in mastered])[cut] for part in self.parts}

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that play anywhere in the piece, in the order in which they are mixed."""
        return self.synth.parts(self.piece.played)

    def _blocks(self, begin: int, until: int) -> Iterator[Stems]:
        count = self.piece.programme.sample_count
        wanted = -(-min(until, count) // BLOCK_SAMPLES) - begin
        blocks = self.synth.blocks(
            self.piece.played, self.piece.tempo_map, sample_count=count, first_block=begin
        )
        return islice(blocks, wanted)

    def _plan(self, begin: int, blocks: list[Stems]) -> MasterPlan:
        meter = MixMeter()
        for block in blocks:
            meter.add(mixed(block))
        return meter.excerpt_plan(self.gain, self.settings, begin * BLOCK_SAMPLES // FRAME_SAMPLES)

    def _ending(self) -> Ending:
        return self.piece.programme.ending


def mixed(stems: Stems) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """The sum of the parts, in their order."""
    pieces = list(stems.values())
    total = np.zeros_like(pieces[0])
    for samples in pieces:
        total += samples
    return total
