"""How hard the weights that ship strike notes, and how hard composed pieces do: two rows of quantiles a part.

python -m v2m_training.typical_strengths [PIECES] > v2m/backbones/typical_strengths.json
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.backbones.base import Commission
from v2m.backbones.sketch import Sketch, weights_path
from v2m.backbones.strengths import STROKES
from v2m.codecs.latents import encode
from v2m.codecs.layout import STRIKE_THRESHOLD
from v2m.curves import curve_from_cuts
from v2m.prompt.words import read_prompt
from v2m.stages import never_cancel
from v2m.tempo import TempoMap
from v2m.timeline import Cut
from v2m_training.compose import STYLE_NAMES, compose
from v2m_training.typical_table import Table, table_text

PERCENT: Final = (0, 2, 5, 10, 25, 50, 75, 90, 95, 98, 100)

_FIRST_SEED: Final = 8_100_000
"""Pieces that neither a corpus nor a benchmark has."""

_PIECES: Final = 48
"""Three of each style."""

_DURATION_S: Final = 32

Strokes = dict[str, list[NDArray[np.floating]]]


def typical_strengths(count: int) -> Table:
    """By part, the quantiles of what is written and of what is composed, to three places."""
    written: Strokes = defaultdict(list)
    composed: Strokes = defaultdict(list)
    # by its path the model is taken as it is, without the table that is made here
    model = Sketch(weights_path())
    for i in range(count):
        piece = compose(_FIRST_SEED + i, STYLE_NAMES[i % len(STYLE_NAMES)])
        _gather(composed, encode(piece.arrangement))
        music = model.compose(_commission(i, piece.bpm), lambda fraction: None, never_cancel)[0]
        _gather(written, music.latents)
    return {part: {"written": _row(written[part]), "composed": _row(composed[part])} for part in STROKES}


def _commission(index: int, bpm: float) -> Commission:
    """A style to random cuts on beats, at the default adherence."""
    rng = random.Random(index)  # noqa: S311 - the same table again
    tempo_map = TempoMap.steady(bpm, _DURATION_S)
    beats = range(rng.randint(3, 8), len(tempo_map.beats_s) - 4, rng.randint(3, 8))
    cuts = [Cut(Fraction(tempo_map.beats_s[beat])) for beat in beats]
    return Commission(
        brief=read_prompt(STYLE_NAMES[index % len(STYLE_NAMES)]), tempo_map=tempo_map,
        duration_s=Fraction(_DURATION_S), curve=curve_from_cuts(cuts, _DURATION_S, rate_hz=25.0), hits=(),
        seeds=(_FIRST_SEED + index,),
    )  # fmt: skip


def _gather(strokes: Strokes, latents: NDArray[np.floating]) -> None:
    for part, channels in STROKES.items():
        for channel in channels:
            codes = latents[:, channel]
            strokes[part].append(codes[codes > STRIKE_THRESHOLD])


def _row(strokes: list[NDArray[np.floating]]) -> list[float]:
    return [float(value) for value in np.percentile(np.concatenate(strokes), PERCENT).round(3)]


if __name__ == "__main__":
    sys.stdout.write(table_text(typical_strengths(int(sys.argv[1]) if len(sys.argv) > 1 else _PIECES)))
