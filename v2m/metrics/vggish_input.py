"""What VGGish is shown: log mel patches of 0.96 s, exactly as its authors cut them.

    16 kHz mono -> 25 ms Hann windows each 10 ms, FFT of 512, magnitudes -> 64 HTK mel bands, 125-7500 Hz
                -> log(x + 0.01) -> patches of 96 frames, end to end; what does not fill one is left out

Conventions: samples full scale 1; patches (n, 96, 64) float32.
Source: TensorFlow models, `research/audioset/vggish` (mel_features, vggish_input); `torchvggish`, which it
equals to rounding. Another sample rate is resampled by soxr (HQ), the original uses resampy: the one place
where two implementations differ, by about 1e-3 in the patches of music.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.errors import InputError

RATE_HZ: Final = 16_000
WINDOW: Final = 400
HOP: Final = 160
FFT: Final = 512
BANDS: Final = 64
LOWEST_HZ: Final = 125.0
HIGHEST_HZ: Final = 7500.0
LOG_OFFSET: Final = 0.01
PATCH_FRAMES: Final = 96
"""0.96 s."""

LEAST_SAMPLES: Final = WINDOW + (PATCH_FRAMES - 1) * HOP
"""Sound shorter than this, 0.975 s, has no patch."""


def patches(mono: NDArray[np.floating]) -> NDArray[np.float32]:
    """Cut sound into patches.

    Args:
        mono: (s,) at 16 kHz.

    Returns:
        (n, 96, 64), n = 0 for less than 0.975 s.

    Raises:
        InputError: the sound is not mono, or not finite.
    """
    sound = np.asarray(mono, np.float64)
    if sound.ndim != 1 or not np.isfinite(sound).all():
        raise InputError(f"Sound of shape {sound.shape} is given, expected finite mono samples.")
    if len(sound) < LEAST_SAMPLES:
        return np.zeros((0, PATCH_FRAMES, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    # the periodic Hann window: one full turn, its second zero left out
    window = 0.5 - 0.5 * np.cos(2 * np.pi / WINDOW * np.arange(WINDOW))
    magnitudes = np.abs(np.fft.rfft(frames * window, FFT, axis=1))
    log_mel = np.log(magnitudes @ _mel_matrix() + LOG_OFFSET)
    count = len(log_mel) // PATCH_FRAMES
    return log_mel[: count * PATCH_FRAMES].reshape(count, PATCH_FRAMES, BANDS).astype(np.float32)


def _mel(frequency_hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """HTK's mel scale."""
    return np.asarray(1127.0 * np.log1p(np.asarray(frequency_hz) / 700.0))


@cache
def _mel_matrix() -> NDArray[np.float64]:
    """(257, 64) triangles that are linear in mel; HTK leaves the constant bin out."""
    bins = _mel(np.linspace(0.0, RATE_HZ / 2, FFT // 2 + 1))[:, None]
    edges = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    matrix = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    matrix[0] = 0.0
    return matrix
