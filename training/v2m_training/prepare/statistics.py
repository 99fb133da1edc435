"""What was found in the sources, as figures and as a picture.

Conventions: hours and seconds are of sound; quantiles are the 5th, 50th and 95th of hundred.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.curves import DEFAULT_KERNEL_S, FINE_RATE_HZ, smooth_hann
from v2m.errors import OutputWriteError
from v2m.report.canvas import figure_type
from v2m_training.prepare.examine import Examined
from v2m_training.prepare.prepared import Track

INK, FILL, QUIET = "#22262e", "#2f6f8f", "#9aa3b2"

_WORDS: Final = 40
"""Most frequent words that are told: enough to see what a set is about."""

_SHOWN_CURVES: Final = 4


@dataclass(frozen=True)
class Findings:
    """All that was found."""

    examined: Sequence[Examined]
    tracks: Sequence[Track]
    reasons: Sequence[str]
    """Why pieces were left out, one for each that was."""


def figures(found: Findings) -> dict[str, Any]:
    """What was found, as plain numbers."""
    heard = [one.sounding for one in found.examined if one.sounding]
    words = Counter(word.strip(".,;:!?").lower() for track in found.tracks for word in track.text.split())
    return {
        "found": len(found.examined),
        "kept": len(found.tracks),
        "left_out": dict(_counted(found.reasons)),
        "hours": round(sum(track.duration_s for track in found.tracks) / 3600, 4),
        "hours_by_licence": _hours(found.tracks, "licence"),
        "hours_by_split": _hours(found.tracks, "split"),
        "works": len({track.work for track in found.tracks}),
        "duration_s": _quantiles([one.duration_s for one in heard]),
        "level_db": _quantiles([one.level_db for one in heard]),
        "silent_share": _quantiles([one.silent for one in heard]),
        "clipped_share": _quantiles([one.clipped for one in heard]),
        "words": dict(words.most_common(_WORDS)),
    }


def _counted(reasons: Sequence[str]) -> list[tuple[str, int]]:
    """Reasons by how often they were; what made a file unreadable stands in the listing."""
    return Counter(reason.split(":", 1)[0] for reason in reasons).most_common()


def _hours(tracks: Sequence[Track], by: str) -> dict[str, float]:
    hours: defaultdict[str, float] = defaultdict(float)
    for track in tracks:
        hours[getattr(track, by)] += track.duration_s / 3600
    return {name: round(value, 4) for name, value in sorted(hours.items(), key=lambda item: -item[1])}


def _quantiles(values: Sequence[float]) -> list[float]:
    return [round(float(value), 5) for value in np.percentile(values, [5, 50, 95])] if values else []


def write_figures(path: Path, values: dict[str, Any]) -> None:
    """The figures as JSON."""
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def draw(path: Path, found: Findings, curves: Sequence[tuple[str, NDArray[np.float32]]]) -> None:
    """A picture of what was found: how long, how loud, how silent, how clipped, whose, and some curves.

    Args:
        path: of the PNG.
        found: what is drawn.
        curves: names and sharp curves of a few tracks.

    Raises:
        MissingPartError: matplotlib is not installed.
        OutputWriteError: the file cannot be written.
    """
    figure = figure_type()(figsize=(14.0, 9.0), dpi=100, facecolor="white", layout="constrained")
    grid = figure.add_gridspec(3, 4)
    heard = [one.sounding for one in found.examined if one.sounding]
    columns = {
        "length (s)": [one.duration_s for one in heard],
        "level (dB)": [one.level_db for one in heard],
        "silent share": [one.silent for one in heard],
        "clipped share": [one.clipped for one in heard],
    }
    for i, (name, values) in enumerate(columns.items()):
        _histogram(figure.add_subplot(grid[0, i]), name, values)
    _bars(figure.add_subplot(grid[1, :2]), "hours by licence", _hours(found.tracks, "licence"))
    left_out = {name: float(count) for name, count in _counted(found.reasons)}
    _bars(figure.add_subplot(grid[1, 2:]), "pieces left out", left_out)
    _curves(figure.add_subplot(grid[2, :]), curves[:_SHOWN_CURVES])
    try:
        figure.savefig(path, format="png")
    except OSError as error:
        raise OutputWriteError(f"Cannot write the picture {path}: {error.strerror}.") from error


def _histogram(axes: Any, name: str, values: Sequence[float]) -> None:  # noqa: ANN401 - drawn by v2m.report
    axes.hist(values, bins=30, color=FILL)
    axes.set_title(name, loc="left", color=INK, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)


def _bars(axes: Any, name: str, values: dict[str, float]) -> None:  # noqa: ANN401 - drawn by v2m.report
    shown = list(values.items())[:12][::-1]
    axes.barh([key[:40] for key, _ in shown], [value for _, value in shown], color=FILL)
    axes.set_title(name, loc="left", color=INK, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)


def _curves(axes: Any, curves: Sequence[tuple[str, NDArray[np.float32]]]) -> None:  # noqa: ANN401
    for i, (name, sharp) in enumerate(curves):
        smooth = smooth_hann(sharp, FINE_RATE_HZ, DEFAULT_KERNEL_S)
        axes.plot(np.arange(len(smooth)) / FINE_RATE_HZ, smooth - 6 * i, color=FILL, lw=0.8)
        axes.text(0, 2 - 6 * i, name[:60], color=INK, fontsize=9, parse_math=False)
    axes.set_title(f"event curves, {DEFAULT_KERNEL_S} s window (seconds)", loc="left", color=INK, fontsize=11)
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
