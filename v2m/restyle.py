"""The third verb: other music on the same beats and hits, with the parts that are to stay as they were.

Parts that are locked are the same samples. The others are composed by the new words, around what stays: the
model sees the locked parts through the mask that it was trained with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from v2m import __version__
from v2m.backbones import load_backbone
from v2m.backbones.base import Commission, RenewingBackbone
from v2m.codecs.arrangement import PARTS, PITCHED_PARTS, Part
from v2m.codecs.layout import GROUPS
from v2m.codecs.synth import ScoreSynth
from v2m.errors import OutputWriteError, UsageError
from v2m.measures import measures
from v2m.plan import offbeat_notes
from v2m.prompt.words import Brief, read_prompt
from v2m.report.write import write_looks
from v2m.retime.verb import check_weights
from v2m.score import Scored, finished_before
from v2m.stages import Cancel, FractionDone, StageClock, never_cancel
from v2m.swell import Swell, swelled
from v2m.take.latents import TakeLatents
from v2m.take.opened import OpenedTake, analysis_of, curve_of
from v2m.take.pictures import read_pictures
from v2m.take.record import Kept, TakeRecord, write_record
from v2m.take.shelf import TakeShelf
from v2m.take.whole import write_whole


@dataclass(frozen=True)
class Restyling:
    """What is asked of a take."""

    prompt: str | None = None
    """None keeps the take's own words."""

    locked: frozenset[Part] = frozenset()
    """Parts that stay, sample for sample."""

    only: frozenset[Part] = frozenset()
    """Parts that are made again, where all others stay."""

    muted: frozenset[Part] = frozenset()
    """Parts that fall silent; the others stay, where nothing else is asked."""

    seed: int | None = None
    """None: the take's own, or the next one where nothing but chance is to change."""

    swells: tuple[Swell, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)
    """For the record."""

    def __post_init__(self) -> None:
        """Refuse what would leave nothing.

        Raises:
            UsageError: all parts are muted.
        """
        if self.muted >= set(PARTS):
            raise UsageError("All parts are muted, so no music would be left.")

    @property
    def composes(self) -> bool:
        """Whether anything is composed, rather than only muted."""
        is_new = self.prompt is not None or self.seed is not None
        return is_new or bool(self.swells or self.locked or self.only)


def restyle(
    take: OpenedTake,
    wish: Restyling,
    *,
    shelf: TakeShelf,
    stem: str,
    clock: StageClock | None = None,
    cancel: Cancel = never_cancel,
    backbone: RenewingBackbone | None = None,
    with_report: bool = True,
) -> Scored:
    """Make another take on the beats of one.

    Args:
        take: the take as it is.
        wish: what is asked of it.
        shelf: gets `STEM.v2m`.
        stem: name of the new take.
        clock: hears of the stages.
        cancel: raises CancelledError to stop; the shelf then leaves nothing behind.
        backbone: one that is loaded already; None loads the take's own.
        with_report: whether the new take gets a page to look at.

    Raises:
        V2MError: see `v2m.errors`.
    """
    clock = clock or StageClock()
    shelf.check(stem)
    building = shelf.new()
    if done := finished_before(shelf, stem, building):
        return done
    job = _Job(take, wish, backbone)
    with clock.stage("compose") as report:
        composed = job.composed(report, cancel)
    made = job.opened(building, composed)
    try:
        kept = take.folder if made.record.kept else None
        gain = write_whole(made, building, ScoreSynth(take.soundfont()), clock, cancel, kept)
        with clock.stage("master"):
            found = measures(analysis_of(made.record), made.record.tempo_map, building / "music.wav")
            record = replace(made.record, master_gain=gain, metrics=found)
        with clock.stage("master"):
            write_looks(building, record, clock.seconds, read_pictures(take.folder), report=with_report)
            write_record(building, record)
    except OSError as error:
        raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
    return Scored(shelf.put(building, stem), record)


