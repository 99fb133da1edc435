"""The first verb: an analysed timeline becomes takes, best first.

analysis + words -> beats -> compositions (side by side) -> accents on the hits -> sound -> takes
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from v2m import __version__
from v2m.analysis import Analysis
from v2m.audio import MasterSettings
from v2m.audio.wav import MAX_SAMPLES
from v2m.backbones import check_backbone, composes_sound, load_backbone
from v2m.backbones.base import Backbone, Commission, Composition
from v2m.backbones.sound.model import Remember, SoundModel, compose_anew
from v2m.codecs.arrangement import Arrangement
from v2m.codecs.midi import write_midi
from v2m.codecs.soundfont import find_soundfont
from v2m.codecs.synth import ScoreSynth
from v2m.errors import InputError, OutputWriteError, UsageError
from v2m.licences import licence_notes
from v2m.measures import measures
from v2m.metrics.music import music_figures
from v2m.performance import play
from v2m.piece import Piece
from v2m.plan import TempoWish, offbeat_notes, plan_takes
from v2m.prompt.casting import silent_parts
from v2m.prompt.watching.unasked import with_words, words_of
from v2m.prompt.words import Brief, read_prompt
from v2m.report.write import write_looks
from v2m.side_by_side import side_by_side, thread_count
from v2m.stages import Cancel, FractionDone, StageClock, never_cancel
from v2m.take.latents import TakeLatents, write_latents
from v2m.take.record import Source, TakeRecord, read_record, write_record
from v2m.take.shelf import TakeShelf
from v2m.tempo import Plan
from v2m.timebase import samples_covering

_LONGEST_COMPARED_S: Final = 900
"""Takes longer than a quarter of an hour are ranked without figures of their notes."""

_MAKING: Final = ("render", "master")
"""The stages of each take by itself."""

_LETTERS: Final = "abcdefghijklmnop"
"""Several takes are told apart by these."""


@dataclass(frozen=True)
class ScoreSettings:
    """Every knob of `v2m score` that shapes the music."""

    prompt: str | None = None
    backbone: str = "sketch"
    takes: int = 1
    seed: int | None = None
    """Of the first take; the others follow by one. None draws it."""

    adherence: float = 0.5
    steps: int | None = None
    tempo_bpm: float | None = None
    tempo_freedom: float | None = None
    loudness_lufs: float = -16.0
    soundfont: Path | None = None
    adapter: Path | None = None
    """What tells a model of sound the event curve."""

    lora_strength: float = 1.0
    """Of the LoRA files of a Stable Audio 3 model: 1 as they were trained, 0 not at all."""

    window_scale: float = 1.0
    """Below 1 the backbone composes in smaller windows, which take less memory."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UsageError: a value is out of range.
        """
        if not 0 <= self.adherence <= 1:
            raise UsageError(f"The adherence is {self.adherence}, expected 0 to 1.")
        if not 0 <= self.lora_strength <= 2:
            raise UsageError(f"The strength of the LoRA is {self.lora_strength}, expected 0 to 2.")
        if not 1 <= self.takes <= len(_LETTERS):
            raise UsageError(f"{self.takes} takes were asked for, expected 1 to {len(_LETTERS)}.")
        if not 0 < self.window_scale <= 1:
            raise UsageError(f"The window's scale is {self.window_scale}, expected more than 0, at most 1.")
        if self.steps is not None and not 1 <= self.steps <= 1000:
            raise UsageError(f"{self.steps} sampling steps were asked for, expected 1 to 1000.")


@dataclass(frozen=True)
class Scored:
    """A take on disk."""

    folder: Path
    record: TakeRecord

    @property
    def wav(self) -> Path:
        """The mastered music."""
        return self.folder / "music.wav"

    @property
    def rank_key(self) -> tuple[float, float, float]:
        """Higher is better: hits heard, then how the curves run together, then how whole the music is.

        The first two are rounded to what can be told apart by ear, so that the later ones count at all.
        """
        metrics = self.record.metrics
        hits, curves = round(metrics["hits_heard"], 2), round(metrics["curve_correlation"] or 0.0, 1)
        music = metrics.get("music") or {}
        in_key, steady, empty = (
            music.get(name) or 0.0 for name in ("scale_consistency", "groove_consistency", "empty_bar_rate")
        )
        return hits, curves, in_key + steady - empty


def score(
    analysis: Analysis,
    settings: ScoreSettings,
    *,
    shelf: TakeShelf,
    stem: str,
    sources: tuple[Source, ...] = (),
    clock: StageClock | None = None,
    cancel: Cancel = never_cancel,
    backbone: Backbone | None = None,
    model: SoundModel | None = None,
    remember: Remember = compose_anew,
    with_report: bool = True,
) -> tuple[Scored, ...]:
    """Compose, play and write the takes; the best comes first.

    Args:
        analysis: of the programme, or of the part of it that is scored.
        settings: the knobs.
        shelf: gets `STEM.v2m`, or `STEM-a.v2m` … for several takes.
        stem: name of the takes.
        sources: the files that went in, for the record.
        clock: hears of the stages.
        cancel: raises CancelledError to stop; the shelf then leaves nothing behind.
        backbone: one that is loaded already; None loads the one that the settings name.
        model: the same, where the settings name a model that composes sound.
        remember: keeps the windows that such a model composes, for a later attempt.
        with_report: whether each take gets a page to look at.

    Raises:
        InputError: the programme is longer than a WAV can be.
        V2MError: see `v2m.errors`.
    """
    _check_length(analysis.timeline.duration_s)
    clock = clock or StageClock()
    names = [stem] if settings.takes == 1 else [f"{stem}-{letter}" for letter in _LETTERS[: settings.takes]]
    for name in names:
        shelf.check(name)
    analysis = with_words(analysis, settings.prompt, clock=clock, cancel=cancel)
    if composes_sound(settings.backbone):
        from v2m.sound_take.score import Order, score_sound  # whose libraries are optional

        order = Order(analysis, settings, tuple(names), sources, with_report)
        return score_sound(order, shelf, clock, cancel, model, remember)
    check_backbone(settings.backbone, settings.adapter)
    written = _Job(analysis, settings, sources, backbone, with_report).takes(names, shelf, clock, cancel)
    return tuple(sorted(written, key=lambda scored: scored.rank_key, reverse=True))


def finished_before(shelf: TakeShelf, stem: str, building: Path) -> Scored | None:
    """The take that an earlier attempt finished in this folder, put on the shelf; None where none did."""
    if not (building / "take.json").is_file():
        return None
    record = read_record(building)
    return Scored(shelf.put(building, stem), record)


def _check_length(duration_s: Fraction) -> None:
    if samples_covering(duration_s) > MAX_SAMPLES:
        raise InputError(
            f"The programme lasts {float(duration_s) / 3600:.1f} h, expected four at most, as a WAV holds.",
            hint="Score it in parts with --in and --out-point.",
        )


@dataclass(frozen=True)
class _Draft:
    """A take on its way."""

    name: str
    folder: Path
    composition: Composition
    plan: Plan


class _Job:
    """One call of `score`: what is the same for all its takes."""

    def __init__(
        self,
        analysis: Analysis,
        settings: ScoreSettings,
        sources: tuple[Source, ...],
        backbone: Backbone | None,
        with_report: bool,
    ) -> None:
        self.with_report = with_report
        self.analysis = replace(analysis, curve=analysis.curve.rounded())  # what the take holds is followed
        self.settings = settings
        self.sources = sources
        # an analysis made by this version says so already
        self.notes = list(dict.fromkeys([*analysis.notes, *licence_notes((analysis.encoder,))]))
        self.brief = self._brief()
        self.backbone: Backbone = backbone or load_backbone(settings.backbone)
        self.synth = ScoreSynth(find_soundfont(settings.soundfont))
        self.shelving = threading.Lock()
        self.seed = secrets.randbelow(2**31) if settings.seed is None else settings.seed

    def _brief(self) -> Brief:
        text, notes = words_of(self.analysis, self.settings.prompt)
        self.notes += notes
        brief = read_prompt(text)
        if brief.unknown:
            near = dict(brief.suggestions)
            words = [f"{word} ({near[word]}?)" if word in near else word for word in brief.unknown]
            self.notes.append(f"Words that the model does not know: {', '.join(words)}.")
        return brief

    def takes(
        self, names: Sequence[str], shelf: TakeShelf, clock: StageClock, cancel: Cancel
    ) -> list[Scored]:
        """Compose, play and write all takes, in their order."""
        with clock.stage("plan"):
            plans = self.plans()
        with clock.stage("compose") as report:
            composed = self.compose(plans, report, cancel)
        drafts = [
            _Draft(name, shelf.new(), composition, plan)
            for name, (composition, plan) in zip(names, composed, strict=True)
        ]
        if len(drafts) == 1:
            return [self.make(drafts[0], shelf, clock, cancel)]
        return self.make_all(drafts, shelf, clock, cancel)

    def make(self, draft: _Draft, shelf: TakeShelf, clock: StageClock, cancel: Cancel) -> Scored:
        """Play, master and write one take."""
        if scored := finished_before(shelf, draft.name, draft.folder):
            return scored
        record = self.write(draft, clock, cancel)
        with self.shelving:
            return Scored(shelf.put(draft.folder, draft.name), record)

    def make_all(
        self, drafts: Sequence[_Draft], shelf: TakeShelf, clock: StageClock, cancel: Cancel
    ) -> list[Scored]:
        """The same of several, side by side."""
        clocks: dict[int, StageClock] = {}

        def make(index: int, report: FractionDone, go_on: Cancel) -> Scored:
            def progress(stage: str, fraction: float) -> None:
                report((_MAKING.index(stage) + fraction) / len(_MAKING))

            clocks[index] = StageClock(progress)
            clocks[index].seconds.update(clock.seconds)
            return self.make(drafts[index], shelf, clocks[index], go_on)

        with clock.stage(_MAKING[0]) as report:
            written = side_by_side(
                make, len(drafts), threads=thread_count(), on_progress=report, cancel=cancel
            )
        spent = [sum(own.seconds.get(stage, 0.0) for own in clocks.values()) for stage in _MAKING]
        clock.divide(dict(zip(_MAKING, spent, strict=True)))
        return written

    def plans(self) -> tuple[Plan, ...]:
        wish = TempoWish(self.settings.tempo_bpm, self.settings.tempo_freedom)
        return plan_takes(self.analysis, self.brief, wish, self.settings.takes)

    def compose(
        self, plans: Sequence[Plan], report: Callable[[float], None], cancel: Cancel
    ) -> list[tuple[Composition, Plan]]:
        """Each take with the plan that it follows, in the order of the seeds; those of one plan together."""
        seeds = [self.seed + index for index in range(self.settings.takes)]
        composed: dict[int, tuple[Composition, Plan]] = {}
        for index, plan in enumerate(plans):
            commission = self.commission(plan, seeds[index :: len(plans)])

            def done(fraction: float, before: int = len(composed), of: int = len(commission.seeds)) -> None:
                report((before + of * fraction) / len(seeds))

            for composition in self.backbone.compose(commission, done, cancel):
                composed[composition.seed] = composition, plan
        return [composed[seed] for seed in seeds]

    def commission(self, plan: Plan, seeds: Sequence[int]) -> Commission:
        return Commission(
            brief=self.brief,
            tempo_map=plan.tempo_map,
            duration_s=self.analysis.timeline.duration_s,
            curve=self.analysis.curve,
            hits=self.analysis.hits,
            seeds=tuple(seeds),
            adherence=self.settings.adherence,
            steps=self.settings.steps,
            window_scale=self.settings.window_scale,
        )

    def write(self, draft: _Draft, clock: StageClock, cancel: Cancel) -> TakeRecord:
        """All files of a take into its folder, the record last."""
        folder, composition, plan = draft.folder, draft.composition, draft.plan
        piece = Piece(
            composition.arrangement, plan.tempo_map, self.analysis.hits,
            self.analysis.timeline.duration_s, silent_parts(self.brief),
        )  # fmt: skip
        played = piece.played
        with clock.stage("render") as report:
            recording = play(
                self.synth, played, plan.tempo_map, piece.programme, cancel, report, spool_folder=folder
            )
        try:
            with recording, clock.stage("master") as report:
                gain = recording.write(
                    folder, MasterSettings(self.settings.loudness_lufs), cancel, report
                ).gain
                write_midi(folder / "score.mid", played, plan.tempo_map)
                write_latents(folder, TakeLatents(composition.latents, composition.channels))
                metrics = measures(self.analysis, plan.tempo_map, folder / "music.wav")
                metrics["music"] = self._music(composition.arrangement)
                record = self._record(composition, plan, gain, metrics)
            with clock.stage("master"):
                write_looks(folder, record, clock.seconds, self.analysis.sheet, report=self.with_report)
                write_record(folder, record)
        except OSError as error:
            raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
        return record

    def _music(self, arrangement: Arrangement) -> dict[str, float | None] | None:
        """Figures of the notes, where takes are ranked; they look at each two phrases of a piece."""
        if self.settings.takes == 1 or self.analysis.timeline.duration_s > _LONGEST_COMPARED_S:
            return None
        figures = asdict(music_figures(arrangement))
        return {name: None if value is None else round(value, 4) for name, value in figures.items()}

    def _record(
        self, composition: Composition, plan: Plan, gain: float, metrics: dict[str, Any]
    ) -> TakeRecord:
        timeline, curve = self.analysis.timeline, self.analysis.curve
        return TakeRecord(
            sources=self.sources,
            prompt=self.brief.text,
            terms=self.brief.terms,
            unknown_words=self.brief.unknown,
            seed=composition.seed,
            backbone=self.backbone.name,
            weights_sha256=self.backbone.weights_sha256,
            soundfont_sha256=self.synth.soundfont.sha256,
            encoder=self.analysis.encoder,
            settings={
                name: str(v) if isinstance(v, Path) else v for name, v in asdict(self.settings).items()
            },
            frame_rate=timeline.rate,
            start_frame=timeline.start_frame,
            duration_s=timeline.duration_s,
            hits=self.analysis.hits,
            tempo_map=plan.tempo_map,
            tonic=composition.arrangement.tonic,
            curve={**asdict(curve), "values": curve.values.tolist()},
            metrics=metrics,
            notes=(*self.notes, *offbeat_notes(self.analysis.hits, plan.tempo_map)),
            v2m_version=__version__,
            arithmetic=composition.arithmetic,
            master_gain=gain,
            cuts=timeline.cuts,
            drop_frame=timeline.drop_frame,
            goes_on=timeline.goes_on,
        )
