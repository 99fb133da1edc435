"""A composition played into files: mastered music, stems that sum to it, and MIDI.

The stems carry the master's own gain, so they add up to the music: an editor who mutes one hears the rest
as it was. Everything goes second by second through a spool on disk, so memory does not grow with length.
Conventions: 48 kHz float32 (s, 2); sample 0 is the first frame of the programme.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.audio import Ending, MasterSettings, MixMeter, WavWriter
from v2m.audio.mastering import MasterPlan
from v2m.codecs.arrangement import Arrangement, Part
from v2m.codecs.midi import write_midi
from v2m.codecs.room import BLOCK_SAMPLES
from v2m.codecs.synth import ScoreSynth, Stems
from v2m.errors import OutputWriteError
from v2m.stages import Cancel
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ, samples_covering

Samples = NDArray[np.float32]

_SAMPLE_BYTES: Final = 8  # two float32


@dataclass(frozen=True)
class Programme:
    """What the music has to fit."""

    duration_s: Fraction
    """Whole frames of the timeline."""

    last_attack_s: float | None
    """The hit that ends it; its ring is faded, its attack is not."""

    @property
    def sample_count(self) -> int:
        """Length of the music; the last frame is covered whole."""
        return samples_covering(self.duration_s)

    @property
    def ending(self) -> Ending:
        """How the music goes out."""
        last_s = self.last_attack_s
        return Ending(self.sample_count, None if last_s is None else round(last_s * SAMPLE_RATE_HZ))


def play(
    synth: ScoreSynth,
    arrangement: Arrangement,
    tempo_map: TempoMap,
    programme: Programme,
    cancel: Cancel,
    on_progress: Callable[[float], None] = lambda fraction: None,
    *,
    spool_folder: Path | None = None,
) -> Recording:
    """Play the parts once, keeping them on disk and measuring their mix.

    Args:
        synth: plays.
        arrangement: what is played.
        tempo_map: when its beats are.
        programme: how long.
        cancel: raises CancelledError to stop.
        on_progress: told the fraction that was played.
        spool_folder: where the parts wait to be mastered; by default the system's folder for temporary
            files, which on many machines lies in memory.

    Raises:
        OutputWriteError: the temporary files, 23 MB a minute and part, could not be written.
    """
    recording = Recording(programme, spool_folder)
    try:
        blocks = synth.blocks(arrangement, tempo_map, sample_count=programme.sample_count)
        for index, block in enumerate(blocks):
            cancel()
            recording.add(block)
            on_progress(min(1.0, (index + 1) * BLOCK_SAMPLES / programme.sample_count))
    except BaseException:
        recording.close()
        raise
    return recording


class Recording:
    """The parts as played, before mastering; close it, or use it in a `with`."""

    def __init__(self, programme: Programme, spool_folder: Path | None = None) -> None:
        self.programme = programme
        self._spool_folder = spool_folder
        self.meter = MixMeter()
        self._spools: dict[Part, IO[bytes]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the temporary files go."""
        self._open.close()

    def add(self, block: Stems) -> None:
        """The next second of every part."""
        mix = np.zeros((BLOCK_SAMPLES, 2), np.float32)
        length = 0
        for part, samples in block.items():
            length = len(samples)
            mix[:length] += samples
            self._spool(part, samples)
        self.meter.add(mix[:length])

    def _spool(self, part: Part, samples: Samples) -> None:
        try:
            if part not in self._spools:
                file: Any = tempfile.TemporaryFile(prefix=f"v2m-{part}-", dir=self._spool_folder)  # noqa: SIM115
                self._spools[part] = self._open.enter_context(file)  # `close` closes it
            self._spools[part].write(np.ascontiguousarray(samples, np.float32).tobytes())
        except OSError as error:
            raise OutputWriteError(
                f"The parts could not be kept in {self._spool_folder or tempfile.gettempdir()}: "
                f"{error.strerror}.",
                hint="Free some space there"
                + (", or set TMPDIR to a folder that has it." if self._spool_folder is None else "."),
            ) from error

    def write(
        self,
        folder: Path,
        settings: MasterSettings,
        cancel: Cancel,
        on_progress: Callable[[float], None] = lambda fraction: None,
    ) -> MasterPlan:
        """Write `music.wav` and `stems/PART.wav` into a folder; says how they were mastered.

        Raises:
            OutputWriteError: the disk is full or the folder not writable.
        """
        plan = self.meter.plan(settings)
        (folder / "stems").mkdir()
        count = self.programme.sample_count
        with ExitStack() as files:
            music = files.enter_context(WavWriter(folder / "music.wav"))
            stems = {
                part: files.enter_context(WavWriter(folder / "stems" / f"{part}.wav"))
                for part in self._spools
            }
            for at, pieces in self.mastered(plan):
                cancel()
                music.write(_sum(pieces, min(BLOCK_SAMPLES, count - at)))
                for part, samples in pieces.items():
                    stems[part].write(samples)
                on_progress(min(1.0, (at + BLOCK_SAMPLES) / count))
        return plan

    def mastered(self, plan: MasterPlan) -> Iterator[tuple[int, Stems]]:
        """The parts as they are delivered, second by second: (first sample, parts)."""
        ending = self.programme.ending
        for at, pieces in self.blocks():
            yield at, {part: ending.shape(plan.apply(piece, at), at) for part, piece in pieces.items()}

    def blocks(self) -> Iterator[tuple[int, Stems]]:
        """What was played, second by second: (first sample, parts)."""
        for spool in self._spools.values():
            spool.seek(0)
        for at in range(0, self.programme.sample_count, BLOCK_SAMPLES):
            yield at, {part: _read(spool) for part, spool in self._spools.items()}


def _read(spool: IO[bytes]) -> Samples:
    return np.frombuffer(spool.read(BLOCK_SAMPLES * _SAMPLE_BYTES), np.float32).reshape(-1, 2)


def _sum(pieces: Stems, length: int) -> Samples:
    total = np.zeros((length, 2), np.float32)
    for samples in pieces.values():
        total += samples
    return total


def perform(
    folder: Path,
    arrangement: Arrangement,
    tempo_map: TempoMap,
    programme: Programme,
    *,
    synth: ScoreSynth,
    settings: MasterSettings,
    cancel: Cancel,
) -> None:
    """Play, master and write `music.wav`, `stems/` and `score.mid` into a folder."""
    with play(synth, arrangement, tempo_map, programme, cancel) as recording:
        recording.write(folder, settings, cancel)
    write_midi(folder / "score.mid", arrangement, tempo_map)
