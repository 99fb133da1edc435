"""The second verb: a take whose hits are elsewhere now, the same music but for the moments around them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from v2m import __version__
from v2m.backbones import load_backbone
from v2m.backbones.base import RenewingBackbone
from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.codecs.midi import write_midi
from v2m.codecs.synth import ScoreSynth
from v2m.errors import OutputWriteError, UsageError
from v2m.excerpt import Excerpts
from v2m.measures import measures
from v2m.piece import Piece
from v2m.plan import OFFBEAT, offbeat_notes
from v2m.report.write import write_looks
from v2m.retime.edit import Edit
from v2m.retime.plan import MAX_BEND, RetimePlan, plan_of, plan_redone
from v2m.retime.redone import redone, swelling
from v2m.retime.renewal import arranged, compose, renewed_before, spliced, with_edits
from v2m.retime.splice import Recorded, Splice
from v2m.score import Scored, finished_before
from v2m.stages import Cancel, FractionDone, StageClock, never_cancel
from v2m.swell import Swell
from v2m.take.latents import TakeLatents, Values, write_latents
from v2m.take.opened import OpenedTake, analysis_of
from v2m.take.pictures import moved_pictures, read_pictures
from v2m.take.record import Redone, Source, TakeRecord, write_record
from v2m.take.shelf import TakeShelf
from v2m.take.whole import write_whole


@dataclass(frozen=True)
class Retiming:
    """What is asked of a take."""

    plan: RetimePlan
    max_bend: float
    asked: Mapping[str, Any]
    """For the record."""

    sources: tuple[Source, ...] = ()
    """Files that went in beside the take's own."""

    notes: tuple[str, ...] = ()
    redone: Redone | None = None
    """Spans to compose again, which the plan then consists of."""


