"""Pictures of what the embedded model composes in each style: piano roll above, spectrogram below.

    python benchmarks/styles.py [--out docs/styles] [--seconds 24] [--workers N] [--seed N] [--steps N]

One programme of each style, cut at random, is scored as `v2m score` does it with the style as the only word;
cuts are dashed lines in both panels. The roll's colours are the parts, drums lie beneath the pitched notes;
velocity is not shown. The spectrogram is of the sound before mastering, in steps of 8 dB down to -72 under
its loudest, on the mel scale from 40 Hz to 12 kHz. A picture is 60 kB at most.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import librosa
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from programmes import Job, Scored, arguments_of, cut_programme, each, score_job
from v2m_training.compose import STYLE_NAMES

from v2m.audio import mix
from v2m.codecs.arrangement import DRUM_VOICES, PARTS, Arrangement
from v2m.codecs.programs import DEFAULT_PROGRAMS
from v2m.codecs.synth import ScoreSynth
from v2m.prompt.instruments import instrument_words
from v2m.prompt.words import read_prompt
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

LARGEST_BYTES = 60_000
FIRST_SEED = 100

_COLOURS = {
    "drums": "#777777",
    "bass": "#4477aa",
    "harmony": "#ccbb44",
    "lead": "#ee6677",
    "extras": "#228833",
}
"""Paul Tol's bright scheme, told apart without colour vision too."""

_DRUMS_TOP = 26
"""The voices of the kit lie below this pitch, one on every other line."""

_STROKE_S = 0.06
"""A stroke of the drums has no length: so long it is drawn."""

_FLOOR_DB, _STEP_DB = -72, 8
_MEL_BANDS, _HOP = 96, 2048
"""About a pixel each."""
_RANGE_HZ = (40, 12_000)
_INCHES, _DPI = (8.0, 4.6), 80


@dataclass(frozen=True)
class Picture:
    """What is drawn of a style."""

    scored: Scored
    cuts_s: tuple[float, ...]
    levels_db: NDArray[np.float32]
    """(band, hop), stepped."""

    hop_s: float


def picture_of(job: Job) -> Picture:
    """Score a style and listen to it."""
    scored = score_job(job)
    end_s = scored.tempo_map.beats_s[-1]
    stems = ScoreSynth().render(scored.played, scored.tempo_map, sample_count=int(end_s * SAMPLE_RATE_HZ))
    mono = mix(stems).mean(axis=1)
    power = librosa.feature.melspectrogram(
        y=mono,
        sr=SAMPLE_RATE_HZ,
        n_fft=4096,
        hop_length=_HOP,
        n_mels=_MEL_BANDS,
        fmin=_RANGE_HZ[0],
        fmax=_RANGE_HZ[1],
    )
    levels = np.maximum(librosa.power_to_db(power, ref=np.max), _FLOOR_DB)
    stepped = np.round(levels / _STEP_DB).astype(np.float32) * _STEP_DB
    return Picture(scored, _cuts_s(job), stepped, _HOP / SAMPLE_RATE_HZ)


def _cuts_s(job: Job) -> tuple[float, ...]:
    brief = read_prompt(job.prompt)
    analysis = cut_programme(60 * job.beats / (sum(brief.bpm_range) / 2), job.seed)
    return tuple(float(cut.time_s) for cut in analysis.timeline.cuts)


def draw(picture: Picture, path: Path) -> None:
    """Write one PNG."""
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained")
    roll, spectrum = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_roll(roll, picture.scored)
    _draw_spectrum(spectrum, picture)
    for axes, colour in ((roll, "black"), (spectrum, "white")):
        for cut_s in picture.cuts_s:
            axes.axvline(cut_s, color=colour, linewidth=0.7, linestyle=(0, (4, 3)), antialiased=False)
    roll.set_xlim(0, picture.scored.tempo_map.beats_s[-1])
    figure.savefig(path, metadata={"Software": None})


