"""What the model is asked for: words, the beat grid, an event curve, and what is already there.

Conventions: b batch, t latent frame, c latent channel, g mask group, m grid feature, n text token. A latent
frame of a score-space model is a step, a sixteenth note. Masks are 1 where a cell is known and kept.
Sources: mask and masked latent as input channels as in inpainting diffusion (Rombach et al. 2022, app. G).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.errors import InputError

GRID_CHANNELS: Final = 16
"""Features that `grid_features` gives a frame."""

NO_TERM: Final = -1
"""Padding in `Conditioning.term_ids`: rows of a batch may hold different numbers of terms."""

_PHASE_BARS: Final = (1, 4, 16)
"""Periods of the phases in bars: the bar, the phrase and the section, in powers of four."""

_RAMP_BARS: Final = 8
"""An intro or an ending is prepared at most this long before it comes; further off nothing is said."""


@dataclass(frozen=True)
class Conditioning:
    """All that a batch is conditioned on; every tensor on one device."""

    masked_latent: Tensor
    """(b, t, c): the known cells, zero elsewhere."""

    mask: Tensor
    """(b, t, g): 1 where the channels of a group are known in a frame, else 0."""

    grid: Tensor
    """(b, t, m) from `grid_features`; m may be 0 for models without a beat grid."""

    term_ids: Tensor | None = None
    """(b, n) int64 rows of the model's term table, padded with `NO_TERM`; an empty row is the null text."""

    text: Tensor | None = None
    """(b, n, e) embeddings by an outside text encoder, for models without a term table."""

    text_mask: Tensor | None = None
    """(b, n) bool, True for the tokens of `text` that count; a row of False is the null text."""

    curve: Tensor | None = None
    """(b, t) event curve, standardised; None or zeros is the null curve (see `DiT`)."""

    def __post_init__(self) -> None:
        """Refuse shapes that do not belong together.

        Raises:
            InputError: an axis differs between two tensors.
        """
        b, t = self.masked_latent.shape[:2]
        for name in ("mask", "grid", "curve"):
            value = getattr(self, name)
            if value is not None and tuple(value.shape[:2]) != (b, t):
                raise InputError(
                    f"The conditioning's {name} has shape {tuple(value.shape)}, expected ({b}, {t}, …)."
                )
        for name in ("term_ids", "text", "text_mask"):
            value = getattr(self, name)
            if value is not None and value.shape[0] != b:
                raise InputError(f"The conditioning's {name} has {value.shape[0]} rows, expected {b}.")
        if (self.text is None) != (self.text_mask is None):
            raise InputError("The conditioning's text embeddings and their mask must be given together.")

    @property
    def has_text(self) -> bool:
        """Whether any row of the batch says anything."""
        if self.term_ids is not None:
            return bool((self.term_ids != NO_TERM).any())
        return self.text_mask is not None and bool(self.text_mask.any())

    @property
    def has_curve(self) -> bool:
        """Whether any row of the batch has a curve that is not null."""
        return self.curve is not None and bool((self.curve != 0).any())

    def without_text(self) -> Conditioning:
        """The same with the null text in every row."""
        term_ids = None if self.term_ids is None else torch.full_like(self.term_ids, NO_TERM)
        text_mask = None if self.text_mask is None else torch.zeros_like(self.text_mask)
        return replace(self, term_ids=term_ids, text_mask=text_mask)

    def without_curve(self) -> Conditioning:
        """The same with the null curve in every row."""
        return self if self.curve is None else replace(self, curve=torch.zeros_like(self.curve))

    def rows(self, start: int, stop: int) -> Conditioning:
        """Some rows of the batch."""
        return _each(self, lambda value: value[start:stop])

    def to(self, device: torch.device) -> Conditioning:
        """The same on another device."""
        return _each(self, lambda value: value.to(device))


def join(parts: list[Conditioning]) -> Conditioning:
    """One batch of several, rows in order; all have the same optional tensors."""
    fields: dict[str, Any] = {
        name: None if value is None else torch.cat([getattr(part, name) for part in parts])
        for name, value in vars(parts[0]).items()
    }
    return replace(parts[0], **fields)


def nothing_known(frame_count: int, channels: int, groups: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    """Masked latent and mask for music that is composed from nothing."""
    return torch.zeros(batch, frame_count, channels), torch.zeros(batch, frame_count, groups)


def grid_features(
    steps: NDArray[np.int64],
    beats_per_bar: int,
    tempo_bpm: NDArray[np.float64] | float,
    programme_steps: tuple[int, int],
) -> NDArray[np.float32]:
    """Where each frame stands in its beat, bar, phrase and programme, and how fast the music is there.

    Args:
        steps: (t,) step of each frame counted from a downbeat that opens a section; may be negative.
        beats_per_bar: beats in a bar, above 0.
        tempo_bpm: tempo at each frame, or one for all; above 0.
        programme_steps: first step and step past the last of the whole programme, counted like `steps`.

    Returns:
        (t, GRID_CHANNELS): one-hot step in the beat (4); sine and cosine of the phase in 1, 4 and 16 bars
        (6); 1 on downbeats; log2 of beats a bar over 4; log2 of tempo over 120; ramps that fall from 1 to 0
        over eight bars after the beginning and rise to 1 over the eight before the end; and 2^-bars to the
        end, which resolves the last bar.

    Raises:
        InputError: no beats in a bar, or a tempo that is not above 0.
    """
    tempo = np.broadcast_to(np.asarray(tempo_bpm, dtype=np.float64), steps.shape)
    if beats_per_bar < 1 or not np.all(tempo > 0):
        raise InputError(f"The grid has {beats_per_bar} beats a bar at {tempo} BPM, expected both above 0.")
    steps_per_bar = STEPS_PER_BEAT * beats_per_bar
    bars = steps / steps_per_bar
    since_start = np.maximum(steps - programme_steps[0], 0) / steps_per_bar
    until_end = np.maximum(programme_steps[1] - steps, 0) / steps_per_bar
    columns = [(steps % STEPS_PER_BEAT == step) for step in range(STEPS_PER_BEAT)]
    for period in _PHASE_BARS:
        angle = 2 * np.pi * np.mod(bars, period) / period
        columns += [np.sin(angle), np.cos(angle)]
    columns += [
        steps % steps_per_bar == 0,
        np.full(steps.shape, np.log2(beats_per_bar / 4)),
        np.log2(tempo / 120.0),
        1 - np.minimum(since_start / _RAMP_BARS, 1),
        1 - np.minimum(until_end / _RAMP_BARS, 1),
        np.exp2(-until_end),
    ]
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=-1)  # (t, m)


def _each(conditioning: Conditioning, change: Callable[[Tensor], Tensor]) -> Conditioning:
    fields: dict[str, Any] = {
        name: None if value is None else change(value) for name, value in vars(conditioning).items()
    }
    return replace(conditioning, **fields)
