"""Key finding: pretty keys are found in every transposition, and what has none is refused or None."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.codecs.arrangement import Arrangement, Note
from v2m.errors import InputError
from v2m.metrics.key import KRUMHANSL_KESSLER, KeyMode, estimate_key, key_of_durations

CADENCE: dict[KeyMode, tuple[tuple[int, ...], ...]] = {
    "major": ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)),
    "minor": ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7)),
}


def cadence(tonic: int, mode: KeyMode) -> Arrangement:
    chords = enumerate(CADENCE[mode])
    return Arrangement(
        16,
        tuple(
            Note("harmony", 4.0 * bar, 4.0, 60 + tonic + tone, 80) for bar, tones in chords for tone in tones
        ),
    )


@given(st.integers(0, 11), st.sampled_from(("major", "minor")))
def test_a_cadence_is_in_its_key(tonic: int, mode: KeyMode) -> None:
    key = estimate_key(cadence(tonic, mode))
    assert key is not None
    assert (key.tonic, key.mode) == (tonic, mode)


@given(st.integers(0, 11), st.sampled_from(("major", "minor")), st.floats(0.1, 100))
def test_a_profile_is_its_own_key_whatever_its_scale(tonic: int, mode: KeyMode, factor: float) -> None:
    key = key_of_durations(factor * np.roll(KRUMHANSL_KESSLER[mode], tonic))
    assert key is not None
    assert (key.tonic, key.mode) == (tonic, mode)
    assert key.correlation == pytest.approx(1)


def test_drums_have_no_key() -> None:
    assert estimate_key(Arrangement(4, (Note("drums", 0.0, 0.25, 36, 90),))) is None
    assert estimate_key(Arrangement(4, ())) is None


def test_evenly_spread_tones_have_no_key() -> None:
    assert key_of_durations(np.ones(12)) is None


@pytest.mark.parametrize("durations", [np.ones(11), -np.ones(12), np.full(12, np.nan)])
def test_what_is_no_histogram_is_refused(durations: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected twelve"):
        key_of_durations(durations)
