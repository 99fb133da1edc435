"""The beats with their bars, and the tempo from beat to beat."""

from __future__ import annotations

from typing import Final

import numpy as np

from v2m.report.axis import LEVELS, Axis, free, level_class, stretched
from v2m.report.contents import Contents
from v2m.report.lane import Lane
from v2m.report.markup import Content, tag
from v2m.tempo import TempoMap

_HEIGHT: Final = 100
_LEAST_SPREAD_BPM: Final = 8.0
"""The tempo fills the lane from here on: a steady click looks steady."""

_MOST_NUMBERS: Final = 20
"""Of bars at magnification 1: more would touch."""


def beats_lane(contents: Contents, axis: Axis) -> Lane:
    """The lane of the beats."""
    tempo_map = contents.record.tempo_map
    beats_s = np.asarray(tempo_map.beats_s)
    marks: list[Content] = []
    inside = [i for i, beat_s in enumerate(tempo_map.beats_s) if 0 <= beat_s <= axis.duration_s]
    for kind, length, wanted in (("beat", 30, False), ("bar", _HEIGHT, True)):
        own = beats_s[[index for index in inside if tempo_map.is_downbeat(index) is wanted]]
        places = dict.fromkeys(axis.units(own))
        marks.append(tag("path", d="".join(f"M{x} {_HEIGHT}v-{length}" for x in places) or None, class_=kind))
    marks.append(tag("path", d=_tempo_path(tempo_map, axis), class_="tempo"))
    low, high = tempo_map.tempo_bpm
    told = f"Beats in bars of {tempo_map.beats_per_bar}, at {low:.1f} to {high:.1f} beats a minute."
    drawing = [stretched(_HEIGHT, marks), free(_numbers(tempo_map, axis))]
    aside = [
        tag("span", f"{told_tempo(tempo_map)} BPM"),
        tag("span", f"{tempo_map.beats_per_bar} beats a bar"),
    ]
    return Lane("beats", "Beats and tempo", told, drawing, aside)


def told_tempo(tempo_map: TempoMap) -> str:
    """Slowest and fastest tempo in whole beats a minute, one number where they are the same."""
    low, high = (f"{bpm:.0f}" for bpm in tempo_map.tempo_bpm)
    return low if low == high else f"{low}\N{EN DASH}{high}"


def _tempo_path(tempo_map: TempoMap, axis: Axis) -> str:
    beats_s = np.asarray(tempo_map.beats_s)
    bpm = 60.0 / np.diff(beats_s)
    middle = float(bpm.max() + bpm.min()) / 2
    spread = max(_LEAST_SPREAD_BPM, float(np.ptp(bpm)) * 1.2)
    heights = np.rint(_HEIGHT * (0.5 - (bpm - middle) / spread)).astype(int).tolist()
    places = axis.units(beats_s)
    steps = [f"M{places[0]} {heights[0]}"]
    for place, height in zip(places[1:], [*heights[1:], heights[-1]], strict=True):
        steps.append(f"H{place}V{height}")
    return "".join(steps)


def _numbers(tempo_map: TempoMap, axis: Axis) -> list[Content]:
    """Numbers of bars, counted from the first that begins within the programme; fewer the more there are."""
    bars_s = [bar_s for bar_s in tempo_map.bars_s if 0 <= bar_s < 0.985 * axis.duration_s]
    numbers: list[Content] = []
    seen: set[int] = set()
    for level in LEVELS:
        step = 1
        while len(bars_s) > step * _MOST_NUMBERS * level:
            step *= 2
        for index in range(0, len(bars_s), step):
            if index not in seen:
                seen.add(index)
                at, shown = axis.percent(bars_s[index]), level_class(level) or None
                numbers.append(tag("text", str(index + 1), x=at, dx=4, y=12, class_=shown))
    return numbers
