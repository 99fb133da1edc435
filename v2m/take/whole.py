"""The files of a take as it is before any hit is moved, made from its latents."""

from __future__ import annotations

from pathlib import Path

from v2m.codecs.arrangement import PARTS
from v2m.codecs.midi import write_midi
from v2m.codecs.parts import only_parts
from v2m.codecs.synth import ScoreSynth
from v2m.performance import play
from v2m.stages import Cancel, StageClock
from v2m.take.joined import write_joined
from v2m.take.latents import write_latents
from v2m.take.opened import OpenedTake


def write_whole(
    take: OpenedTake,
    folder: Path,
    synth: ScoreSynth,
    clock: StageClock,
    cancel: Cancel,
    kept: Path | None = None,
) -> float:
    """Write all files but the record; returns the master's gain.

    Args:
        take: without moved hits; it need not be on disk.
        folder: an empty one.
        synth: plays with the take's SoundFont.
        clock: hears of the stages.
        cancel: raises CancelledError to stop.
        kept: where the stems lie of the parts that the take took over, if it did.

    Raises:
        OutputWriteError: the disk is full or the folder not writable.
        MediaError: a kept stem is damaged.
    """
    piece = take.piece_before
    gain = take.record.master_gain
    if kept is None:
        with clock.stage("render") as report:
            recording = play(
                synth, piece.played, piece.tempo_map, piece.programme, cancel, report, spool_folder=folder
            )
        with recording, clock.stage("master") as report:
            gain = recording.write(folder, take.mastering, cancel, report).gain
    else:
        with clock.stage("render"):
            write_joined(
                folder,
                kept=kept,
                kept_parts=take.kept_parts,
                own=only_parts(piece.played, set(PARTS) - set(take.kept_parts)),
                piece=piece,
                synth=synth,
                gain=gain,
                settings=take.mastering,
                cancel=cancel,
            )
    write_midi(folder / "score.mid", piece.played, piece.tempo_map)
    write_latents(folder, take.latents)
    return gain
