"""What the embedded model composes is struck as hard as composed music, and silence stays silent."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from v2m.backbones.base import Commission
from v2m.backbones.sketch import Sketch, weights_path
from v2m.backbones.strengths import STROKES, as_composed
from v2m.codecs.layout import CHANNEL_COUNT, LOUDEST, STRIKE_THRESHOLD
from v2m.curves import curve_from_cuts
from v2m.prompt.words import read_prompt
from v2m.stages import never_cancel
from v2m.tempo import TempoMap
from v2m.timeline import Cut

CODES = arrays(np.float32, (8, CHANNEL_COUNT), elements=st.floats(-3, 5, width=32))


@given(CODES)
def test_strokes_keep_their_order_and_the_rest_stays(latents: np.ndarray) -> None:
    heard = as_composed(latents)
    strokes = np.zeros(CHANNEL_COUNT, bool)
    for channels in STROKES.values():
        for channel in channels:
            strokes[channel] = True
            before, after = latents[:, channel].ravel(), heard[:, channel].ravel()
            assert (np.diff(after[np.argsort(before, kind="stable")]) >= 0).all()
    struck = strokes & (latents > STRIKE_THRESHOLD)
    assert (heard[struck] > STRIKE_THRESHOLD).all()
    assert (heard[struck] <= LOUDEST).all()
    np.testing.assert_array_equal(heard[~struck], latents[~struck])


def velocities(backbone: Sketch, adherence: float) -> np.ndarray:
    tempo_map = TempoMap.steady(100.0, 20)
    cuts = [Cut(Fraction(tempo_map.beats_s[beat])) for beat in (5, 9, 14, 20, 26)]
    commission = Commission(
        brief=read_prompt("house"), tempo_map=tempo_map, duration_s=Fraction(20), hits=(), seeds=(3,),
        curve=curve_from_cuts(cuts, 20, rate_hz=25.0), adherence=adherence, steps=8,
    )  # fmt: skip
    music = backbone.compose(commission, lambda fraction: None, never_cancel)[0]
    return np.array([note.velocity for note in music.arrangement.notes])


@pytest.mark.slow
@pytest.mark.parametrize("adherence", [0.0, 0.5, 1.0])
def test_what_is_composed_is_heard(adherence: float) -> None:
    struck = velocities(Sketch(), adherence)
    assert np.mean(struck < 20) < 0.05
    assert 45 < np.median(struck) < 85
    as_written = velocities(Sketch(weights_path()), adherence)  # weights by their path are left as they are
    assert len(as_written) == len(struck)
    assert np.mean(as_written < 20) > 0.2
