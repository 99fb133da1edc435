"""Whether a hit is heard, on sounds with known attacks."""

import numpy as np
import pytest

from v2m.errors import InputError
from v2m.metrics.heard import hit_errors_s

RATE = 48_000


def pluck(at_s: float, length_s: float = 8.0, frequency_hz: float = 220.0) -> np.ndarray:
    """A decaying tone that begins at a time."""
    time_s = np.arange(round(length_s * RATE)) / RATE - at_s
    tone = np.sin(2 * np.pi * frequency_hz * time_s) * np.exp(-3 * np.clip(time_s, 0, None))
    return np.where(time_s >= 0, 0.5 * tone, 0.0)


@pytest.mark.parametrize("attack_s", [1.0, 2.3456, 5.001])
@pytest.mark.parametrize("frequency_hz", [60.0, 440.0, 3000.0])
def test_an_attack_is_placed_within_ten_milliseconds(attack_s: float, frequency_hz: float) -> None:
    (error_s,) = hit_errors_s(pluck(attack_s, frequency_hz=frequency_hz), RATE, [attack_s])
    assert error_s is not None
    assert abs(error_s) < 0.010


def test_the_error_is_signed_and_the_nearest_onset_counts() -> None:
    sound = (
        pluck(2.0) + pluck(2.5, frequency_hz=500) + 1e-4 * np.random.default_rng(0).standard_normal(8 * RATE)
    )
    late, early, nearest = hit_errors_s(np.stack([sound, sound], 1), RATE, [1.95, 2.05, 2.45])
    assert late == pytest.approx(0.05, abs=0.01)
    assert early == pytest.approx(-0.05, abs=0.01)
    assert nearest == pytest.approx(0.05, abs=0.01)


def test_silence_and_steady_sound_have_no_onset() -> None:
    steady = 0.3 * np.sin(2 * np.pi * 200 * np.arange(4 * RATE) / RATE)
    assert hit_errors_s(np.zeros(4 * RATE), RATE, [1.0, 2.0]) == [None, None]
    assert hit_errors_s(np.where(np.arange(4 * RATE) > 3.4 * RATE, steady, 0), RATE, [2.0]) == [None]
    assert hit_errors_s(np.zeros(10), RATE, [5.0]) == [None]


def test_a_rate_too_low_to_tell_is_refused() -> None:
    with pytest.raises(InputError, match="expected 8000 or more"):
        hit_errors_s(np.zeros(100), 1000, [0.0])
