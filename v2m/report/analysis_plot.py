"""Pictures of what the music follows: event curve, cuts, markers, hits and beats on one time axis.

Conventions: times in seconds of the programme; a picture is 1600 x 600 pixels. matplotlib is loaded
when a picture is drawn; this package alone imports it.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from v2m.errors import OutputWriteError
from v2m.report.canvas import MOST_BEATS, figure_type

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from v2m.analysis import Analysis
    from v2m.tempo import TempoMap

INK, PAPER, QUIET = "#22262e", "#ffffff", "#9aa3b2"
CURVE, BEAT, TEMPO = "#2f6f8f", "#c9d3df", "#7a5ba8"
SHOTS: Final = ("#f3f5f8", "#e8ecf2")
"""Shots are shaded in turn, so that a cut shows even where a hit covers its line."""

HIT_COLORS: Final = {
    "cut": "#d1495b",
    "dissolve": "#e08e45",
    "fade": "#e0b645",
    "marker": "#3d9970",
    "visual": "#5b6bd6",
    "end": "#555555",
}
MARKER_COLOR: Final = "#3d9970"

_DPI: Final = 100
_INCHES: Final = (16.0, 6.0)


def plot_analysis(path: Path, analysis: Analysis, tempo_map: TempoMap | None = None) -> None:
    """Draw an analysis into a PNG, with the beats and their tempo where a map is given.

    Raises:
        MissingPartError: matplotlib is not installed.
        OutputWriteError: the file cannot be written.
    """
    figure = figure_type()(figsize=_INCHES, dpi=_DPI, facecolor=PAPER, layout="constrained")
    heights = (5.0, 2.4, 1.6) if tempo_map else (5.0, 2.4)
    rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    _draw_curve(rows[0], analysis)
    if tempo_map:
        _draw_beats(rows[1], tempo_map)
        _draw_tempo(rows[2], tempo_map)
    _draw_hits(rows[1], analysis)
    rows[-1].set_xlim(0, float(analysis.timeline.duration_s))
    rows[-1].set_xlabel("seconds", color=INK)
    for axes in rows:
        _tidy(axes)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # a name in a script that the font lacks
            figure.savefig(path, format="png")
    except OSError as error:
        raise OutputWriteError(f"Cannot write the picture {path}: {error.strerror}.") from error


def _draw_curve(axes: Axes, analysis: Analysis) -> None:
    curve, timeline = analysis.curve, analysis.timeline
    full_height = axes.get_xaxis_transform()  # seconds across, 0..1 of the axes up
    for turn, shade in enumerate(SHOTS):
        spans = [(float(shot.start_s), float(shot.duration_s)) for shot in timeline.shots[turn::2]]
        axes.broken_barh(spans, (0, 1), color=shade, lw=0, transform=full_height)
    cuts_s = [float(cut.time_s) for cut in timeline.cuts]
    axes.vlines(cuts_s, 0, 1, color=QUIET, lw=0.8, transform=full_height)
    for cut in timeline.cuts:
        if cut.width_s:
            middle, half = float(cut.time_s + cut.center_offset_s), float(cut.width_s) / 2
            axes.axvspan(middle - half, middle + half, color=HIT_COLORS["dissolve"], alpha=0.25, lw=0)
    times_s = np.arange(len(curve.values)) / curve.rate_hz
    floor = min(0.0, *curve.values) - 0.3  # a little air below the lowest valley
    axes.fill_between(times_s, curve.values, floor, color=CURVE, alpha=0.18, lw=0, zorder=3)
    axes.plot(times_s, curve.values, color=CURVE, lw=1.6, zorder=4)
    for marker in timeline.markers:
        _flag(axes, float(marker.time_s), marker.name or marker.color.lower())
    title = f"{timeline.name or 'Timeline'}: {len(timeline.shots)} shots, {len(timeline.cuts)} cuts"
    axes.set_title(title, loc="left", color=INK, fontsize=13, fontweight="bold", pad=20, parse_math=False)
    axes.set_ylabel(f"event curve\n({curve.encoder}, z)", color=INK)
    axes.set_ylim(bottom=floor)


def _flag(axes: Axes, time_s: float, words: str) -> None:
    axes.axvline(time_s, color=MARKER_COLOR, lw=1.2, ls=(0, (4, 3)), zorder=5)
    axes.annotate(
        words[:24], (time_s, 1), xycoords=("data", "axes fraction"),
        xytext=(0, 3), textcoords="offset points", ha="center", va="bottom",
        color=MARKER_COLOR, fontsize=9, annotation_clip=False, parse_math=False,
    )  # fmt: skip


def _draw_hits(axes: Axes, analysis: Analysis) -> None:
    for kind, color in HIT_COLORS.items():
        mine = [hit for hit in analysis.hits if hit.kind == kind]
        if mine:
            times_s, weights = [float(hit.time_s) for hit in mine], [hit.weight for hit in mine]
            axes.vlines(times_s, 0, weights, color=color, lw=2.2, zorder=3)
            label = f"{kind} ({len(mine)})"
            axes.scatter(times_s, weights, color=color, s=26, zorder=4, label=label, clip_on=False)
    if analysis.hits:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=len(HIT_COLORS), frameon=False, fontsize=9,
            labelcolor=INK, borderaxespad=0, handletextpad=0.1, columnspacing=1.2,
        )  # fmt: skip
    axes.set_ylim(0, 1.1)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("hits\n(weight)", color=INK)


def _draw_beats(axes: Axes, tempo_map: TempoMap) -> None:
    beats = np.asarray(tempo_map.beats_s)
    down = (np.arange(len(beats)) - tempo_map.first_downbeat) % tempo_map.beats_per_bar == 0
    if len(beats) <= MOST_BEATS:
        axes.vlines(beats[~down], 0, 1.1, color=BEAT, lw=0.9, zorder=1)
    axes.vlines(beats[down], 0, 1.1, color=BEAT, lw=2.0, zorder=1)


def _draw_tempo(axes: Axes, tempo_map: TempoMap) -> None:
    beats = np.asarray(tempo_map.beats_s)
    tempo_bpm = 60.0 / np.diff(beats)
    axes.stairs(tempo_bpm, beats, color=TEMPO, lw=1.6, baseline=None)
    middle, spread = float(np.median(tempo_bpm)), float(np.ptp(tempo_bpm))
    axes.set_ylim(middle - max(4.0, spread), middle + max(4.0, spread))  # 4 BPM: a steady click looks steady
    axes.set_ylabel("tempo\n(BPM)", color=INK)


def _tidy(axes: Axes) -> None:
    axes.set_facecolor(PAPER)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=INK, labelsize=9, length=3)
    axes.yaxis.set_label_coords(-0.035, 0.5)
