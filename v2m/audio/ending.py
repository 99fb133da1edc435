"""An ending that ends: exact length, no click at the start, silence at the end.

Conventions: (s, 2) float32; lengths in samples. Music is as long as the programme to the sample; whatever
still rings is taken down so that the last sample is silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.errors import InputError
from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

FADE_IN_SAMPLES: Final = 48
"""A millisecond: hides a note cut by the first frame, leaves an attack on the first frame whole."""

_LONGEST_FADE_SAMPLES = 2 * SAMPLE_RATE_HZ
"""A chord left to ring is heard as an end within about two seconds."""

_SHORTEST_FADE_SAMPLES = SAMPLE_RATE_HZ // 20
"""Even a hit on the last frame goes out in 50 ms: less would be a click."""

_HOLD_SHARE = 0.15
"""Share of the time after the last hit in which it sounds untouched."""


@dataclass(frozen=True)
class Ending:
    """Where the music stops, and where its last attack is."""

    sample_count: int
    last_attack: int | None = None
    """Sample of the last hit; the fade leaves its attack alone and spans its ring. None: it is not known."""

    def __post_init__(self) -> None:
        """Refuse an ending before the beginning.

        Raises:
            InputError: there is no length.
        """
        if self.sample_count < 1:
            raise InputError(f"The music is {self.sample_count} samples long, expected one or more.")

    @property
    def fade_start(self) -> int:
        """The first sample that the fade touches."""
        count = self.sample_count
        if self.last_attack is None or not 0 <= self.last_attack < count:
            start = count - count // 4 - 1  # without a known hit a quarter of a short piece must do
        else:
            start = self.last_attack + round((count - self.last_attack) * _HOLD_SHARE)
        latest = max(0, count - _SHORTEST_FADE_SAMPLES)
        return min(latest, max(count - _LONGEST_FADE_SAMPLES, start))

    def shape(self, samples: Samples, at: int) -> Samples:
        """The piece (s, 2) from sample `at` on, faded where it begins or ends the music, and cut there."""
        kept = samples[: max(0, self.sample_count - at)]
        if at >= FADE_IN_SAMPLES and at + len(kept) <= self.fade_start:
            return kept
        places = at + np.arange(len(kept))
        span = max(1, self.sample_count - 1 - self.fade_start)
        down = np.clip((places - self.fade_start) / span, 0, 1)
        curve = np.minimum(1.0, (places + 1) / FADE_IN_SAMPLES) * np.cos(down * np.pi / 2) ** 2
        if at + len(kept) == self.sample_count and len(kept):
            curve[-1] = 0.0  # a cosine's zero is not quite one
        shaped: Samples = (kept * curve[:, None]).astype(np.float32)
        return shaped


def finish(samples: Samples, sample_count: int, *, last_attack: int | None = None) -> Samples:
    """The music (s, 2) at its exact length: cut or padded with silence, faded in and out.

    Args:
        samples: the music, of any length.
        sample_count: length of the programme, a whole number of frames (`timebase.frame_to_sample`).
        last_attack: sample of the last hit.
    """
    ending = Ending(sample_count, last_attack)
    out = np.zeros((sample_count, samples.shape[1]), np.float32)
    shaped = ending.shape(samples, 0)
    out[: len(shaped)] = shaped
    return out
