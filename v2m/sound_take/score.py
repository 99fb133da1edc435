"""The first verb for models that compose sound: composed first, fitted to the hits afterwards.

words with a tempo -> latents, all takes together -> sound -> its beats on the hits -> mastered -> takes
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from v2m import __version__
from v2m.analysis import Analysis
from v2m.audio import MasterSettings
from v2m.backbones import hears_curve, load_sound_model
from v2m.backbones.sound.following import Following, read_following
from v2m.backbones.sound.model import Remember, SoundModel, compose_anew
from v2m.backbones.sound.programme import Latents, SoundOrder, compose
from v2m.curves import EventCurve
from v2m.errors import InputError, OutputWriteError
from v2m.licences import licence_notes
from v2m.measures import measures
from v2m.plan import TempoWish
from v2m.prompt.watching.unasked import words_of
from v2m.report.write import write_looks
from v2m.score import Scored, ScoreSettings
from v2m.sound_take.asking import Request, asked_of_model
from v2m.sound_take.files import (
    COMPOSED,
    SoundLatents,
    headroom,
    sha256_of,
    soxr_module,
    write_latents,
    write_sound,
)
from v2m.sound_take.laying import Laid, lay_sound
from v2m.sound_take.playing import Along
from v2m.sound_take.spool import StoredSound, blocks, rendered
from v2m.stages import Cancel, FractionDone, StageClock
from v2m.take.record import Parent, Sound, Source, TakeRecord, read_record, write_record
from v2m.take.shelf import TakeShelf
from v2m.timebase import SAMPLE_RATE_HZ

SPARE_S: Final = 2.0
"""What is composed beyond the programme: four beats at 120 BPM, of which the fit may begin on any."""

_KERNEL_SHARE: Final = 0.01
"""Lengths of kernels that differ by less are the same."""


@dataclass(frozen=True)
class Lineage:
    """The take that another was made from, and what was asked of it."""

    parent: Parent
    asked: Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """What a call of `score` asks for, the same for all its takes."""

    analysis: Analysis
    settings: ScoreSettings
    names: tuple[str, ...]
    """Of the takes."""

    sources: tuple[Source, ...] = ()
    with_report: bool = True
    lineage: Lineage | None = None
    """None for takes that are made from no other."""


def score_sound(
    order: Order,
    shelf: TakeShelf,
    clock: StageClock,
    cancel: Cancel,
    model: SoundModel | None = None,
    remember: Remember = compose_anew,
) -> tuple[Scored, ...]:
    """Compose, fit and write the takes; the best comes first.

    Args:
        order: what is asked for.
        shelf: gets the takes.
        clock: hears of the stages.
        cancel: raises CancelledError to stop; the shelf then leaves nothing behind.
        model: one that is loaded already; None loads the one that the settings name.
        remember: as `v2m.backbones.sound.programme.compose` has it.

    Raises:
        InputError: the adapter is for other curves.
        V2MError: see `v2m.errors`.
    """
    job = _Job(order, model)
    with clock.stage("plan"):
        request = job.request()
    with clock.stage("compose") as report:
        latents = compose(job.model, job.sound_order(request), report, cancel, remember)
    written = []
    for name, seed, composed in zip(order.names, job.seeds, latents, strict=True):
        building = shelf.new()
        record = job.write(seed, composed, request, building, clock, cancel)
        written.append(Scored(shelf.put(building, name), record))
    return tuple(sorted(written, key=lambda scored: scored.rank_key, reverse=True))


def heard_curve(curve: EventCurve, settings: Mapping[str, Any]) -> EventCurve:
    """The curve as a model is told it: within what its adapter was trained on.

    Raises:
        UsageError: the adapter is not where it was.
        CheckpointError: an InputError; it is none.
    """
    if not settings["adapter"]:
        return curve
    adapter = read_following(settings["backbone"], Path(settings["adapter"])).adapter
    if adapter is None:
        return curve
    return replace(curve, values=curve.values.clip(*adapter.trained_range))


class _Job:
    """One call of `score_sound`."""

    def __init__(self, order: Order, model: SoundModel | None) -> None:
        self.order, self.settings = order, order.settings
        self.analysis = replace(order.analysis, curve=order.analysis.curve.rounded())
        self.duration_s = self.analysis.timeline.duration_s
        self.notes = list(self.analysis.notes)
        self.following = self._following()
        self.model = model or load_sound_model(
            self.settings.backbone,
            adapter=self.settings.adapter,
            lora_strength=self.settings.lora_strength,
        )
        if self.following.head is not None and self.settings.adapter is not None:
            self.following.head.check(self.settings.adapter, self.model.grid)
        if self.model.grid.sample_rate_hz != SAMPLE_RATE_HZ:
            soxr_module()  # missed now rather than after minutes of composing
        first = secrets.randbelow(2**31) if self.settings.seed is None else self.settings.seed
        self.seeds = tuple(first + index for index in range(self.settings.takes))

    def _following(self) -> Following:
        if self.settings.adapter is None:
            if hears_curve(self.settings.backbone, None):
                return Following()
            self.notes.append(
                f"{self.settings.backbone} did not hear the event curve, for no adapter was given. Its beats "
                "were fitted to the hits afterwards; more takes (--takes) give more to choose from."
            )
            return Following()
        found = read_following(self.settings.backbone, self.settings.adapter)
        kernel_s, own_s = found.recipe.get("kernel_s"), self.analysis.curve.kernel_s
        if kernel_s is not None and abs(float(kernel_s) - own_s) > _KERNEL_SHARE * own_s:
            raise InputError(
                f"{self.settings.adapter.name} was trained on curves smoothed over {float(kernel_s):g} s, "
                f"the programme's is smoothed over {own_s:g} s.",
                hint="Train an adapter on such curves, or leave out --adapter.",
            )
        return found

    def request(self) -> Request:
        text, notes = words_of(self.analysis, self.settings.prompt)
        self.notes += notes
        self.text = text
        wish = TempoWish(self.settings.tempo_bpm, self.settings.tempo_freedom)
        return asked_of_model(self.analysis, text, wish)

    def sound_order(self, request: Request) -> SoundOrder:
        head = self.following.head
        settings = asdict(self.settings)
        return SoundOrder(
            prompt=request.words,
            duration_s=float(self.duration_s) + SPARE_S,
            curve=heard_curve(self.analysis.curve, settings),
            seeds=self.seeds,
            adherence=self.settings.adherence,
            steps=self.settings.steps,
            head=None if head is None else head.head,
            window_scale=self.settings.window_scale,
        )

    def write(
        self,
        seed: int,
        latents: Latents,
        request: Request,
        folder: Path,
        clock: StageClock,
        cancel: Cancel,
    ) -> TakeRecord:
        if (folder / "take.json").is_file():
            return read_record(folder)
        try:
            with clock.stage("render") as report:
                heard, scale = self._sound(latents, folder, report, cancel)
                laid = lay_sound(heard, self.analysis, request, until_s=self._until_s(heard, request))
                along = Along(
                    heard, laid.pieces, laid.knots, laid.tempo_map, self.analysis.hits, self.duration_s
                )
                recording = along.play(cancel, report, folder)
            with recording, clock.stage("master") as report:
                settings = MasterSettings(self.settings.loudness_lufs)
                gain = recording.write(folder, settings, cancel, report).gain
                write_latents(folder, SoundLatents(latents))
                metrics = {
                    **measures(self.analysis, laid.tempo_map, folder / "music.wav"),
                    "composed": laid.told,
                }
                sound = self._told(laid, request, scale, folder)
                record = self._record(seed, laid, sound, gain, metrics)
            with clock.stage("master"):
                sheet = self.analysis.sheet
                write_looks(folder, record, clock.seconds, sheet, report=self.order.with_report)
                write_record(folder, record)
        except OSError as error:
            raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
        return record

    def _sound(
        self, latents: Latents, folder: Path, report: FractionDone, cancel: Cancel
    ) -> tuple[StoredSound, float]:
        with rendered(self.model, latents, report, cancel, folder) as spool:
            scale = headroom(spool.peak)
            write_sound(folder / COMPOSED, (block * np.float32(scale) for block in blocks(spool)))
        return StoredSound(folder / COMPOSED), scale

    def _until_s(self, sound: StoredSound, request: Request) -> float:
        """What may be laid: where the curve was heard, sound lies where it belongs but for a beat."""
        if not hears_curve(self.settings.backbone, self.settings.adapter):
            return len(sound) / SAMPLE_RATE_HZ
        return float(self.duration_s) + 60.0 / request.bpm

    def _told(self, laid: Laid, request: Request, scale: float, folder: Path) -> Sound:
        adapter = self.settings.adapter
        return Sound(
            laid=laid.fitted(folder / COMPOSED),
            latent_rate_hz=self.model.grid.rate_hz,
            words=request.words,
            scale=scale,
            adapter="" if adapter is None else adapter.name,
            adapter_sha256="" if adapter is None else sha256_of(adapter),
        )

    def _record(
        self, seed: int, laid: Laid, sound: Sound, gain: float, metrics: dict[str, Any]
    ) -> TakeRecord:
        timeline, curve = self.analysis.timeline, self.analysis.curve
        licences = licence_notes((self.settings.backbone, self.analysis.encoder))
        settings = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self.settings).items()
        }
        return TakeRecord(
            sources=self.order.sources,
            prompt=self.text,
            terms=(),
            unknown_words=(),
            seed=seed,
            backbone=self.settings.backbone,
            weights_sha256=self.model.weights_sha256,
            soundfont_sha256="",
            encoder=self.analysis.encoder,
            settings=settings,
            frame_rate=timeline.rate,
            start_frame=timeline.start_frame,
            duration_s=timeline.duration_s,
            hits=self.analysis.hits,
            tempo_map=laid.tempo_map,
            tonic=0,
            curve={**asdict(curve), "values": curve.values.tolist()},
            metrics=metrics,
            notes=tuple(dict.fromkeys((*self.notes, *laid.notes, *licences))),
            v2m_version=__version__,
            arithmetic=self.model.arithmetic,
            master_gain=gain,
            cuts=timeline.cuts,
            drop_frame=timeline.drop_frame,
            goes_on=timeline.goes_on,
            sound=sound,
            parent=None if self.order.lineage is None else self.order.lineage.parent,
            asked={} if self.order.lineage is None else dict(self.order.lineage.asked),
        )
