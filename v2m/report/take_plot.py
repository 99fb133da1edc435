"""A take as one picture: the lanes of its page, drawn by day into a PNG.

Conventions: times in seconds of the programme; a picture is 1800 pixels wide, and as high as its lanes are.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from v2m.errors import OutputWriteError
from v2m.frames import SMALL
from v2m.report.canvas import MOST_BEATS, figure_type
from v2m.report.contents import Contents
from v2m.report.film import Film
from v2m.report.hits_lane import grade
from v2m.report.palette import day
from v2m.report.piano_roll import pitch_rows
from v2m.report.sound_lanes import spectrum_palette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from v2m.codecs.midi_notes import PartNotes

_DPI: Final = 100
_WIDTH_INCHES: Final = 18.0
_LANES: Final = {
    "strip": 0.95,
    "curve": 1.9,
    "hits": 1.0,
    "errors": 0.9,
    "beats": 1.1,
    "wave": 1.1,
    "spectrum": 1.7,
}
"""Heights in inches."""

_PICTURES_ACROSS: Final = 11
"""So that those of the usual shape keep it."""

_LEAST_SHOWN: Final = 0.15
"""Of a picture's width: of less nothing is seen."""

_PART_INCHES: Final = 0.9


def plot_contents(path: Path, contents: Contents, title: str) -> None:
    """Draw a take into a PNG.

    Raises:
        MissingPartError: matplotlib is not installed.
        OutputWriteError: the file cannot be written.
    """
    heights = [*_LANES.values(), *(_PART_INCHES for _ in contents.notes)]
    figure = figure_type()(
        figsize=(_WIDTH_INCHES, sum(heights) + 1.4),
        dpi=_DPI,
        facecolor=day("card"),
        layout="constrained",
    )
    rows: Sequence[Axes] = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    drawers = (_strip, _curve, _hits, _errors, _beats, _wave, _spectrum)
    for drawer, axes in zip(drawers, rows, strict=False):
        drawer(axes, contents)
    for (part, notes), axes in zip(contents.notes.items(), rows[len(drawers) :], strict=True):
        _part(axes, part, notes)
    cuts_s = contents.bounds_s[1:-1]
    for axes in rows:
        axes.vlines(
            cuts_s, 0, 1, color=day("cut"), lw=0.6, ls=(0, (3, 3)), transform=axes.get_xaxis_transform()
        )
        _tidy(axes)
    rows[-1].set_xlim(0, contents.duration_s)
    rows[-1].set_xlabel("seconds", color=day("ink"))
    rows[0].set_title(
        f"{title}\n{contents.record.prompt[:140]}",
        loc="left",
        color=day("ink"),
        fontsize=13,
        parse_math=False,
    )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # a name in a script that the font lacks
            figure.savefig(path, format="png")
    except OSError as error:
        raise OutputWriteError(f"Cannot write the picture {path}: {error.strerror}.") from error


def _strip(axes: Axes, contents: Contents) -> None:
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel("picture", color=day("ink"))
    bounds_s = contents.bounds_s
    for turn, shade in enumerate((day("faint"), day("line"))):
        spans = [(a, b - a) for a, b in list(pairwise(bounds_s))[turn::2]]
        axes.broken_barh(spans, (0, 1), color=shade, lw=0)
    if contents.sheet is None:
        return
    from matplotlib.image import imread

    page = imread(BytesIO(contents.sheet.jpeg), format="jpg")
    film, width_s = Film.of(contents.sheet, bounds_s), contents.duration_s / _PICTURES_ACROSS
    chosen = film.chosen(width_s, _LEAST_SHOWN * width_s)
    starts_s = [*film.starts_s[chosen].tolist(), contents.duration_s]
    for index, (start_s, until_s) in zip(chosen, pairwise(starts_s), strict=True):
        left, top = contents.sheet.place(index)
        share = min(1.0, (until_s - start_s) / width_s)
        tile = page[top : top + SMALL[1], left : left + max(1, round(SMALL[0] * share))]
        axes.imshow(tile, extent=(start_s, start_s + share * width_s, 0, 1), aspect="auto", zorder=2)


def _curve(axes: Axes, contents: Contents) -> None:
    curve = contents.record.curve
    seen = np.asarray(curve["values"])
    times_s = np.arange(len(seen)) / curve["rate_hz"]
    axes.fill_between(times_s, seen, min(seen.min(), -1.0), color=day("seen"), alpha=0.14, lw=0)
    axes.plot(times_s, seen, color=day("seen"), lw=1.6, label=f"picture ({curve['encoder']})")
    if contents.listening.curve is not None:
        axes.plot(times_s, contents.listening.curve, color=day("heard"), lw=1.3, label="music")
    axes.set_ylabel("events (z)", color=day("ink"))
    axes.legend(loc="upper right", frameon=False, fontsize=9, ncols=2, labelcolor=day("ink"))


