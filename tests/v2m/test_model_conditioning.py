"""Grid features: what they say of a frame's place, read back from the numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.errors import InputError
from v2m.model.conditioning import GRID_CHANNELS, grid_features

STEPS = np.arange(0, 16 * 40)
PROGRAMME = (0, 16 * 40)


@given(st.integers(1, 7), st.floats(40, 240), st.integers(-64, 4000))
def test_every_number_is_small_and_finite(beats_per_bar: int, tempo: float, start: int) -> None:
    features = grid_features(np.arange(start, start + 32), beats_per_bar, tempo, (0, 2000))
    assert features.shape == (32, GRID_CHANNELS)
    assert features.dtype == np.float32
    assert np.all(np.abs(features) <= 2.0)


@given(st.integers(1, 6), st.integers(0, 300), st.integers(1, 60))
def test_an_excerpt_has_the_features_of_the_whole(beats_per_bar: int, start: int, count: int) -> None:
    whole = grid_features(STEPS, beats_per_bar, 100.0, PROGRAMME)
    part = grid_features(STEPS[start : start + count], beats_per_bar, 100.0, PROGRAMME)
    np.testing.assert_array_equal(part, whole[start : start + count])


def test_step_bar_and_phase() -> None:
    features = grid_features(STEPS, 3, 120.0, PROGRAMME)
    np.testing.assert_array_equal(features[:, :4].argmax(1), STEPS % 4)
    np.testing.assert_array_equal(np.flatnonzero(features[:, 10]), STEPS[STEPS % 12 == 0])
    for channel, bars in ((4, 1), (6, 4), (8, 16)):
        phase = np.arctan2(features[:, channel], features[:, channel + 1]) / (2 * np.pi)
        expected = STEPS / 12 / bars
        error = np.mod(phase - expected + 0.5, 1) - 0.5
        assert np.abs(error).max() < 1e-5
    assert np.all(features[:, 11] == np.float32(np.log2(3 / 4)))


def test_tempo_and_the_ends_of_the_programme() -> None:
    tempo = np.linspace(60, 240, len(STEPS))
    features = grid_features(STEPS, 4, tempo, PROGRAMME)
    np.testing.assert_allclose(120 * 2.0 ** features[:, 12], tempo, rtol=1e-5)
    rising, falling, near = features[:, 13], features[:, 14], features[:, 15]
    assert rising[0] == 1
    assert rising[8 * 16] == 0
    assert rising[4 * 16] == pytest.approx(0.5)
    assert falling[0] == 0
    assert falling[-1] > 0.99
    assert near[-16] == pytest.approx(0.5)
    # Past the programme, where notes may still ring, nothing runs out of range.
    assert grid_features(np.array([700]), 4, 90.0, PROGRAMME)[0, 14] == 1


def test_nonsense_is_refused() -> None:
    for beats, tempo in ((0, 120.0), (4, 0.0), (4, float("nan"))):
        with pytest.raises(InputError):
            grid_features(STEPS, beats, tempo, PROGRAMME)
