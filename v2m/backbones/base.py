"""What a backbone is asked for and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.arrangement import Arrangement
from v2m.codecs.layout import CHANNEL_NAMES
from v2m.curves import EventCurve
from v2m.hits import Hit
from v2m.prompt.words import Brief
from v2m.stages import Cancel, FractionDone
from v2m.tempo import TempoMap


@dataclass(frozen=True)
class Commission:
    """One job for a backbone: what to say, on which beats, following which curve."""

    brief: Brief
    tempo_map: TempoMap
    duration_s: Fraction
    curve: EventCurve
    """Of the video, standardised over the whole programme."""

    hits: tuple[Hit, ...]
    seeds: tuple[int, ...]
    """One take each, composed in one batch."""

    adherence: float = 0.5
    """0 ignores the curve, 0.5 follows it as in training, 1 twice as hard."""

    steps: int | None = None
    """Sampling steps, None for the backbone's own choice."""

    window_scale: float = 1.0
    """Of the backbone's usual window, what is composed at once: a smaller one takes less memory."""


@dataclass(frozen=True)
class Composition:
    """One take as composed: latents, and the notes they decode to."""

    seed: int
    latents: NDArray[np.float32]  # (t, c)
    arrangement: Arrangement
    """Beat 0 is the first beat of the tempo map."""

    channels: tuple[str, ...] = CHANNEL_NAMES
    """What the latents' channels are called, see `v2m.codecs.channels`."""

    arithmetic: str = ""
    """Where and in which numbers it was composed, `cpu bfloat16`: others round otherwise."""


class Backbone(Protocol):
    """A model that composes."""

    name: str

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights file, for the take."""

    def compose(
        self, commission: Commission, on_progress: FractionDone, cancel: Cancel
    ) -> tuple[Composition, ...]:
        """One composition a seed, in the order of the seeds."""


class RenewingBackbone(Backbone, Protocol):
    """A model that can compose a part of a composition again, to fit the rest."""

    @property
    def arithmetic(self) -> str:
        """Where and in which numbers it composes, as in `Composition`."""
        ...

    def renew(
        self,
        commission: Commission,
        latents: NDArray[np.float32],
        renewed: NDArray[np.bool_],
        on_progress: FractionDone,
        cancel: Cancel,
    ) -> NDArray[np.float32]:
        """Compose again what is asked for and leave the rest as it is.

        Args:
            commission: with one seed; its tempo map has a quarter as many beats as there are frames.
            latents: (t, c) of this backbone; what they hold where they are renewed is not looked at.
            renewed: (t,) frames, or (t, g) groups in frames, that are composed again.
            on_progress: told the fraction done.
            cancel: raises CancelledError to stop.

        Returns:
            (t, c): where nothing is renewed the same numbers.
        """
        ...
