"""The second verb for composed sound: hits elsewhere, the sound bent, or composed again where it must be.

The plan is that for notes: the beats that were heard take the place of written ones. Outside of the spans
that it announces the samples are the take's own.
Conventions: as in `opened`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from v2m import __version__
from v2m.backbones.sound.model import SoundModel
from v2m.codecs.synth import Stems
from v2m.encoders import protocol
from v2m.errors import OutputWriteError
from v2m.excerpt import Excerpts
from v2m.measures import measures
from v2m.plan import offbeat_notes
from v2m.report.write import write_looks
from v2m.retime.edit import Edit
from v2m.retime.plan import RetimePlan, plan_of
from v2m.retime.splice import Recorded, Splice
from v2m.retime.verb import Retiming, kept_notes
from v2m.score import Scored, finished_before
from v2m.sound_take.edited import fade_levelled, joined, knots_of, lengthened
from v2m.sound_take.files import (
    BEFORE,
    COMPOSED,
    SoundLatents,
    check_file,
    sha256_of,
    write_latents,
    write_sound,
)
from v2m.sound_take.opened import SoundTake
from v2m.sound_take.playing import Along
from v2m.sound_take.renewal import Remade, remade, remade_before
from v2m.sound_take.spool import Spool, blocks
from v2m.stages import Cancel, StageClock, never_cancel
from v2m.take.opened import analysis_of
from v2m.take.pictures import moved_pictures, read_pictures
from v2m.take.record import Patch, Sound, TakeRecord, write_record
from v2m.take.shelf import TakeShelf

_NAME: Final = "patch-{}.wav"


def retime_sound(
    take: SoundTake,
    wish: Retiming,
    *,
    shelf: TakeShelf,
    stem: str,
    clock: StageClock | None = None,
    cancel: Cancel = never_cancel,
    model: SoundModel | None = None,
    with_report: bool = True,
) -> Scored:
    """Make the take that a plan tells of.

    Args:
        take: the take as it is.
        wish: what is done.
        shelf: gets `STEM.v2m`.
        stem: name of the new take.
        clock: hears of the stages.
        cancel: raises CancelledError to stop; the shelf then leaves nothing behind.
        model: one that is loaded already; None loads the take's own where something is composed again.
        with_report: whether the new take gets a page to look at.

    Raises:
        V2MError: see `v2m.errors`.
    """
    clock = clock or StageClock()
    shelf.check(stem)
    building = shelf.new()
    if done := finished_before(shelf, stem, building):
        return done
    with clock.stage("compose") as report:
        made = remade(take, wish, model, report, cancel)
    try:
        with clock.stage("render"):
            sound = _write(take, wish.plan, made, building, cancel)
            if not wish.plan.edits:  # all hits are back where they were
                (building / BEFORE).unlink()
        with clock.stage("master"):
            record = _record(take, wish, sound)
            found = measures(analysis_of(record), record.tempo_map, building / "music.wav")
            record = replace(record, metrics={**_lasting(take.record), **found})
        with clock.stage("master"):
            pictures = moved_pictures(read_pictures(take.folder), take.record, record)
            write_looks(building, record, clock.seconds, pictures, report=with_report)
            write_record(building, record)
    except OSError as error:
        raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
    return Scored(shelf.put(building, stem), record)


def remake_sound(take: SoundTake, folder: Path, clock: StageClock, cancel: Cancel = never_cancel) -> None:
    """Make all files of a take again from its sound, in an empty folder.

    Raises:
        DocumentError: a file that it was made from is not there, or was changed.
        OutputWriteError: the folder cannot be written to.
    """
    record, plan = take.record, plan_of(take.record)
    with clock.stage("render"):
        if plan is None:
            shutil.copyfile(
                check_file(take.folder, take.sound.laid.song, take.sound.laid.sha256), folder / COMPOSED
            )
            with before_moves(take).play(cancel, spool_folder=folder) as recording:
                recording.write(folder, take.mastering, cancel)
            write_latents(folder, take.latents)
        else:
            _write(take, plan, remade_before(take, plan), folder, cancel)
    with clock.stage("master"):
        found = measures(analysis_of(record), record.tempo_map, folder / "music.wav")
        write_record(folder, replace(record, metrics={**record.metrics, **found}))


def before_moves(take: SoundTake) -> Along:
    """The take before any hit was moved, ready to be played."""
    before, laid = take.record.before, take.sound.laid
    return Along(take.composed, laid.pieces, laid.knots, before.tempo_map, before.hits, before.duration_s)


class _Played:
    """A take with one edit, or none, of which any stretch can be played; as `v2m.excerpt.Excerpts`."""

    parts = ()

    def __init__(self, take: SoundTake, along: Along, folder: Path, cancel: Cancel) -> None:
        self._take, self._along, self._folder, self._cancel = take, along, folder, cancel

    def stretch(self, first: int, last: int) -> Iterator[Stems]:
        yield cast(Stems, {"music": self._mastered[first:last]})

    @cached_property
    def _mastered(self) -> Spool:
        """With the take's own gain, so that what bends is as loud as what stays."""
        spool = Spool(self._folder)
        with self._along.play(self._cancel, spool_folder=self._folder) as recording:
            plan = recording.meter.excerpt_plan(self._take.record.master_gain, self._take.mastering, 0)
            for _, stems in recording.mastered(plan):
                spool.write(next(iter(stems.values())))
        return spool

    def close(self) -> None:
        """Let what was played go."""
        if "_mastered" in self.__dict__:
            self._mastered.close()


