"""The event curve as the loudness that the ControlNet was trained to follow, and as sound.

The paper puts the curve where the ControlNet expects the loudness of music: RMS over 10,000 samples,
smoothed over 2,000 more, for each sample and channel. A standardised curve is brought to the range of such
loudness; the latents of that slow signal, read as if it were stereo sound, are the control.

Conventions: curve (t,) at the middles of latent frames; envelope (s,) in full scale.
Sources: V2M-Zero, table 3b; EmilianPostolache/stable-audio-controlnet, `main/module_controlnet_envelope.py`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

USUAL_RMS: Final = 0.15
"""-16 dB of full scale, where mastered music lies; a curve of zeros means this."""

RMS_SPREAD: Final = 0.05
"""Of one standard deviation: music's loudness over a quarter of a second varies by a third of its mean."""

LOUDEST_RMS: Final = 0.5
"""-6 dB: louder than music gets; what the curve asks beyond is not heard in the training."""


def envelope_of_curve(curve: NDArray[np.floating], hop_samples: int, samples: int) -> NDArray[np.float32]:
    """Loudness (s,) that a standardised curve asks for, straight between frames and held at both ends."""
    rms = np.clip(USUAL_RMS + RMS_SPREAD * curve.astype(np.float64), 0.0, LOUDEST_RMS)
    middles = (np.arange(len(rms)) + 0.5) * hop_samples
    envelope: NDArray[np.float64] = np.interp(np.arange(samples) + 0.5, middles, rms)
    return envelope.astype(np.float32)