class _Job:
    """One call of `restyle`."""

    def __init__(self, take: OpenedTake, wish: Restyling, backbone: RenewingBackbone | None) -> None:
        self.take = take
        self.wish = wish
        self.notes: list[str] = []
        self.sounding: frozenset[Part] = frozenset(take.sounding)
        # what fell silent before stays so, until it is made again
        self.muted = wish.muted | (frozenset(take.record.settings.get("muted", ())) - wish.only)
        self.kept = self._kept()
        self.brief = self._brief()
        self.seed = self._seed()
        self._backbone = backbone

    def _kept(self) -> frozenset[Part]:
        """The parts that are taken over; what only mutes keeps all others."""
        if self.wish.only:
            return self.sounding - self.wish.only - self.muted
        absent = self.wish.locked - self.sounding
        if absent:
            names = ", ".join(part for part in PARTS if part in absent)
            self.notes.append(f"Locked, and silent as in the take that was changed: {names}.")
        if not self.wish.composes:
            if self.sounding <= self.muted:
                raise UsageError("All parts that sound are muted, so no music would be left.")
            return self.sounding - self.muted
        return (self.wish.locked & self.sounding) - self.muted

    def _seed(self) -> int:
        if self.wish.seed is not None:
            return self.wish.seed
        same_words = self.wish.prompt is None and not self.wish.swells
        return self.take.record.seed + int(same_words and self.wish.composes)

    def _brief(self) -> Brief:
        """The words, on the beats and, where a tune or chord stays, in the key of the take."""
        record = self.take.record
        brief = read_prompt(record.prompt if self.wish.prompt is None else self.wish.prompt)
        if brief.unknown:
            self.notes.append(f"Words that the model does not know: {', '.join(brief.unknown)}.")
        tonic = brief.tonic
        if tonic is None or self.kept & set(PITCHED_PARTS):
            if tonic not in (None, record.tonic):
                self.notes.append("The key stays as it was, for the parts that stay are in it.")
            tonic = record.tonic
        return replace(brief, tonic=tonic, beats_per_bar=record.tempo_map.beats_per_bar)

    def composed(self, on_progress: FractionDone, cancel: Cancel) -> _Composed:
        """The latents of the new take."""
        record = self.take.record
        if not self.wish.composes:
            return _Composed(self.take.latents, record.weights_sha256, record.arithmetic)
        backbone = self._backbone or load_backbone(record.backbone)
        commission = self._commission()
        if not self.kept:
            composition = backbone.compose(commission, on_progress, cancel)[0]
            latents = TakeLatents(composition.latents, composition.channels)
            return _Composed(latents, backbone.weights_sha256, composition.arithmetic)
        check_weights(self.take, backbone)
        renewed = np.array([group not in self.kept for group in GROUPS])
        canvas = self.take.latents.composed
        values = backbone.renew(commission, canvas, np.tile(renewed, (len(canvas), 1)), on_progress, cancel)
        return _Composed(
            TakeLatents(values, self.take.latents.channels), record.weights_sha256, backbone.arithmetic
        )

    def _commission(self) -> Commission:
        record = self.take.record
        return Commission(
            brief=self.brief,
            tempo_map=record.tempo_map,
            duration_s=record.duration_s,
            curve=curve_of(self._curve()),
            hits=record.hits,
            seeds=(self.seed,),
            adherence=record.settings["adherence"],
            steps=record.settings["steps"],
            window_scale=record.settings["window_scale"],
        )

    def _curve(self) -> dict[str, Any]:
        return swelled(self.take.record.curve, self.wish.swells)

    def opened(self, folder: Path, composed: _Composed) -> OpenedTake:
        """The new take, not yet on disk."""
        kept, latents = None, composed.latents
        if self.kept:
            kept = Kept(tuple(part for part in PARTS if part in self.kept), self.take.record)
            latents = replace(latents, kept=self.take.latents, origin=None)
        return OpenedTake(folder, self._record(composed, kept), latents)

    def _record(self, composed: _Composed, kept: Kept | None) -> TakeRecord:
        record = self.take.record
        muted = [part for part in PARTS if part in self.muted]
        locked_silent = [part for part in PARTS if part in self.wish.locked - self.sounding]
        return replace(
            record,
            prompt=self.brief.text,
            terms=self.brief.terms,
            unknown_words=self.brief.unknown,
            seed=self.seed,
            weights_sha256=composed.weights_sha256,
            arithmetic=composed.arithmetic,
            settings={
                **record.settings,
                "prompt": self.brief.text,
                "muted": muted,
                "locked_silent": locked_silent,
            },
            tonic=self.brief.tonic if self.brief.tonic is not None else record.tonic,
            curve=self._curve(),
            notes=(*offbeat_notes(record.hits, record.tempo_map), *self.notes),
            v2m_version=__version__,
            parent=self.take.as_parent,
            asked=dict(self.wish.asked),
            origin=None,
            kept=kept,
        )


@dataclass(frozen=True)
class _Composed:
    """Latents, and what they were composed with."""

    latents: TakeLatents
    weights_sha256: str
    arithmetic: str
