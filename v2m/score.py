"""The first verb: an analysed timeline becomes takes, best first.

analysis + words -> beats -> compositions (one batch) -> accents on the hits -> sound -> takes
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors.numpy import save_file

from v2m import __version__
from v2m.analysis import Analysis
from v2m.audio import MasterSettings, WavReader
from v2m.audio.wav import MAX_SAMPLES
from v2m.backbones import load_backbone
from v2m.backbones.base import Backbone, Commission, Composition
from v2m.codecs.accents import accent_hits
from v2m.codecs.arrangement import Arrangement, Part
from v2m.codecs.midi import write_midi
from v2m.codecs.pulse import mark_beats
from v2m.codecs.soundfont import find_soundfont
from v2m.codecs.synth import ScoreSynth
from v2m.curves import FloatArray, event_curve
from v2m.encoders import spectral
from v2m.errors import InputError, OutputWriteError, UsageError
from v2m.metrics.heard import hit_errors_s
from v2m.performance import Programme, play
from v2m.plan import TempoWish, plan_beats, sch_of_beats
from v2m.prompt.casting import silent_parts
from v2m.prompt.pace import prompt_from_pace
from v2m.prompt.words import Brief, read_prompt
from v2m.shelf import TakeShelf
from v2m.stages import Cancel, StageClock, never_cancel
from v2m.take import Source, TakeRecord, read_record, to_json
from v2m.tempo import Plan
from v2m.timebase import SAMPLE_RATE_HZ, samples_covering

HEAVY_WEIGHT: Final = 0.5
"""Hits of at least this weight must be heard."""

_LETTERS: Final = "abcdefghijklmnop"
"""Several takes are told apart by these."""

_LONGEST_CORRELATED_S: Final = 900
"""The music's own curve is measured up to a quarter of an hour: its features, held at once, take 100 MB."""


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
    window_scale: float = 1.0
    """Below 1 the backbone composes in smaller windows, which take less memory."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UsageError: a value is out of range.
        """
        if not 0 <= self.adherence <= 1:
            raise UsageError(f"The adherence is {self.adherence}, expected 0 to 1.")
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
    def rank_key(self) -> tuple[float, float]:
        """Higher is better: hits heard by weight, then how closely the music's curve follows the video's."""
        metrics = self.record.metrics
        return metrics["hits_heard"], metrics["curve_correlation"] or 0.0


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

    Raises:
        InputError: the programme is longer than a WAV can be.
        V2MError: see `v2m.errors`.
    """
    _check_length(analysis.timeline.duration_s)
    clock = clock or StageClock()
    names = [stem] if settings.takes == 1 else [f"{stem}-{letter}" for letter in _LETTERS[: settings.takes]]
    for name in names:
        shelf.check(name)
    job = _Job(analysis, settings, sources, backbone)
    with clock.stage("plan"):
        plan = job.plan()
    with clock.stage("compose") as report:
        commission = job.commission(plan)
        compositions = job.backbone.compose(commission, report, cancel)
    written = []
    for name, composition in zip(names, compositions, strict=True):
        building = shelf.new()
        record = job.write(composition, plan, building, clock, cancel)
        written.append(Scored(shelf.put(building, name), record))
    return tuple(sorted(written, key=lambda scored: scored.rank_key, reverse=True))


def _check_length(duration_s: Fraction) -> None:
    if samples_covering(duration_s) > MAX_SAMPLES:
        raise InputError(
            f"The programme lasts {float(duration_s) / 3600:.1f} h, expected four at most, as a WAV holds.",
            hint="Score it in parts with --in and --out-point.",
        )


class _Job:
    """One call of `score`: what is the same for all its takes."""

    def __init__(
        self,
        analysis: Analysis,
        settings: ScoreSettings,
        sources: tuple[Source, ...],
        backbone: Backbone | None,
    ) -> None:
        self.analysis = analysis
        self.settings = settings
        self.sources = sources
        self.notes = list(analysis.notes)
        self.brief = self._brief()
        self.backbone: Backbone = backbone or load_backbone(settings.backbone)
        self.synth = ScoreSynth(find_soundfont(settings.soundfont))
        self.seed = secrets.randbelow(2**31) if settings.seed is None else settings.seed

    def _brief(self) -> Brief:
        text = self.settings.prompt
        if text is None or not text.strip():
            text = prompt_from_pace(self.analysis.timeline)
            self.notes.append(f'No prompt was given; by the pace of the cutting it is "{text}".')
        brief = read_prompt(text)
        if brief.unknown:
            near = dict(brief.suggestions)
            words = [f"{word} ({near[word]}?)" if word in near else word for word in brief.unknown]
            self.notes.append(f"Words that the model does not know: {', '.join(words)}.")
        return brief

    def plan(self) -> Plan:
        wish = TempoWish(self.settings.tempo_bpm, self.settings.tempo_freedom)
        plan = plan_beats(self.analysis, self.brief, wish)
        offbeat = [hit.id for hit in self.analysis.hits if hit.id in plan.offbeat]
        if offbeat:
            self.notes.append(
                f"Hits that no beat reaches and that get an accent of their own: {len(offbeat)}."
            )
        return plan

    def commission(self, plan: Plan) -> Commission:
        return Commission(
            brief=self.brief,
            tempo_map=plan.tempo_map,
            duration_s=self.analysis.timeline.duration_s,
            curve=self.analysis.curve,
            hits=self.analysis.hits,
            seeds=tuple(self.seed + index for index in range(self.settings.takes)),
            adherence=self.settings.adherence,
            steps=self.settings.steps,
            window_scale=self.settings.window_scale,
        )

    def write(
        self, composition: Composition, plan: Plan, folder: Path, clock: StageClock, cancel: Cancel
    ) -> TakeRecord:
        if (folder / "take.json").is_file():
            return read_record(folder)
        arrangement = accented(composition.arrangement, self.analysis, plan, silent_parts(self.brief))
        programme = programme_of(self.analysis, arrangement, plan)
        settings = MasterSettings(self.settings.loudness_lufs)
        try:
            with clock.stage("render") as report:
                recording = play(
                    self.synth, arrangement, plan.tempo_map, programme, cancel, report, spool_folder=folder
                )
            with recording, clock.stage("master") as report:
                recording.write(folder, settings, cancel, report)
                write_midi(folder / "score.mid", arrangement, plan.tempo_map)
                save_file({"latents": composition.latents}, folder / "latents.safetensors")
                record = self._record(composition, plan, folder)
                (folder / "take.json").write_text(to_json(record), encoding="utf-8")
        except OSError as error:
            raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
        return record

    def _record(self, composition: Composition, plan: Plan, building: Path) -> TakeRecord:
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
            curve={**asdict(curve), "values": (np.round(curve.values, 4) + 0.0).tolist()},
            metrics=self._metrics(plan, building),
            notes=tuple(self.notes),
            v2m_version=__version__,
        )

    def _metrics(self, plan: Plan, building: Path) -> dict[str, Any]:
        errors = heard_errors(self.analysis, building / "music.wav")
        sch = sch_of_beats(self.analysis, plan.tempo_map.beats_s)
        return {
            "sch": {"value": sch.value, "tolerance_s": sch.tolerance_s, "chance": round(sch.chance, 4)},
            "hit_errors_s": errors,
            "hits_heard": heard_share(self.analysis, errors),
            "curve_correlation": curve_correlation(self.analysis, building / "music.wav"),
        }


def accented(
    arrangement: Arrangement, analysis: Analysis, plan: Plan, silent: frozenset[Part] = frozenset()
) -> Arrangement:
    """The arrangement as it is played: leaning on the beats, every heavy hit struck exactly at its time.

    Parts in `silent` get no accents: the words forbid them to sound.
    """
    hits = [hit for hit in analysis.hits if hit.weight >= HEAVY_WEIGHT]
    beats = plan.tempo_map.beat_at(np.array([float(hit.time_s) for hit in hits]))
    return accent_hits(
        mark_beats(arrangement),
        [(float(b), hit.weight, hit.kind) for b, hit in zip(beats, hits, strict=True)],
        silent,
    )


def programme_of(analysis: Analysis, arrangement: Arrangement, plan: Plan) -> Programme:
    """The length of the music and the attack that ends it."""
    duration_s = analysis.timeline.duration_s
    starts = np.array([note.start_beat for note in arrangement.notes])
    attacks_s = plan.tempo_map.time_s(starts)
    inside = attacks_s[attacks_s < float(duration_s)]
    return Programme(duration_s, float(inside.max()) if len(inside) else None)


def heard_errors(analysis: Analysis, wav: Path) -> dict[str, float | None]:
    """For each hit inside the programme, how far the nearest onset in the sound lies, in seconds."""
    inside = [hit for hit in analysis.hits if hit.time_s < analysis.timeline.duration_s]
    with WavReader(wav) as sound:
        errors = hit_errors_s(sound, SAMPLE_RATE_HZ, [float(hit.time_s) for hit in inside])
    return {hit.id: error for hit, error in zip(inside, errors, strict=True)}


def heard_share(analysis: Analysis, errors: dict[str, float | None]) -> float:
    """Share of the heavy hits with an onset within one frame; 1 without any."""
    frame_s = float(1 / analysis.timeline.rate)
    heavy = [hit.id for hit in analysis.hits if hit.weight >= HEAVY_WEIGHT and hit.id in errors]
    heard = sum(1 for id_ in heavy if (error := errors[id_]) is not None and abs(error) <= frame_s)
    return round(heard / len(heavy), 4) if heavy else 1.0


def curve_correlation(analysis: Analysis, wav: Path) -> float | None:
    """Pearson correlation of the music's event curve with the video's; None where it says nothing."""
    duration_s = analysis.timeline.duration_s
    if duration_s > _LONGEST_CORRELATED_S:
        return None
    video = analysis.curve
    with WavReader(wav) as sound:
        heard = spectral.encode(sound, SAMPLE_RATE_HZ)
    music = event_curve(heard, float(duration_s), rate_hz=video.rate_hz, kernel_s=video.kernel_s)
    return _pearson(video.values, music.values)


def _pearson(a: FloatArray, b: FloatArray) -> float | None:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / scale, 4) + 0.0 if scale > 0 else None  # never -0.0