def _hits(axes: Axes, contents: Contents) -> None:
    for kind in dict.fromkeys(hit.kind for hit in contents.record.hits):
        own = [hit for hit in contents.record.hits if hit.kind == kind]
        times_s, weights = [float(hit.time_s) for hit in own], [hit.weight for hit in own]
        axes.vlines(times_s, 0, weights, color=day(f"k-{kind}"), lw=2)
        axes.scatter(times_s, weights, color=day(f"k-{kind}"), s=24, label=kind, clip_on=False, zorder=3)
    axes.set_ylim(0, 1.15)
    axes.set_yticks([0, 1])
    axes.set_ylabel("hits", color=day("ink"))
    if contents.record.hits:
        axes.legend(loc="upper right", frameon=False, fontsize=8, ncols=6, labelcolor=day("ink"))


def _errors(axes: Axes, contents: Contents) -> None:
    frame_s = float(1 / contents.record.frame_rate)
    limit_ms = 3000 * frame_s
    axes.axhspan(-1000 * frame_s, 1000 * frame_s, color=day("good"), alpha=0.12, lw=0)
    for hit in contents.record.hits:
        error_s = contents.errors_s.get(hit.id)
        if error_s is not None:
            at_ms = float(np.clip(1000 * error_s, -limit_ms, limit_ms))
            axes.scatter([float(hit.time_s)], [at_ms], color=day(grade(error_s, frame_s)), s=20, zorder=3)
        elif hit.id in contents.errors_s:
            axes.scatter([float(hit.time_s)], [0], s=24, facecolors="none", edgecolors=day("poor"), zorder=3)
    axes.set_ylim(1.1 * limit_ms, -1.1 * limit_ms)  # early above, as in the page
    axes.set_ylabel("errors (ms)", color=day("ink"))


def _beats(axes: Axes, contents: Contents) -> None:
    tempo_map = contents.record.tempo_map
    beats = np.asarray(tempo_map.beats_s)
    down = (np.arange(len(beats)) - tempo_map.first_downbeat) % tempo_map.beats_per_bar == 0
    full = axes.get_xaxis_transform()
    if len(beats) <= MOST_BEATS:
        axes.vlines(beats[~down], 0, 0.3, color=day("beat"), lw=0.8, transform=full)
    axes.vlines(beats[down], 0, 1, color=day("beat"), lw=1.0, transform=full)
    bpm = 60.0 / np.diff(beats)
    axes.stairs(bpm, beats, color=day("tempo"), lw=1.6, baseline=None)
    middle, spread = float(np.median(bpm)), float(np.ptp(bpm))
    axes.set_ylim(middle - max(4.0, spread), middle + max(4.0, spread))
    axes.set_ylabel("tempo (BPM)", color=day("ink"))


def _wave(axes: Axes, contents: Contents) -> None:
    heard = contents.listening
    times_s = (np.arange(len(heard.lows)) + 0.5) * contents.duration_s / len(heard.lows)
    axes.fill_between(times_s, heard.lows, heard.highs, color=day("peak"), lw=0)
    axes.fill_between(times_s, -heard.rms, heard.rms, color=day("rms"), lw=0)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.set_ylabel("waveform", color=day("ink"))


def _spectrum(axes: Axes, contents: Contents) -> None:
    from matplotlib.colors import ListedColormap

    shades = ListedColormap(np.array(spectrum_palette()) / 255)
    spectrum, across = contents.listening.spectrum, (0, contents.duration_s, 0, 1)
    axes.imshow(spectrum, origin="lower", aspect="auto", extent=across, cmap=shades, vmin=0, vmax=1)
    axes.set_yticks([])
    axes.set_ylabel("spectrum", color=day("ink"))


def _part(axes: Axes, part: str, notes: PartNotes) -> None:
    from matplotlib.collections import LineCollection

    rows, count = pitch_rows(part, notes)
    lines = np.stack(
        [np.stack([notes.starts_s, rows], axis=1), np.stack([notes.ends_s, rows], axis=1)], axis=1
    )
    alphas = 0.4 + 0.6 * np.clip(notes.velocities / 110, 0, 1)
    axes.add_collection(LineCollection(list(lines), colors=day(f"p-{part}"), linewidths=2.2, alpha=alphas))
    axes.set_ylim(-1, max(count, 12))
    axes.set_yticks([])
    axes.set_ylabel(part, color=day("ink"))


def _tidy(axes: Axes) -> None:
    axes.set_facecolor(day("lane"))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines[["bottom"]].set_color(day("line"))
    axes.tick_params(colors=day("quiet"), labelsize=9, length=3)
    axes.yaxis.set_label_coords(-0.03, 0.5)
