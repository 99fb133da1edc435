"""Phrases that return: bars a period apart come of like noise and are drawn to what they have in common.

Independent noise makes a flow compose on and on without looking back: a tune came back less than a third as
closely as in the music that the model learned from (`benchmarks/music.py`). Here the form is put into what
the flow starts from and is led by. Eight bars are a period, sixteen a section, as in the phases of the grid
(`conditioning.grid_features`); sections follow each other as A A B A, every B a new one. Frames at the same
place of a theme share most of their noise; and at every step of the solver the music that is foreseen there
is drawn towards its mean over those frames, with what was composed of them before. What answers the picture
stays free: the drums, the beat of a hit, and moments at which the event curve stands high.

All is a function of the seed, of frames counted absolutely and of the plan, so that windows, regions and
machines agree. Axes: t latent frame, c channel.
Sources: Ge et al. 2023 (PYoCo: noise shared by the frames of a video); Bar-Tal et al. 2023 (MultiDiffusion:
what several views foresee of one place is averaged at every step).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.codecs.accents import HEAVY_WEIGHT
from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.hits import Hit
from v2m.model.noise import latent_noise
from v2m.model.sampler import Lead
from v2m.tempo import TempoMap

PERIOD_BARS: Final = 8
SECTION_BARS: Final = 16
_BRIDGE: Final = 2
"""Which of four sections is another than the first: A A B A."""

SHARED: Final = 0.9
"""Of the noise's variance, what frames at the same place have in common."""

PULL: Final = 0.7
"""How far foreseen music is drawn to its mean. With the share above, periods return about as closely as in
composed pieces (0.59; at 0.35 0.45, without both 0.19, n 32 to 48); either alone brings half of that. The
price, a key that was asked for and is heard less often, is paid by `degrees`."""

LOOKBACK_FRAMES: Final = 512
"""How far back composed music counts: two windows, over a B to the A before it, and the cost stays linear."""

EVENT_DEVIATIONS: Final = 1.0
"""The curve stands high from so many of its standard deviations above its mean."""

_RETURNING: Final = ("bass", "harmony", "lead", "extras")
_STREAM: Final = 2
"""Stream of the seed's noise that themes are drawn from; 0 is the frames' own, 1 the key's."""


@dataclass(frozen=True)
class Phrases:
    """Which frames of a composition belong together."""

    places: NDArray[np.int64]
    """(t,) equal where frames stand at the same place of the same theme."""

    returning: NDArray[np.bool_]
    """(c,) the channels of parts that return."""

    is_bound: NDArray[np.bool_]
    """(t,) false at events, which neither are drawn nor draw others."""

    @classmethod
    def of(
        cls,
        tempo_map: TempoMap,
        hits: Iterable[Hit],
        curve: NDArray[np.float32],
        channels: tuple[str, ...],
    ) -> Phrases:
        """The phrases of a tempo map.

        Args:
            tempo_map: of t latent frames.
            hits: what the music has to mark.
            curve: (t,) the event curve, as the model is told it.
            channels: names of what the model composes.
        """
        frames = np.arange((len(tempo_map.beats_s) - 1) * STEPS_PER_BEAT)
        bar = tempo_map.beats_per_bar * STEPS_PER_BEAT
        since_opening = frames - tempo_map.first_downbeat * STEPS_PER_BEAT
        section = since_opening // (SECTION_BARS * bar)
        theme = np.where(section % 4 == _BRIDGE, 1 + section // 4, 0)
        places = theme * PERIOD_BARS * bar + since_opening % (PERIOD_BARS * bar)
        heavy_s = np.array([float(hit.time_s) for hit in hits if hit.weight >= HEAVY_WEIGHT])
        struck = np.round(tempo_map.beat_at(heavy_s) * STEPS_PER_BEAT).astype(np.int64)
        in_beat = (struck[:, None] + np.arange(STEPS_PER_BEAT)).ravel()
        is_bound = ~np.isin(frames, in_beat) & (curve < EVENT_DEVIATIONS)
        return cls(places, np.array([name.partition(".")[0] in _RETURNING for name in channels]), is_bound)

    def noise(self, seed: int, first: int, count: int) -> NDArray[np.float32]:
        """Standard normal noise (count, c) for frames from `first` on."""
        own = latent_noise(seed, first, count, len(self.returning))
        places = self.places[first : first + count]
        begin = int(places.min())
        themes = latent_noise(seed, begin, int(np.ptp(places)) + 1, len(self.returning), _STREAM)
        mixed = np.sqrt(SHARED) * themes[places - begin] + np.sqrt(1 - SHARED) * own
        return np.where(self.returning, mixed, own).astype(np.float32)

    def lead(
        self,
        done: NDArray[np.float32],
        is_open: NDArray[np.bool_],
        first: int,
        last: int,
        device: torch.device,
    ) -> Lead:
        """What draws the frames `first` to `last` together while they are composed.

        Args:
            done: (t, c) the composition so far.
            is_open: (t, c) what of it is not composed yet.
            first: frame that the window begins with.
            last: frame after its last.
            device: that the sampler computes on.
        """
        back = slice(max(0, first - LOOKBACK_FRAMES), last)
        alike = self.places[first:last, None] == self.places[None, back]
        alike &= self.is_bound[first:last, None] & self.is_bound[None, back]
        settled = ~is_open[back]
        kept = alike.astype(np.float32) @ np.where(settled, done[back], 0)
        # whether a frame back there is composed or in the making, it counts as one
        in_making = is_open[first:last].astype(np.float32)
        together = alike[:, first - last :]
        counts = alike.astype(np.float32) @ settled + together.astype(np.float32) @ in_making
        pull = np.where(self.returning, PULL, 0) / np.maximum(counts, 1)
        tensors = (together.astype(np.float32), in_making, kept, counts, pull.astype(np.float32))
        return _drawing(*(torch.from_numpy(value.astype(np.float32)).to(device) for value in tensors))


def _drawing(together: Tensor, in_making: Tensor, kept: Tensor, counts: Tensor, pull: Tensor) -> Lead:
    def lead(x: Tensor, velocity: Tensor, time: float) -> Tensor:
        foreseen = x + (1 - time) * velocity.to(x.dtype)  # (1, t, c)
        total = together @ (foreseen * in_making) + kept
        return velocity + pull * (total - counts * foreseen) / (1 - time)

    return lead
