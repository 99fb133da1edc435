"""Batches of excerpts, a function of seed and step alone.

Every excerpt of a step has its own random numbers, by its place in the whole batch: however many processes
share the batch, and however often the run was killed, step n learns from the same excerpts and noise.
Axes: b batch, t latent frame, c channel, k curve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m_training.fit.config import FitConfig
from v2m_training.prepare.prepared import PreparedSet, Track

_VALIDATION: Final = 2**40
"""Where the numbers of held-out excerpts begin: beyond every step."""


@dataclass(frozen=True)
class Batch:
    """What one pass learns from."""

    data: Tensor  # (b, t, c)
    noise: Tensor  # (b, t, c)
    time: Tensor  # (b,)
    curve: Tensor  # (b, t, k), zeros where dropped
    prompts: tuple[str | None, ...]
    """None where dropped."""

    seconds: tuple[float, ...]
    """Length of each excerpt, for models that are told it: at inference they are told what they compose."""

    def rows(self, start: int, stop: int) -> Batch:
        """Some excerpts of it."""
        cut = slice(start, stop)
        return Batch(
            self.data[cut], self.noise[cut], self.time[cut], self.curve[cut],
            self.prompts[cut], self.seconds[cut],
        )  # fmt: skip

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(
            self.data.to(device), self.noise.to(device), self.time.to(device), self.curve.to(device),
            self.prompts, self.seconds,
        )  # fmt: skip


class Batches:
    """Draws the excerpts of a run."""

    def __init__(self, prepared: PreparedSet, config: FitConfig) -> None:
        """Choose the tracks.

        Raises:
            InputError: no track is long enough, or the set has no curves of this encoder.
        """
        self._set = prepared
        self._config = config
        self.frames = max(1, round(config.crop_s * float(prepared.facts.rate_hz)))
        self.training = prepared.of("training", self.frames)
        self.validation = prepared.of("validation", self.frames)
        # long tracks are drawn more often: every second of music is as likely as any other
        lengths = np.array([track.frames for track in self.training], dtype=np.float64)
        self._shares = lengths / lengths.sum()
        prepared.curves(self.training[0], config.curve.encoder, config.curve.kernels_s)

    def step(self, number: int, first: int, count: int) -> Batch:
        """Excerpts `first … first + count - 1` of the batch of a step."""
        return self._batch(number, range(first, first + count), self.training, self._shares, dropped=True)

    def held_out(self, first: int, count: int) -> Batch:
        """Excerpts of the held-out tracks, the same at all steps; words and curves are never dropped."""
        return self._batch(_VALIDATION, range(first, first + count), self.validation, None, dropped=False)

    def _batch(
        self,
        number: int,
        places: Sequence[int],
        tracks: Sequence[Track],
        shares: NDArray[np.float64] | None,
        *,
        dropped: bool,
    ) -> Batch:
        size = self._config.batch_size if shares is not None else self._config.measuring.excerpts
        rows = [self._excerpt(number, place, size, tracks, shares, dropped) for place in places]
        data, noise, time, curve, prompts, seconds = zip(*rows, strict=True)
        return Batch(
            torch.stack(data), torch.stack(noise), torch.stack(time), torch.stack(curve), prompts, seconds
        )

    def _excerpt(
        self,
        number: int,
        place: int,
        size: int,
        tracks: Sequence[Track],
        shares: NDArray[np.float64] | None,
        dropped: bool,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, str | None, float]:
        config = self._config
        rng = np.random.default_rng((config.seed, number, place))
        track = tracks[rng.choice(len(tracks), p=shares) if shares is not None else place % len(tracks)]
        start = int(rng.integers(track.frames - self.frames + 1))
        data = torch.from_numpy(self._set.latents(track, start, self.frames))
        noise = torch.from_numpy(rng.standard_normal(data.shape, dtype=np.float32))
        time = _time((place % size + rng.random()) / size, config)
        curves = self._set.curves(track, config.curve.encoder, config.curve.kernels_s)
        curve = torch.from_numpy(curves[start : start + self.frames].copy())
        text_gone, curve_gone = rng.random() < config.text_dropout, rng.random() < config.curve_dropout
        if dropped and curve_gone:
            curve = torch.zeros_like(curve)
        prompt = None if dropped and text_gone else track.text
        return data, noise, time, curve, prompt, config.crop_s


def _time(uniform: float, config: FitConfig) -> Tensor:
    """A training time from an even number: stratified by place, so that each batch sees all times."""
    at = torch.tensor(uniform, dtype=torch.float64).clamp(1e-4, 1 - 1e-4)
    if config.time_spread > 0:
        at = torch.sigmoid(config.time_mean + config.time_spread * torch.special.ndtri(at))
    return at.float()


class ReadAhead:
    """The passes of one process, step after step, each made while the one before is learned from."""

    def __init__(self, batches: Batches, first_step: int, place: int, share: int) -> None:
        self._batches, self._place, self._share = batches, place, share
        self._pool = ThreadPoolExecutor(1, "batches")
        self._next: Future[Batch] = self._ask(first_step)
        self._step = first_step

    def __iter__(self) -> Iterator[Batch]:
        """The process's share of each step's batch, without an end."""
        while True:
            batch = self._next.result()
            self._step += 1
            self._next = self._ask(self._step)
            yield batch

    def _ask(self, step: int) -> Future[Batch]:
        return self._pool.submit(self._batches.step, step, self._place * self._share, self._share)

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(wait=True, cancel_futures=True)
