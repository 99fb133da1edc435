"""A take read back from its folder: its music as notes, and all that plays it as it was played."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from v2m.analysis import Analysis
from v2m.audio import MasterSettings
from v2m.codecs.arrangement import PARTS, Arrangement, Part
from v2m.codecs.channels import to_layout
from v2m.codecs.latents import decode
from v2m.codecs.parts import only_parts, with_parts
from v2m.codecs.soundfont import SoundFont, find_soundfont
from v2m.curves import EventCurve
from v2m.errors import DocumentError, InputError, MissingPartError
from v2m.piece import Piece
from v2m.prompt.casting import cast, silent_parts
from v2m.prompt.words import Brief, read_prompt
from v2m.take.latents import TakeLatents, Values, read_latents
from v2m.take.record import TAKE_SUFFIX, Kept, Origin, Parent, TakeRecord, read_record, take_id
from v2m.timeline import Shot, Timeline


@dataclass(frozen=True)
class OpenedTake:
    """A take on disk."""

    folder: Path
    record: TakeRecord
    latents: TakeLatents
    known_as: Parent | None = None
    """Of a take in a form that never lay on disk: the one that it stands for."""

    @classmethod
    def read(cls, folder: Path) -> OpenedTake:
        """The take in a folder.

        Raises:
            DocumentError: it is none, is damaged, or was made before takes could be made again.
            InputError: it is a song that was fitted.
        """
        record = read_record(folder)
        if record.fitted is not None:
            raise InputError(
                f"{folder.name} is a song that was fitted, not music that was composed here.",
                hint="Fit the song again, with `v2m fit`, to the timeline as it is now.",
            )
        if record.format < 2:
            raise DocumentError(
                f"{folder.name} was made by an earlier v2m, which did not keep what it takes to change it.",
                hint="Score the timeline again.",
            )
        return cls(folder, record, read_latents(folder))

    @property
    def name(self) -> str:
        """What the take is called."""
        return self.folder.name.removesuffix(TAKE_SUFFIX)

    @property
    def as_parent(self) -> Parent:
        """How takes that are made from this one name it."""
        return self.known_as or Parent(self.name, take_id(self.record))

    @cached_property
    def brief(self) -> Brief:
        """What was understood of its words."""
        return read_prompt(self.record.prompt)

    @property
    def mastering(self) -> MasterSettings:
        """How loud it was delivered."""
        return MasterSettings(self.record.settings["loudness_lufs"])

    def soundfont(self) -> SoundFont:
        """The very SoundFont that it was played with.

        Raises:
            MissingPartError: it is not here.
        """
        named = self.record.settings.get("soundfont")
        for font in _fonts(Path(named) if named else None):
            if font.sha256 == self.record.soundfont_sha256:
                return font
        raise MissingPartError(
            f"{self.folder.name} was played with a SoundFont that is not here (SHA-256 "
            f"{self.record.soundfont_sha256[:12]}…).",
            hint="Set V2M_SOUNDFONT to that file, or score the timeline again.",
        )

    def notes_of(self, latents: Values) -> Arrangement:
        """The notes that latents of this take's model stand for, before they are cast."""
        layout = to_layout(latents, self.latents.channels)
        return decode(layout, self.record.tonic, self.record.tempo_map.beats_per_bar)

    @cached_property
    def composed(self) -> Arrangement:
        """The music before any hit was moved, cast but not accented."""
        own = cast(self.notes_of(self.latents.before), self.brief)
        own = only_parts(own, [part for part in PARTS if part not in self.silenced])
        if self.source is None:
            return own
        from v2m.retime.renewal import composed_now  # which opens takes itself

        return with_parts(own, composed_now(self.source), self.kept_parts)

    @property
    def silenced(self) -> frozenset[Part]:
        """The parts that were muted, or locked where they were silent."""
        settings = self.record.settings
        named = {*settings.get("muted", ()), *settings.get("locked_silent", ())}
        return frozenset(part for part in PARTS if part in named)

    @property
    def kept_parts(self) -> tuple[Part, ...]:
        """The parts that were taken over from another take."""
        return () if self.record.kept is None else tuple(p for p in PARTS if p in self.record.kept.parts)

    @cached_property
    def source(self) -> OpenedTake | None:
        """The take that those parts come from; its files lie nowhere, but it can be made again."""
        if self.record.kept is None:
            return None
        if self.latents.kept is None:
            raise DocumentError(f"{self.folder.name} lacks the latents of the parts that it kept.")
        return OpenedTake(self.folder, self.record.kept.record, self.latents.kept)

    @cached_property
    def unmoved(self) -> OpenedTake:
        """The take before any hit was moved."""
        if self.record.origin is None:
            return self
        before = self.record.origin
        record = replace(
            self.record, duration_s=before.duration_s, hits=before.hits, cuts=before.cuts,
            tempo_map=before.tempo_map, curve=before.curve, origin=None, redone=None,
        )  # fmt: skip
        return OpenedTake(
            self.folder, record, replace(self.latents, composed=self.latents.before, origin=None)
        )

    @cached_property
    def settled(self) -> OpenedTake:
        """The same with all that was done to it taken for given: what it is now, it was before."""
        if self.record.origin is None:
            return self
        kept = Kept(tuple(part for part in PARTS if part in self.sounding), self.record)
        record = replace(self.record, origin=None, redone=None, kept=kept)
        latents = TakeLatents(self.latents.composed, self.latents.channels, None, self.latents)
        return OpenedTake(self.folder, record, latents, self.as_parent)

    @property
    def keeps_all(self) -> bool:
        """Whether every part that sounds was taken over: it sounds as the take that they come from."""
        return self.source is not None and self.sounding == self.source.sounding <= set(self.kept_parts)

    @property
    def sounding(self) -> set[Part]:
        """The parts that play anywhere."""
        return {note.part for note in self.piece_now.played.notes}

    def piece(self, composed: Arrangement, moments: Origin) -> Piece:
        """Music of this take, ready to be played."""
        silent = silent_parts(self.brief) | self.silenced
        return Piece(composed, moments.tempo_map, moments.hits, moments.duration_s, silent)

    @cached_property
    def piece_now(self) -> Piece:
        """The take as it is, ready to be played."""
        from v2m.retime.renewal import composed_now  # which opens takes itself

        record = self.record
        now = Origin(record.duration_s, record.hits, record.cuts, record.tempo_map, record.curve)
        return self.piece(composed_now(self), now)

    @cached_property
    def piece_before(self) -> Piece:
        """The take before any hit was moved, ready to be played."""
        return self.piece(self.composed, self.record.before)


def analysis_of(record: TakeRecord) -> Analysis:
    """What was seen of the programme, as far as the record holds it: no shots and no media."""
    timeline = Timeline(
        record.frame_rate,
        record.duration_s,
        (Shot(Fraction(0), record.duration_s),),
        record.cuts,
        start_frame=record.start_frame,
        drop_frame=record.drop_frame,
        goes_on=record.goes_on,
    )
    return Analysis(timeline, curve_of(record.curve), record.hits, record.notes)


def curve_of(kept: dict[str, Any]) -> EventCurve:
    """The curve that a record holds."""
    return EventCurve(**{**kept, "values": np.asarray(kept["values"], np.float64)})


def _fonts(named: Path | None) -> list[SoundFont]:
    """Where the SoundFont of a take may be: where it was then, and where one is found now."""
    fonts = [SoundFont(named)] if named is not None and named.is_file() else []
    return [*fonts, find_soundfont()]
