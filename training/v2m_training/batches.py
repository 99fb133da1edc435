"""Batches: excerpts of pieces with their conditioning, a function of seed and step alone.

Nothing random is carried from step to step, so a run that was killed draws the same batches again.
Axes: b batch, t latent frame, c channel, g mask group, m grid feature, n term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.codecs.layout import GROUPS, group_slices
from v2m.model.conditioning import NO_TERM, Conditioning, grid_features
from v2m.model.flow import training_times
from v2m_training.config import StageConfig
from v2m_training.dataset import CorpusPiece
from v2m_training.masks import random_mask

CHANNEL_GROUPS: Final[tuple[int, ...]] = tuple(
    index for index, group in enumerate(GROUPS) for _ in range(*group_slices[group].indices(10**9))
)
"""(c,) the mask group of each channel of the score latents."""

_AT_START: Final = 0.15
_AT_END: Final = 0.10
"""Shares of excerpts from a piece's first and last frame: random excerpts hold neither."""

_ALL_TERMS: Final = 0.3
_FEW_TERMS: Final = 0.3
"""Shares of excerpts that keep all their words, and one to `_FEW_AT_MOST` of them, as users write; the others
keep a random share, from nearly none to nearly all, as completed prompts have."""

_FEW_AT_MOST: Final = 5


@dataclass(frozen=True)
class Batch:
    """What one step learns from."""

    data: Tensor  # (b, t, c)
    noise: Tensor  # (b, t, c)
    time: Tensor  # (b,)
    conditioning: Conditioning

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(
            self.data.to(device), self.noise.to(device), self.time.to(device), self.conditioning.to(device)
        )


def training_batch(
    pieces: Sequence[CorpusPiece], stage: StageConfig, with_curve: bool, seed: tuple[int, ...]
) -> Batch:
    """The batch of one step; `seed` names run, stage and step."""
    rng = np.random.default_rng(seed)
    frames, count = stage.window_frames, stage.batch_size
    if rng.random() < stage.short_share:
        frames, count = frames // 2, count * 2
    chosen = [pieces[i] for i in rng.integers(len(pieces), size=count)]
    return _batch(rng, chosen, frames, stage, with_curve)


def validation_batch(pieces: Sequence[CorpusPiece], stage: StageConfig, with_curve: bool, seed: int) -> Batch:
    """One excerpt of every piece, always the same."""
    return _batch(np.random.default_rng(seed), pieces, stage.window_frames, stage, with_curve)


def _batch(
    rng: np.random.Generator,
    pieces: Sequence[CorpusPiece],
    frames: int,
    stage: StageConfig,
    with_curve: bool,
) -> Batch:
    starts = [_start(rng, len(piece.latents), frames) for piece in pieces]
    spans = list(zip(pieces, starts, strict=True))
    data = np.stack([piece.latents[at : at + frames] for piece, at in spans]).astype(np.float32)
    masks = np.stack([random_mask(rng, frames, len(GROUPS)) for _ in pieces])
    known = masks[..., CHANNEL_GROUPS]  # (b, t, g) -> (b, t, c)
    conditioning = Conditioning(
        masked_latent=torch.from_numpy(data * known),
        mask=torch.from_numpy(masks),
        grid=torch.from_numpy(np.stack([_grid(piece, at, frames) for piece, at in spans])),
        term_ids=_terms(rng, pieces, stage.text_dropout),
        curve=_curves(rng, spans, frames, stage.curve_dropout) if with_curve else None,
    )
    noise = rng.standard_normal(data.shape, dtype=np.float32)
    generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
    times = training_times(len(pieces), generator, stage.time_spread, stage.time_mean)
    return Batch(torch.from_numpy(data), torch.from_numpy(noise), times, conditioning)


def _start(rng: np.random.Generator, piece_frames: int, frames: int) -> int:
    last = piece_frames - frames
    where = rng.random()
    if where < _AT_START:
        return 0
    if where < _AT_START + _AT_END:
        return last
    # The sampler's windows begin on beats.
    return STEPS_PER_BEAT * int(rng.integers(last // STEPS_PER_BEAT + 1))


def _grid(piece: CorpusPiece, start: int, frames: int) -> NDArray[np.float32]:
    steps = np.arange(start, start + frames)
    return grid_features(steps, piece.beats_per_bar, piece.tempo_bpm, (0, len(piece.latents)))


def _terms(rng: np.random.Generator, pieces: Sequence[CorpusPiece], dropout: float) -> Tensor:
    widest = max(1, *(len(piece.term_ids) for piece in pieces))
    ids = np.full((len(pieces), widest), NO_TERM, dtype=np.int64)
    for row, piece in enumerate(pieces):
        kept = _kept_terms(rng, np.asarray(piece.term_ids, dtype=np.int64))
        if rng.random() >= dropout:
            ids[row, : len(kept)] = kept
    return torch.from_numpy(ids)


def _kept_terms(rng: np.random.Generator, terms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Some of a piece's words; their order says nothing, the model attends to them as a set."""
    how = rng.random()
    if how < _ALL_TERMS:
        return terms
    if how < _ALL_TERMS + _FEW_TERMS:
        return rng.permutation(terms)[: rng.integers(1, _FEW_AT_MOST + 1)]
    return terms[rng.random(len(terms)) < rng.random()]


def _curves(
    rng: np.random.Generator, spans: Sequence[tuple[CorpusPiece, int]], frames: int, dropout: float
) -> Tensor:
    curves = np.zeros((len(spans), frames), dtype=np.float32)  # zeros are the null curve
    for row, (piece, at) in enumerate(spans):
        if rng.random() >= dropout and piece.curve is not None:
            curves[row] = piece.curve[at : at + frames]
    return torch.from_numpy(curves)
