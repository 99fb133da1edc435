"""`fit`: a song of the user's own under the picture, its beats on the hits.

    song -> beats, bars, sections -> which part, cut where -> map -> stretched -> mastered -> take

The take keeps a copy of the song, so that it can be made again from its folder alone. It has no stems, no
notes and no latents: nothing of it was composed here.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from v2m import __version__
from v2m.analysis import Analysis
from v2m.errors import DocumentError, InputError, OutputWriteError, UsageError
from v2m.fit.choice import choose, limited
from v2m.fit.course import Course, Warp, on_beats, tempo_map_of, warp_course
from v2m.fit.form import find_form
from v2m.fit.music import Music
from v2m.fit.playing import Playing
from v2m.fit.pulse import track_pulse
from v2m.fit.spectrum import librosa_module, spectrum_of
from v2m.fit.stretch import Samples, signalsmith_module
from v2m.frames.sound import read_sound
from v2m.hits import Hit
from v2m.measures import measures
from v2m.plan import HIT_WEIGHT, sch_of_beats
from v2m.report.write import write_looks
from v2m.score import Scored
from v2m.stages import Cancel, StageClock, never_cancel
from v2m.take.record import Fitted, Source, TakeRecord, write_record
from v2m.take.shelf import TakeShelf
from v2m.tempo import TempoMap, TempoSettings
from v2m.tempo.plan import targets_of
from v2m.tempo.settings import costs_about
from v2m.timebase import SAMPLE_RATE_HZ

LONGEST_SONG_S: Final = 1200.0
"""Twenty minutes, which fill half a gigabyte of memory: more is an album."""

BACKBONE: Final = "fit"
"""What stands in a record in place of the model that composed."""


@dataclass(frozen=True)
class FitSettings:
    """Every knob of `v2m fit` that shapes the music."""

    max_stretch: float = 0.06
    """How far the song may be stretched or squeezed anywhere: 0.06 is 6 percent, which few hear."""

    edit: bool = False
    """Whether bars may be left out, repeated or put elsewhere."""

    tempo_bpm: float | None = None
    """The song's tempo where the user says it."""

    loudness_lufs: float = -16.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UsageError: a value is out of range.
        """
        if not 0 <= self.max_stretch <= 0.25:
            raise UsageError(f"The largest stretch is {self.max_stretch:.0%}, expected 0 to 25 percent.")
        if self.tempo_bpm is not None and not 30 <= self.tempo_bpm <= 300:
            raise UsageError(f"The song's tempo is {self.tempo_bpm:g} BPM, expected 30 to 300.")


def fit(
    song: Path,
    analysis: Analysis,
    settings: FitSettings,
    *,
    shelf: TakeShelf,
    stem: str,
    sources: tuple[Source, ...] = (),
    clock: StageClock | None = None,
    cancel: Cancel = never_cancel,
    with_report: bool = True,
) -> Scored:
    """Lay a song under a programme and write the take.

    Args:
        song: a sound file.
        analysis: of the programme.
        settings: the knobs.
        shelf: gets `STEM.v2m`.
        stem: name of the take.
        sources: the programme's files, for the record.
        clock: hears of the stages.
        cancel: raises CancelledError to stop; the shelf then leaves nothing behind.
        with_report: whether the take gets a page to look at.

    Raises:
        MediaError: the song cannot be read.
        InputError: it has no beat, or is too short.
        MissingPartError: a library of the extra `fit` is not installed.
        OutputWriteError: the take cannot be written.
    """
    clock = clock or StageClock()
    librosa_module(), signalsmith_module()  # missed now rather than after minutes of work
    shelf.check(stem)
    with clock.stage("plan"):
        samples = read_sound(song, longest_s=LONGEST_SONG_S, cancel=cancel)
        music = hear(samples, song.name, settings.tempo_bpm)
        cancel()
        laid = lay(music, analysis.hits, float(analysis.timeline.duration_s), settings, name=song.name)
    building = shelf.new()
    try:
        kept = _keep(song, building)
        fitted = laid.fitted(kept, song)
        playing = Playing(
            fitted, laid.tempo_map, analysis.hits, analysis.timeline.duration_s, settings.loudness_lufs
        )
        with clock.stage("render"):
            playing.write(building / "music.wav", samples, cancel)
        with clock.stage("master"):
            metrics = {
                **measures(analysis, laid.tempo_map, building / "music.wav"),
                **laid.told(analysis, music),
            }
            record = _record(analysis, settings, sources, laid, fitted, metrics)
        with clock.stage("master"):
            write_looks(building, record, clock.seconds, analysis.sheet, report=with_report)
            write_record(building, record)
    except OSError as error:
        raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
    return Scored(shelf.put(building, stem), record)


def hear(samples: Samples, name: str, bpm: float | None = None) -> Music:
    """What is known of a track (s, 2) from its sound.

    Raises:
        InputError: it is silent, or has no beat that can be made out.
    """
    spectrum = spectrum_of(samples)
    pulse = track_pulse(samples, spectrum, bpm=bpm, name=name)
    return Music(len(samples) / SAMPLE_RATE_HZ, pulse, find_form(spectrum, pulse))


@dataclass(frozen=True)
class Laid:
    """A track under a programme."""

    course: Course
    warp: Warp
    """By beats; see `v2m.fit.course.on_beats`."""

    tempo_map: TempoMap

    @property
    def largest_stretch(self) -> float:
        """How far the track is stretched or squeezed where it is most."""
        return float(np.abs(self.warp.stretches).max())

    def fitted(self, kept: str, song: Path) -> Fitted:
        """What the record says of it."""
        return Fitted(
            song=kept,
            name=song.name,
            sha256=_sha256(song),
            pieces=tuple((piece.course_s, piece.song_s, piece.end_song_s) for piece in self.course.pieces),
            knots=tuple(zip(self.warp.course_s.tolist(), self.warp.time_s.tolist(), strict=True)),
        )

    def told(self, analysis: Analysis, music: Music) -> dict[str, Any]:
        """What the metrics say besides those of every take."""
        unfitted = sch_of_beats(analysis, tuple((music.beats_s).tolist()))
        return {
            "song": {"tempo_bpm": round(music.pulse.bpm, 2), "clarity": round(music.pulse.clarity, 3)},
            "unfitted_sch": unfitted.value,
            "largest_stretch": round(self.largest_stretch, 4),
            "moments": self._moments(music, float(analysis.timeline.duration_s)),
        }

    def _moments(self, music: Music, duration_s: float) -> list[dict[str, float]]:
        """When the big moments of the track sound, and how big they are."""
        strengths = music.form.moments[self.course.song_beats]
        found = np.flatnonzero(strengths > 0)
        times_s = self.warp.times(self.course.beats_s[found])
        return [
            {"time_s": round(float(time_s), 3), "strength": round(float(strength), 2)}
            for time_s, strength in zip(times_s, strengths[found], strict=True)
            if -1e-3 <= time_s < duration_s
        ]


def lay(
    music: Music,
    hits: Sequence[Hit],
    duration_s: float,
    settings: FitSettings,
    *,
    name: str = "The song",
    entry: int | None = None,
) -> Laid:
    """Choose what of a track is played, and when.

    Args:
        music: the track.
        hits: that its beats are to fall on.
        duration_s: how long it is played.
        settings: the knobs.
        name: what the track is called in an error.
        entry: the beat that is on the first frame, for a track that sounds already; None for the best.

    Raises:
        InputError: it is too short.
    """
    if not settings.edit:
        _check_length(music, duration_s, settings, name)
    targets = targets_of(hits, duration_s)
    if entry is not None:  # nothing is worth a jump
        weights = np.append(targets.weights.sum() + 1.0, targets.weights[1:])
        targets = replace(targets, weights=weights)
    costs = limited(
        costs_about(60.0 / music.interval_s, TempoSettings(hit_weight=HIT_WEIGHT)), settings.max_stretch
    )
    route = choose(targets, music, duration_s, costs, may_cut=settings.edit, entry=entry)
    course = Course.of(route, music)
    warp = warp_course(course, route, targets, music, duration_s, costs)
    return Laid(course, on_beats(course, warp, duration_s), tempo_map_of(course, warp, duration_s))


def _check_length(music: Music, duration_s: float, settings: FitSettings, name: str) -> None:
    longest_s = music.duration_s * (1 + settings.max_stretch)
    if longest_s < duration_s:
        raise InputError(
            f"{name} lasts {music.duration_s:.1f} s, stretched {longest_s:.1f} s at most; "
            f"the programme lasts {duration_s:.1f} s.",
            hint="Add --edit to repeat bars, or fit it to a part with --in and --out-point.",
        )


def _keep(song: Path, folder: Path) -> str:
    """Copy the song into the take; returns what it is called there."""
    suffix = song.suffix.lower()
    name = f"song{suffix if suffix.isascii() and len(suffix) <= 8 else ''}"
    shutil.copyfile(song, folder / name)
    return name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record(
    analysis: Analysis,
    settings: FitSettings,
    sources: tuple[Source, ...],
    laid: Laid,
    fitted: Fitted,
    metrics: dict[str, Any],
) -> TakeRecord:
    timeline, curve = analysis.timeline, analysis.curve.rounded()
    return TakeRecord(
        sources=sources,
        prompt="",
        terms=(),
        unknown_words=(),
        seed=0,
        backbone=BACKBONE,
        weights_sha256="",
        soundfont_sha256="",
        encoder=analysis.encoder,
        settings=asdict(settings),
        frame_rate=timeline.rate,
        start_frame=timeline.start_frame,
        duration_s=timeline.duration_s,
        hits=analysis.hits,
        tempo_map=laid.tempo_map,
        tonic=0,
        curve={**asdict(curve), "values": curve.values.tolist()},
        metrics=metrics,
        notes=analysis.notes,
        v2m_version=__version__,
        cuts=timeline.cuts,
        drop_frame=timeline.drop_frame,
        goes_on=timeline.goes_on,
        fitted=fitted,
    )


def refit(folder: Path, record: TakeRecord, analysis: Analysis, again: Path, clock: StageClock) -> None:
    """Make a fitted take again in an empty folder, from the song that it keeps.

    Raises:
        DocumentError: the song in it is not the one that it was made from.
    """
    fitted = record.fitted
    if (
        fitted is None
        or not (folder / fitted.song).is_file()
        or _sha256(folder / fitted.song) != fitted.sha256
    ):
        raise DocumentError(f"{folder.name} lacks the song that it was made from, or it was changed.")
    with clock.stage("render"):
        samples = read_sound(folder / fitted.song, longest_s=LONGEST_SONG_S)
        Playing.of(record, fitted).write(again / "music.wav", samples, never_cancel)
    with clock.stage("master"):
        found = measures(analysis, record.tempo_map, again / "music.wav")
        write_record(again, replace(record, metrics={**record.metrics, **found}))