def retime(
    take: OpenedTake,
    wish: Retiming,
    *,
    shelf: TakeShelf,
    stem: str,
    clock: StageClock | None = None,
    cancel: Cancel = never_cancel,
    backbone: RenewingBackbone | None = None,
    synth: ScoreSynth | None = None,
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
        backbone: one that is loaded already; None loads the take's own where something is composed again.
        synth: one that plays with the take's SoundFont already.
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
        renewed = _renewed(take, wish, backbone, report, cancel)
    music = RetimedMusic(take, wish.plan, renewed, synth or ScoreSynth(take.soundfont()))
    try:
        with recorded(take, wish.plan, clock, cancel) as files, clock.stage("render"):
            music.write(building, files, cancel)
        with clock.stage("master"):
            record = _record(take, wish)
            found = measures(analysis_of(record), record.tempo_map, building / "music.wav")
            record = replace(record, metrics=found)
        with clock.stage("master"):
            pictures = moved_pictures(read_pictures(take.folder), take.record, record)
            write_looks(building, record, clock.seconds, pictures, report=with_report)
            write_record(building, record)
    except OSError as error:
        raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
    return Scored(shelf.put(building, stem), record)


def _renewed(
    take: OpenedTake,
    wish: Retiming,
    backbone: RenewingBackbone | None,
    on_progress: FractionDone,
    cancel: Cancel,
) -> dict[Edit, Values]:
    """What the edits compose again: taken from the take where it has the same, else composed now."""
    known = renewed_before(take)
    wanted = [placed.edit for placed in wish.plan.edits if placed.edit.renewal is not None]
    missing = [edit for edit in wanted if edit not in known]
    if missing:
        backbone = backbone or load_backbone(take.record.backbone)
        check_weights(take, backbone)
    for index, edit in enumerate(missing):

        def report(fraction: float, index: int = index) -> None:
            on_progress((index + fraction) / len(missing))

        assert backbone is not None  # noqa: S101 - loaded above
        known[edit] = compose(take, edit, backbone, report, cancel, wish.redone)
    return {edit: known[edit] for edit in wanted}


class HasRecord(Protocol):
    """A take of whichever kind."""

    @property
    def record(self) -> TakeRecord:
        """What its `take.json` holds."""
        ...


def redo(take: HasRecord, start_s: Fraction, end_s: Fraction, seed: int, prompt: str) -> Retiming:
    """What is asked of a take that is settled, where a span of it is to be composed again.

    Raises:
        UsageError: the span holds no beat.
    """
    before = take.record.before
    told = redone(before, start_s, end_s, seed, prompt)
    return Retiming(plan_redone(before, told), MAX_BEND, {}, redone=told)


def swell(take: HasRecord, swells: Sequence[Swell], seed: int) -> Retiming:
    """What is asked of a take that is settled, where more or less is to happen in some of its bars."""
    before = take.record.before
    told = swelling(before, swells, seed, take.record.prompt)
    return Retiming(plan_redone(before, told), MAX_BEND, {}, redone=told)


def check_weights(take: OpenedTake, backbone: RenewingBackbone) -> None:
    """Refuse to compose among what other weights composed.

    Raises:
        UsageError: the backbone's are not the take's.
    """
    if backbone.weights_sha256 != take.record.weights_sha256:
        raise UsageError(
            f"{take.folder.name} was composed by other weights of {take.record.backbone}, which alone can "
            "compose a part of it again.",
            hint="Allow more with --max-bend, or lock nothing, or score the timeline again.",
        )


@contextmanager
def recorded(
    take: OpenedTake, plan: RetimePlan, clock: StageClock, cancel: Cancel
) -> Iterator[tuple[Recorded, ...]]:
    """The files to copy from: the take's own, and where they do not have all, the take before any move."""
    since = plan_of(take.record)
    own = Recorded(take.folder, (plan.all_kept,) if since is None else since.samples())
    with ExitStack() as folders:
        if since is None or take.source is None:
            yield (own,)
        else:
            yield own, _unmoved_files(take, plan, clock, cancel, folders)


def _unmoved_files(
    take: OpenedTake, plan: RetimePlan, clock: StageClock, cancel: Cancel, folders: ExitStack
) -> Recorded:
    """The take before any hit was moved, in a folder that goes away: kept parts are in files alone."""
    folder = Path(folders.enter_context(tempfile.TemporaryDirectory(prefix="v2m-unmoved-")))
    write_again(take.unmoved, folder, clock, cancel)
    return Recorded(folder, (plan.all_kept,))


def write_again(take: OpenedTake, folder: Path, clock: StageClock, cancel: Cancel) -> None:
    """Make all files of a take but its record from its latents, in an empty folder.

    Raises:
        MissingPartError: its SoundFont is not here.
        OutputWriteError: the folder cannot be written to.
    """
    plan = plan_of(take.record)
    synth = ScoreSynth(take.soundfont())
    with ExitStack() as folders:
        if plan is not None:
            files = () if take.source is None else (_unmoved_files(take, plan, clock, cancel, folders),)
            with clock.stage("render"):
                RetimedMusic(take, plan, renewed_before(take), synth).write(folder, files, cancel)
            return
        if take.source is not None and take.keeps_all:
            write_again(take.source, folder, clock, cancel)
            write_latents(folder, take.latents)
            return
        kept = None
        if take.source is not None:
            kept = Path(folders.enter_context(tempfile.TemporaryDirectory(prefix="v2m-kept-")))
            write_again(take.source, kept, clock, cancel)
        write_whole(take, folder, synth, clock, cancel, kept)


class RetimedMusic:
    """The notes and the sound of a plan."""

    def __init__(
        self, take: OpenedTake, plan: RetimePlan, renewed: Mapping[Edit, Values], synth: ScoreSynth
    ) -> None:
        self._take = take
        self._plan = plan
        self._renewed = renewed
        self._synth = synth

    def write(self, folder: Path, files: Sequence[Recorded], cancel: Cancel) -> None:
        """Write all files of the take but its record.

        Raises:
            OutputWriteError: the disk is full or the folder not writable.
        """
        before = self._excerpts(self._take.piece_before)
        edits = {placed.edit: self._excerpts(self._piece(placed.edit)) for placed in self._plan.edits}
        Splice(self._plan, before, edits, files).write(folder, cancel)
        composed = with_edits(self._take, self._plan, self._renewed)
        piece = self._take.piece(composed, self._plan.after)
        write_midi(folder / "score.mid", piece.played, piece.tempo_map)
        write_latents(folder, self._latents())

    def _excerpts(self, piece: Piece) -> Excerpts:
        return Excerpts(self._synth, piece, self._take.record.master_gain, self._take.mastering)

    def _piece(self, edit: Edit) -> Piece:
        """The take with this edit alone."""
        moments = edit.applied(self._take.record.before)
        return self._take.piece(arranged(self._take, edit, self._renewed.get(edit)), moments)

    def _latents(self) -> TakeLatents:
        before = self._take.latents.before
        frames = before
        for placed in reversed(self._plan.edits):
            if placed.edit.renewal is not None:
                frames = spliced(frames, placed.edit.renewal, self._renewed[placed.edit])
        frames = frames[: STEPS_PER_BEAT * (len(self._plan.after.tempo_map.beats_s) - 1)]
        same = frames.shape == before.shape and np.array_equal(frames, before)
        return TakeLatents(
            frames, self._take.latents.channels, None if same else before, self._take.latents.kept
        )


def kept_notes(record: TakeRecord) -> tuple[str, ...]:
    """What still holds where hits are elsewhere."""
    return tuple(note for note in record.notes if not note.startswith(OFFBEAT))


def _record(take: OpenedTake, wish: Retiming) -> TakeRecord:
    after, before = wish.plan.after, take.record.before
    settings = {**take.record.settings, "max_bend": wish.max_bend}
    return replace(
        take.record,
        sources=tuple(dict.fromkeys((*wish.sources, *take.record.sources))),
        duration_s=after.duration_s,
        hits=after.hits,
        cuts=after.cuts,
        tempo_map=after.tempo_map,
        curve=after.curve,
        settings=settings,
        notes=(*kept_notes(take.record), *offbeat_notes(after.hits, after.tempo_map), *wish.notes),
        v2m_version=__version__,
        parent=take.as_parent,
        asked=dict(wish.asked),
        origin=before if wish.plan.edits else None,
        redone=wish.redone,
    )
