"""What each family of sound models is to the rest: a window of latents asked for, and latents to sound.

A family (Stable Audio 3, Stable Audio Open, ACE-Step, the paper's own size) implements `SoundModel`; how
programmes longer than its window are put together, resampled, fitted to the hits and written is the business
of others and the same for all. Axes: b batch (takes), t latent frame, c channel, s audio sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from v2m.errors import UnfinishedError
from v2m.stages import Cancel, FractionDone

if TYPE_CHECKING:
    from v2m.backbones.sound.head import Steering


@dataclass(frozen=True)
class LatentGrid:
    """How a model's latents lie in time."""

    sample_rate_hz: int
    hop_samples: int
    """Audio samples of one latent frame."""

    channels: int
    longest_frames: int
    """What the model was trained to compose at once."""

    @property
    def rate_hz(self) -> Fraction:
        """Latent frames a second."""
        return Fraction(self.sample_rate_hz, self.hop_samples)


@dataclass(frozen=True)
class SoundWindow:
    """A stretch of latents that is composed at once, for all takes together."""

    prompt: str
    first_frame: int
    """Where the window begins in the programme: noise is drawn by absolute position."""

    frame_count: int
    curve: NDArray[np.float32]
    """(t,) of the video, standardised over the whole programme, at the middles of the window's frames."""

    seeds: tuple[int, ...]
    """One take each."""

    negative_prompt: str = ""
    adherence: float = 0.5
    """0 ignores the curve, 0.5 follows it as in training, 1 twice as hard; nothing without an adapter."""

    steps: int | None = None
    """Sampling steps, None for the model's own choice."""

    text_scale: float | None = None
    """Classifier-free guidance of the words, None for the model's own choice."""

    known: NDArray[np.bool_] | None = None
    """(t,) frames that are kept as `known_latents` has them; None where nothing is."""

    known_latents: NDArray[np.float32] | None = None
    """(b, t, c); looked at only where `known`."""

    steering: Steering | None = None
    """Leads latents towards the curve while they are composed, where there is no adapter."""

    total_s: float | None = None
    """Length told to models that are conditioned on it; None means the window's own."""


Remember = Callable[[SoundWindow, Callable[[], NDArray[np.float32]]], NDArray[np.float32]]
"""What was composed for a window before, else what the second argument composes now, which is then kept."""


def compose_anew(window: SoundWindow, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Remember nothing."""
    return make()


class SoundModel(Protocol):
    """A pretrained model that composes latents of sound, loaded when it is first asked."""

    name: str
    """As `--backbone` says it."""

    @property
    def grid(self) -> LatentGrid:
        """How its latents lie in time; known without loading the weights."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Hash of all that decides its output: weights, configuration, adapter."""
        ...

    @property
    def arithmetic(self) -> str:
        """Where and in which numbers it composes, `cuda bfloat16`."""
        ...

    def compose(self, window: SoundWindow, on_progress: FractionDone, cancel: Cancel) -> NDArray[np.float32]:
        """Latents (b, t, c) of a window; where `known` they are `known_latents`, the same numbers.

        Raises:
            CancelledError: `cancel` said so.
            UnfinishedError: memory did not suffice; says the numbers.
        """
        ...

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sound (t * hop_samples, 2) of latents (t, c), in the grid's sample rate."""
        ...

    def encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents (t, c) of sound (s, 2) in the grid's sample rate; t is s / hop_samples, rounded up."""
        ...

    def unload(self) -> None:
        """Give the memory back; the next call loads again."""
        ...


def checked(values: NDArray[np.float32], shape: tuple[int, ...], name: str) -> NDArray[np.float32]:
    """What a model gave, if it is what was asked for."""
    if values.shape != shape:
        raise UnfinishedError(f"{name} gave {values.shape} numbers, expected {shape}.")
    if not np.isfinite(values).all():
        raise UnfinishedError(
            f"{name} composed numbers that are not finite.",
            hint="Its weights are damaged (see `v2m models verify`), or its number format is too narrow.",
        )
    return values.astype(np.float32, copy=False)
