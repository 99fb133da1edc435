"""Sound in overlapping spans: all of it, once, without seams, in the rate that is wanted."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.encoders.spans import rows_in_spans

ROW_S = Fraction(1, 10)


def rows_of(samples: np.ndarray, rate_hz: int, compute: object, span_s: int = 4) -> np.ndarray:
    return rows_in_spans(
        samples,
        rate_hz,
        compute,
        rate_hz=8000,
        span_s=Fraction(span_s),
        row_s=ROW_S,  # type: ignore[arg-type]
    )


def mean_by_row(samples: np.ndarray) -> np.ndarray:
    whole = np.pad(samples, (0, -len(samples) % 800), mode="edge")
    return whole.reshape(-1, 800).mean(axis=1)[:, None]


@given(st.integers(1, 8000 * 15))
def test_every_row_is_that_of_the_whole(count: int) -> None:
    samples = np.linspace(0, 1, count, dtype=np.float32)
    np.testing.assert_allclose(rows_of(samples, 8000, mean_by_row), mean_by_row(samples), atol=1e-5)


def test_spans_that_see_otherwise_fade_into_each_other() -> None:
    spans: list[int] = []

    def number(samples: np.ndarray) -> np.ndarray:
        spans.append(len(samples))
        return np.full((len(samples) // 800, 1), len(spans), np.float32)

    rows = rows_of(np.zeros(8000 * 13, np.float32), 8000, number)[:, 0]
    assert spans == [32_000, 32_000, 32_000, 32_000, 32_000, 24_000]
    assert np.diff(rows).min() > -1e-5
    assert np.diff(rows).max() < 0.1
    assert (rows[0], rows[-1]) == (1, pytest.approx(6, abs=0.1))


@pytest.mark.parametrize("rate_hz", [11_025, 16_000, 44_100, 48_000])
def test_sound_of_another_rate_keeps_its_time(rate_hz: int) -> None:
    time_s = np.arange(rate_hz * 11) / rate_hz
    slow = np.sin(2 * np.pi * 0.3 * time_s).astype(np.float32)
    rows = rows_of(np.stack([slow, slow], axis=1), rate_hz, mean_by_row)[:, 0]
    expected = np.sin(2 * np.pi * 0.3 * (np.arange(len(rows)) + 0.5) / 10)
    np.testing.assert_allclose(rows, expected, atol=0.01)
