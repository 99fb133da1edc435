"""Hit at a frame: clicks on the moments are heard, blind clicks are luck."""

import numpy as np
import pytest

from v2m.errors import InputError
from v2m.metrics.hit_at_frame import hit_at_frame

RATE_HZ = 16_000


def clicks(times_s: list[float], duration_s: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    sound = np.zeros(round(duration_s * RATE_HZ), np.float32)
    for time_s in times_s:
        start = round(time_s * RATE_HZ)
        sound[start : start + 400] += 0.5 * np.sin(np.arange(400) / 3).astype(np.float32)
    return sound


def test_clicks_on_the_moments_are_heard_and_no_luck() -> None:
    moments = [1.03, 2.41, 4.87, 7.2, 8.9]
    result = hit_at_frame(clicks(moments, 12.0), RATE_HZ, moments, duration_s=12.0, frame_s=1 / 24)
    assert (result.value, result.hits, result.moments) == (1.0, 5, 5)
    assert result.chance is not None
    assert result.chance < 0.4
    assert result.p is not None
    assert result.p < 0.05


def test_clicks_elsewhere_are_not_heard_there() -> None:
    result = hit_at_frame(
        clicks([1.0, 3.0, 5.0], 8.0), RATE_HZ, [2.0, 4.0, 6.0], duration_s=8.0, frame_s=1 / 24, shifts=9
    )
    assert result.value == 0.0
    assert result.p == 1.0


def test_without_moments_there_is_no_value() -> None:
    assert hit_at_frame(clicks([1.0], 2.0), RATE_HZ, [], duration_s=2.0, frame_s=0.04).value is None


def test_a_frame_without_length_is_refused() -> None:
    with pytest.raises(InputError):
        hit_at_frame(clicks([1.0], 2.0), RATE_HZ, [1.0], duration_s=2.0, frame_s=0.0)