def _draw_roll(axes: Axes, scored: Scored) -> None:
    for part in PARTS:
        bars = _bars(scored.played, scored.tempo_map, part)
        if len(bars):
            axes.barh(
                bars[:, 2], bars[:, 1], left=bars[:, 0], height=0.9, color=_COLOURS[part], antialiased=False
            )
    low, high = scored.tempo_map.tempo_bpm
    axes.set_title(f"{scored.job.prompt}, {low:.0f}-{high:.0f} BPM", fontsize=10, loc="left")
    axes.set_ylabel("pitch (MIDI), drums below", fontsize=8)
    axes.legend(
        handles=_legend(scored.played), fontsize=7, ncols=5, loc="lower right", bbox_to_anchor=(1.0, 1.0),
        frameon=False, borderaxespad=0.2,
    )  # fmt: skip
    axes.tick_params(labelsize=7)


def _bars(music: Arrangement, tempo_map: TempoMap, part: str) -> NDArray[np.float64]:
    """(n, 3): beginning and length in seconds, and height."""
    heights = {key: _DRUMS_TOP - 2 * place for place, key in enumerate(DRUM_VOICES.values())}
    notes = [note for note in music.notes if note.part == part]
    if not notes:
        return np.zeros((0, 3))
    starts = tempo_map.time_s(np.array([note.start_beat for note in notes]))
    ends = tempo_map.time_s(np.array([note.start_beat + note.duration_beats for note in notes]))
    if part == "drums":
        lengths = np.full(len(notes), _STROKE_S)
        return np.column_stack([starts, lengths, [heights.get(each.pitch, 0) for each in notes]])
    return np.column_stack([starts, ends - starts, [note.pitch for note in notes]])


def _legend(music: Arrangement) -> list[Line2D]:
    sounding = {note.part for note in music.notes}
    named = {
        part: (instrument_words(part, music.programs.get(part, DEFAULT_PROGRAMS[part])) or (part,))[-1]
        for part in PARTS
        if part in sounding
    }
    return [Line2D([], [], color=_COLOURS[part], linewidth=4, label=name) for part, name in named.items()]


def _draw_spectrum(axes: Axes, picture: Picture) -> None:
    extent = (0.0, picture.levels_db.shape[1] * picture.hop_s, 0.0, float(_MEL_BANDS))
    colours = mpl.colormaps["magma"].resampled(-_FLOOR_DB // _STEP_DB + 1)
    axes.imshow(
        picture.levels_db, origin="lower", aspect="auto", extent=extent, cmap=colours,
        interpolation="nearest", vmin=_FLOOR_DB, vmax=0,
    )  # fmt: skip
    marks = np.array([100, 1000, 3000, 10_000])
    centres = librosa.mel_frequencies(_MEL_BANDS, fmin=_RANGE_HZ[0], fmax=_RANGE_HZ[1])
    axes.set_yticks(np.interp(marks, centres, np.arange(_MEL_BANDS)), [f"{mark:g}" for mark in marks])
    axes.set_ylabel("Hz", fontsize=8)
    axes.set_xlabel("s", fontsize=8)
    axes.tick_params(labelsize=7)


def main() -> None:
    """Score and draw all styles."""
    parser = arguments_of(__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs") / "styles")
    parser.add_argument("--seconds", type=float, default=24.0, help="of music, about")
    parser.add_argument("--styles", nargs="+", choices=STYLE_NAMES, default=STYLE_NAMES, metavar="STYLE")
    options = parser.parse_args()
    jobs = [
        Job(style, FIRST_SEED + options.seed, _beats(style, options.seconds), steps=options.steps)
        for style in options.styles
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    too_large = []
    for picture in each(picture_of, jobs, options.workers):
        path = options.out / f"{picture.scored.job.prompt.replace(' ', '-')}.png"
        draw(picture, path)
        size = path.stat().st_size
        print(f"{path}  {size / 1000:.0f} kB, {len(picture.scored.played.notes)} notes")
        too_large += [path.name] if size > LARGEST_BYTES else []
    if too_large:
        sys.exit(f"Larger than {LARGEST_BYTES // 1000} kB: {', '.join(too_large)}. Draw fewer --seconds.")


def _beats(style: str, seconds: float) -> int:
    return round(seconds * sum(read_prompt(style).bpm_range) / 120)


if __name__ == "__main__":
    main()
