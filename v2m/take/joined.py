"""Parts of a take, kept sample for sample, joined with parts that are played anew.

What is kept stays as it lies on disk; what is new carries the take's own master gain, and gives way for the
milliseconds in which both together would exceed the ceiling. Their sum is the music.
Conventions: 48 kHz float32 (s, 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from v2m.audio import MasterPlan, MasterSettings, WavReader, WavWriter
from v2m.audio.limiter import sharing_gains
from v2m.audio.peaks import PeakMeter
from v2m.codecs.arrangement import PARTS, Arrangement, Part
from v2m.codecs.room import BLOCK_SAMPLES
from v2m.codecs.synth import ScoreSynth, Stems
from v2m.excerpt import mixed
from v2m.performance import Recording, Samples, play
from v2m.piece import Piece
from v2m.stages import Cancel


def write_joined(
    folder: Path,
    *,
    kept: Path,
    kept_parts: Iterable[Part],
    own: Arrangement,
    piece: Piece,
    synth: ScoreSynth,
    gain: float,
    settings: MasterSettings,
    cancel: Cancel,
) -> None:
    """Write `music.wav` and `stems/` into a folder.

    Args:
        folder: an empty one.
        kept: a take's folder, whose stems of `kept_parts` are taken over.
        kept_parts: which.
        own: the other parts as they are played.
        piece: the whole, whose tempo map and length count.
        synth: plays the other parts.
        gain: the master's, linear.
        settings: whose ceiling is kept.
        cancel: raises CancelledError to stop.

    Raises:
        MediaError: a kept stem is damaged.
        OutputWriteError: the disk is full or the folder not writable.
    """
    (folder / "stems").mkdir()
    with ExitStack() as files:
        readers = {
            part: files.enter_context(WavReader(kept / "stems" / f"{part}.wav")) for part in kept_parts
        }
        recording = files.enter_context(
            play(synth, own, piece.tempo_map, piece.programme, cancel, spool_folder=folder)
        )
        plan = _plan(readers, recording, gain, settings, cancel)
        _write(folder, readers, recording, plan, cancel)


def _blocks(readers: dict[Part, WavReader], recording: Recording) -> Iterator[tuple[int, Stems, Stems]]:
    """(first sample, kept parts, new parts), second by second."""
    count = recording.programme.sample_count
    for at, new in recording.blocks():
        last = min(at + BLOCK_SAMPLES, count)
        yield at, {part: reader[at:last] for part, reader in readers.items()}, new


def _plan(
    readers: dict[Part, WavReader],
    recording: Recording,
    gain: float,
    settings: MasterSettings,
    cancel: Cancel,
) -> MasterPlan:
    """How the new parts give way."""
    kept_peaks, all_peaks = PeakMeter(), PeakMeter()
    count = recording.programme.sample_count
    for at, kept, new in _blocks(readers, recording):
        cancel()
        length = min(BLOCK_SAMPLES, count - at)
        below = _sum(kept, length)
        kept_peaks.add(below)
        all_peaks.add(below + np.float32(gain) * _sum(new, length))
    return MasterPlan(
        gain, sharing_gains(kept_peaks.frame_peaks(), all_peaks.frame_peaks(), settings.ceiling)
    )


def _write(
    folder: Path, readers: dict[Part, WavReader], recording: Recording, plan: MasterPlan, cancel: Cancel
) -> None:
    ending = recording.programme.ending
    count = recording.programme.sample_count
    with ExitStack() as files:
        music = files.enter_context(WavWriter(folder / "music.wav"))
        stems: dict[Part, WavWriter] = {}
        for at, kept, new in _blocks(readers, recording):
            cancel()
            shaped = {part: ending.shape(plan.apply(samples, at), at) for part, samples in new.items()}
            parts = {**kept, **shaped}
            ordered = {part: parts[part] for part in PARTS if part in parts}
            music.write(_sum(ordered, min(BLOCK_SAMPLES, count - at)))
            for part, samples in ordered.items():
                if part not in stems:
                    stems[part] = files.enter_context(WavWriter(folder / "stems" / f"{part}.wav"))
                stems[part].write(samples)


def _sum(stems: Stems, length: int) -> Samples:
    return mixed(stems) if stems else np.zeros((length, 2), np.float32)