def _write(
    take: SoundTake, plan: RetimePlan, remade: Mapping[Edit, Remade], folder: Path, cancel: Cancel
) -> Sound:
    """Write all files of a take but its record; returns what the record says of its sound."""
    edits = {
        placed.edit: _Played(take, _along(take, placed.edit, remade), folder, cancel) for placed in plan.edits
    }
    before = _Played(take, before_moves(take), folder, cancel)
    shutil.copyfile(take.music, folder / BEFORE)
    files = (Recorded(folder / "held", (plan.all_kept,)),)
    (folder / "held").mkdir()
    try:
        shutil.copyfile(take.music, folder / "held" / "music.wav")
        played = cast(Mapping[Edit, Excerpts], edits)
        Splice(plan, cast(Excerpts, before), played, files, fade_levelled).write(folder, cancel)
    finally:
        shutil.rmtree(folder / "held")
        for each in (before, *edits.values()):
            each.close()
    shutil.copyfile(folder / "music.wav", folder / "stems" / "music.wav")
    write_sound(folder / COMPOSED, blocks(take.composed))
    write_latents(folder, _latents(take, plan, remade))
    return _told(take, plan, remade, folder)


def _along(take: SoundTake, edit: Edit, remade: Mapping[Edit, Remade]) -> Along:
    """The take with this edit alone."""
    before, laid, rate_hz = take.record.before, take.sound.laid, take.sound.latent_rate_hz
    moments = edit.applied(before)
    composed: protocol.Sound = take.composed
    pieces = laid.pieces
    if edit in remade:
        made = remade[edit]
        composed, knots = joined(composed, made.patch, made.region, rate_hz), made.knots
        pieces = lengthened(pieces, len(composed) - len(take.composed))
    else:
        knots = knots_of(edit, before, laid.knots, None, rate_hz)
    return Along(composed, pieces, knots, moments.tempo_map, moments.hits, moments.duration_s)


def _latents(take: SoundTake, plan: RetimePlan, remade: Mapping[Edit, Remade]) -> SoundLatents:
    frames = take.latents.before
    for placed in reversed(plan.edits):
        if (made := remade.get(placed.edit)) is not None:
            region = made.region
            frames = np.concatenate([frames[: region.first], made.latents, frames[region.last :]])
    return SoundLatents(frames, take.latents.before if remade else None)


def _told(take: SoundTake, plan: RetimePlan, remade: Mapping[Edit, Remade], folder: Path) -> Sound:
    """Write the patches, and say where they are."""
    patches: list[Patch] = []
    for placed in plan.edits:
        if (made := remade.get(placed.edit)) is not None:
            path = folder / _NAME.format(len(patches) + 1)
            write_sound(path, [made.patch])
            region = made.region
            patches.append(
                Patch(path.name, sha256_of(path), region.first, region.last, region.count, made.knots)
            )
    laid = replace(take.sound.laid, song=COMPOSED, sha256=sha256_of(folder / COMPOSED))
    return replace(take.sound, laid=laid, before=BEFORE, patches=tuple(patches))


def _lasting(record: TakeRecord) -> dict[str, Any]:
    """What was measured before and still holds."""
    return {name: record.metrics[name] for name in ("composed",) if name in record.metrics}


def _record(take: SoundTake, wish: Retiming, sound: Sound) -> TakeRecord:
    after, before = wish.plan.after, take.record.before
    is_changed = bool(wish.plan.edits)
    return replace(
        take.record,
        sources=tuple(dict.fromkeys((*wish.sources, *take.record.sources))),
        duration_s=after.duration_s,
        hits=after.hits,
        cuts=after.cuts,
        tempo_map=after.tempo_map,
        curve=after.curve,
        settings={**take.record.settings, "max_bend": wish.max_bend},
        notes=(*kept_notes(take.record), *offbeat_notes(after.hits, after.tempo_map), *wish.notes),
        v2m_version=__version__,
        parent=take.as_parent,
        asked=dict(wish.asked),
        origin=before if is_changed else None,
        redone=wish.redone,
        sound=sound if is_changed else replace(sound, before=""),
    )
