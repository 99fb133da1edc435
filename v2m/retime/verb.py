"""The second verb: a take whose hits are elsewhere now, the same music but for the moments around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from v2m import __version__
from v2m.backbones import load_backbone
from v2m.backbones.base import FractionDone, RenewingBackbone
from v2m.codecs.arrangement import STEPS_PER_BEAT, Arrangement
from v2m.codecs.midi import write_midi
from v2m.codecs.synth import ScoreSynth
from v2m.errors import OutputWriteError, UsageError
from v2m.excerpt import Excerpts
from v2m.measures import measures
from v2m.opened_take import OpenedTake, analysis_of
from v2m.piece import Piece
from v2m.retime.edit import Edit
from v2m.retime.plan import RetimePlan, plan_retime
from v2m.retime.renewal import arranged, compose, spliced
from v2m.retime.splice import Recorded, Splice
from v2m.score import Scored
from v2m.shelf import TakeShelf
from v2m.stages import Cancel, StageClock, never_cancel
from v2m.take import Source, TakeRecord, write_record
from v2m.take_latents import TakeLatents, Values, write_latents


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
    settings: Mapping[str, Any] = field(default_factory=dict)


def plan_of(record: TakeRecord) -> RetimePlan | None:
    """The plan by which a take came to be; None where no hit was moved."""
    if record.origin is None:
        return None
    return plan_retime(
        record.origin, record.hits, record.duration_s, record.cuts, record.settings["max_bend"]
    )


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

    Raises:
        V2MError: see `v2m.errors`.
    """
    clock = clock or StageClock()
    shelf.check(stem)
    with clock.stage("compose") as report:
        renewed = _renewed(take, wish.plan, backbone, report, cancel)
    music = RetimedMusic(take, wish.plan, renewed, synth or ScoreSynth(take.soundfont()))
    building = shelf.new()
    parent = plan_of(take.record)
    pieces = (wish.plan.all_kept,) if parent is None else parent.samples()
    try:
        with clock.stage("render"):
            music.write(building, Recorded(take.folder, pieces), cancel)
        with clock.stage("master"):
            record = _record(take, wish)
            found = measures(analysis_of(record), record.tempo_map, building / "music.wav")
            record = replace(record, metrics=found)
            write_record(building, record)
    except OSError as error:
        raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
    return Scored(shelf.put(building, stem), record)


def _renewed(
    take: OpenedTake,
    plan: RetimePlan,
    backbone: RenewingBackbone | None,
    on_progress: FractionDone,
    cancel: Cancel,
) -> dict[Edit, Values]:
    """What the edits compose again: taken from the take where it has the same, else composed now."""
    known = renewed_before(take)
    wanted = [placed.edit for placed in plan.edits if placed.edit.renewal is not None]
    missing = [edit for edit in wanted if edit not in known]
    if missing:
        backbone = backbone or load_backbone(take.record.backbone)
        _check_weights(take, backbone)
    for index, edit in enumerate(missing):

        def report(fraction: float, index: int = index) -> None:
            on_progress((index + fraction) / len(missing))

        assert backbone is not None  # noqa: S101 - loaded above
        known[edit] = compose(take, edit, backbone, report, cancel)
    return {edit: known[edit] for edit in wanted}


def _check_weights(take: OpenedTake, backbone: RenewingBackbone) -> None:
    if backbone.weights_sha256 != take.record.weights_sha256:
        raise UsageError(
            f"{take.folder.name} was composed by other weights of {take.record.backbone}, which alone can "
            "compose a part of it again where it would bend too far.",
            hint="Allow more with --max-bend, or score the timeline again.",
        )


def renewed_before(take: OpenedTake) -> dict[Edit, Values]:
    """What the take's own plan composed again, read from its latents."""
    plan = plan_of(take.record)
    found: dict[Edit, Values] = {}
    grown = 0  # frames that the edits so far added
    for placed in plan.edits if plan else ():
        edit = placed.edit
        if edit.renewal is not None:
            first = edit.renewal.first + grown
            found[edit] = take.latents.composed[first : first + edit.renewal.count]
            grown += edit.renewal.count - (edit.renewal.last - edit.renewal.first)
    return found


class RetimedMusic:
    """The notes and the sound of a plan."""

    def __init__(
        self, take: OpenedTake, plan: RetimePlan, renewed: Mapping[Edit, Values], synth: ScoreSynth
    ) -> None:
        self._take = take
        self._plan = plan
        self._renewed = renewed
        self._synth = synth

    def write(self, folder: Path, recorded: Recorded | None, cancel: Cancel) -> None:
        """Write all files of the take but its record.

        Raises:
            OutputWriteError: the disk is full or the folder not writable.
        """
        before = self._excerpts(self._take.piece_before)
        edits = {placed.edit: self._excerpts(self._piece(placed.edit)) for placed in self._plan.edits}
        Splice(self._plan, before, edits, recorded).write(folder, cancel)
        piece = self._take.piece(self._composed(), self._plan.after)
        write_midi(folder / "score.mid", piece.played, piece.tempo_map)
        write_latents(folder, self._latents())

    def _excerpts(self, piece: Piece) -> Excerpts:
        return Excerpts(self._synth, piece, self._take.record.master_gain, self._take.mastering)

    def _piece(self, edit: Edit) -> Piece:
        """The take with this edit alone."""
        moments = edit.applied(self._take.record.before)
        return self._take.piece(arranged(self._take, edit, self._renewed.get(edit)), moments)

    def _composed(self) -> Arrangement:
        """The notes with all edits, from the last to the first: what lies before one is where it was."""
        composed = self._take.composed
        for placed in reversed(self._plan.edits):
            composed = arranged(self._take, placed.edit, self._renewed.get(placed.edit), composed)
        return composed

    def _latents(self) -> TakeLatents:
        before = self._take.latents.before
        frames = before
        for placed in reversed(self._plan.edits):
            if placed.edit.renewal is not None:
                frames = spliced(frames, placed.edit.renewal, self._renewed[placed.edit])
        frames = frames[: STEPS_PER_BEAT * (len(self._plan.after.tempo_map.beats_s) - 1)]
        same = frames.shape == before.shape and np.array_equal(frames, before)
        return TakeLatents(frames, self._take.latents.channels, None if same else before)


def _record(take: OpenedTake, wish: Retiming) -> TakeRecord:
    after, before = wish.plan.after, take.record.before
    settings = {**take.record.settings, **wish.settings, "max_bend": wish.max_bend}
    return replace(
        take.record,
        sources=tuple(dict.fromkeys((*wish.sources, *take.record.sources))),
        duration_s=after.duration_s,
        hits=after.hits,
        cuts=after.cuts,
        tempo_map=after.tempo_map,
        curve=after.curve,
        settings=settings,
        notes=(*take.record.notes, *wish.notes),
        v2m_version=__version__,
        parent=take.as_parent,
        asked=dict(wish.asked),
        origin=before if wish.plan.edits else None,
    )
