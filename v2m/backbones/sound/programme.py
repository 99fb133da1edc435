"""Programmes of any length from a model that composes one window at a time.

What fits the window is composed at once. A longer programme is composed window by window, each continuing
the end of the last through the model's own mask; what is composed again lies in a window with as much around
it as there is room for. The event curve is one for the whole programme, so a quiet reel stays quiet, and
noise is drawn by absolute frame, so what surrounds a frame never changes its noise.
Axes: b batch (takes), t latent frame, c channel, s audio sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from v2m.backbones.sound.memory import takes_at_once
from v2m.backbones.sound.model import (
    LatentGrid,
    Remember,
    SoundModel,
    SoundWindow,
    checked,
    compose_anew,
)
from v2m.curves import EventCurve
from v2m.stages import Cancel, FractionDone

if TYPE_CHECKING:
    from v2m.backbones.sound.head import LatentHead, Steering

Latents = NDArray[np.float32]
Mask = NDArray[np.bool_]

OVERLAP: Final = 0.25
"""Of a window: what is composed already and is continued, as in the embedded model; 30 s of two minutes carry
key, texture and theme over."""


@dataclass(frozen=True)
class SoundOrder:
    """What is to be composed."""

    prompt: str
    duration_s: float
    """Length of the sound; the latents cover it."""

    curve: EventCurve
    """Of the video, standardised over the whole programme."""

    seeds: tuple[int, ...]
    adherence: float = 0.5
    steps: int | None = None
    text_scale: float | None = None
    negative_prompt: str = ""
    head: LatentHead | None = None
    """What leads towards the curve while it is composed, where the model has no adapter."""

    window_scale: float = 1.0
    """Of the model's window, what is composed at once: a smaller one takes less memory."""


def frame_count(grid: LatentGrid, duration_s: float | Fraction) -> int:
    """Latent frames that cover a length."""
    # a millionth of a frame absorbs the rounding of a length that was meant to be whole
    return max(1, ceil(float(duration_s) * float(grid.rate_hz) - 1e-6))


def curve_on(grid: LatentGrid, curve: EventCurve, count: int) -> NDArray[np.float32]:
    """The curve at the middles of the first `count` latent frames, (t,)."""
    return curve.at((np.arange(count) + 0.5) / float(grid.rate_hz)).astype(np.float32)


def compose(
    model: SoundModel,
    order: SoundOrder,
    on_progress: FractionDone,
    cancel: Cancel,
    remember: Remember = compose_anew,
) -> Latents:
    """Latents (b, t, c) of a whole programme.

    Args:
        model: the one that composes.
        order: what.
        on_progress: told the fraction done.
        cancel: raises CancelledError to stop.
        remember: keeps windows, so that who was interrupted goes on with the next one.

    Raises:
        OutOfMemoryError: even one take alone needs more memory than is free; says the numbers.
        UnfinishedError: the model composed numbers that are no sound.
        CancelledError: `cancel` said so.
    """
    frames = frame_count(model.grid, order.duration_s)
    at_once = takes_at_once(model, min(frames, _window_frames(model.grid, order)), len(order.seeds))
    groups = [order.seeds[at : at + at_once] for at in range(0, len(order.seeds), at_once)]
    found = []
    for number, seeds in enumerate(groups):

        def report(fraction: float, number: int = number) -> None:
            on_progress((number + fraction) / len(groups))

        canvas = np.zeros((len(seeds), frames, model.grid.channels), np.float32)
        unknown = np.ones(frames, bool)
        curve = curve_on(model.grid, order.curve, frames)
        filling = _Filling(model, order, seeds, curve, remember)
        found.append(filling.fill(canvas, unknown, report, cancel))
    return np.concatenate(found)


def renew(
    model: SoundModel,
    order: SoundOrder,
    latents: Latents,
    renewed: Mask,
    on_progress: FractionDone,
    cancel: Cancel,
    curve: NDArray[np.float32] | None = None,
) -> Latents:
    """Compose some frames again and leave the others as they are.

    Args:
        model: whose latents they are.
        order: with one seed; its length is not looked at.
        latents: (t, c); what they hold where they are renewed is not looked at.
        renewed: (t,) frames that are composed.
        on_progress: told the fraction done.
        cancel: raises CancelledError to stop.
        curve: (t,) where the frames lie elsewhere in the programme than one after the other from its start.

    Returns:
        (t, c): where nothing is renewed the same numbers.

    Raises:
        V2MError: as `compose`.
    """
    takes_at_once(model, min(len(latents), _window_frames(model.grid, order)), 1)
    if curve is None:
        curve = curve_on(model.grid, order.curve, len(latents))
    filling = _Filling(model, order, order.seeds[:1], curve, compose_anew)
    filled: Latents = filling.fill(latents[None].copy(), renewed.copy(), on_progress, cancel)[0]
    return filled


def _window_frames(grid: LatentGrid, order: SoundOrder) -> int:
    """What is composed at once; never so little that its overlap carries nothing over."""
    return max(min(grid.longest_frames, 8), round(grid.longest_frames * order.window_scale))


@dataclass(frozen=True)
class _Filling:
    """Frames that are not known yet, composed window by window."""

    model: SoundModel
    order: SoundOrder
    seeds: tuple[int, ...]
    curve: NDArray[np.float32]
    remember: Remember

    def fill(self, canvas: Latents, unknown: Mask, on_progress: FractionDone, cancel: Cancel) -> Latents:
        """Compose (b, t, c) where unknown; both arguments are written to."""
        missing = int(unknown.sum())
        while unknown.any():
            cancel()
            span, wanted = self._next(unknown)
            done = 1 - int(unknown.sum()) / missing
            share = int(wanted.sum()) / missing

            def report(fraction: float, done: float = done, share: float = share) -> None:
                on_progress(done + share * fraction)

            window = self._window(canvas, ~unknown[span], span, len(unknown))
            shape = (len(self.seeds), span.stop - span.start, self.model.grid.channels)

            def compose(window: SoundWindow = window, report: FractionDone = report) -> Latents:
                return self.model.compose(window, report, cancel)

            made = checked(self.remember(window, compose), shape, self.model.name)
            canvas[:, span][:, wanted] = made[:, wanted]
            unknown[span] &= ~wanted
        return canvas

    def _next(self, unknown: Mask) -> tuple[slice, Mask]:
        """The next window, and which of the unknown frames in it are kept as it composes them."""
        count = len(unknown)
        size = min(count, _window_frames(self.model.grid, self.order))
        runs = list(_runs(unknown))
        first, last = runs[0]
        around = round(size * OVERLAP)
        if last - first + 2 * around < size:  # as much before as behind
            around = (size - (last - first)) // 2
        begin = min(max(0, first - around), count - size)
        end = begin + size
        wanted = np.zeros(size, bool)
        for low, high in runs:
            sees_behind = high <= end - around or end == count
            if low > first and not sees_behind:
                continue  # left to a window that sees what follows on it
            if high < count and not sees_behind:
                high = end - around  # and so is the rest of a long one
            wanted[max(0, low - begin) : max(0, high - begin)] = True
        return slice(begin, end), wanted

    def _window(self, canvas: Latents, known: Mask, span: slice, count: int) -> SoundWindow:
        goes_on = span.stop < count
        frames = span.stop - span.start
        rate_hz = float(self.model.grid.rate_hz)
        # a piece that is told to be as long as its window would end with it
        total_s = (1 + OVERLAP) * frames / rate_hz if goes_on else None
        return SoundWindow(
            prompt=self.order.prompt,
            first_frame=span.start,
            frame_count=frames,
            curve=self.curve[span],
            seeds=self.seeds,
            negative_prompt=self.order.negative_prompt,
            adherence=self.order.adherence,
            steps=self.order.steps,
            text_scale=self.order.text_scale,
            known=known if known.any() else None,
            known_latents=np.where(known[:, None], canvas[:, span], 0.0) if known.any() else None,
            total_s=total_s,
            steering=self._steering(self.curve[span]),
        )

    def _steering(self, curve: NDArray[np.float32]) -> Steering | None:
        if self.order.head is None or self.order.adherence == 0:
            return None
        import torch

        from v2m.backbones.sound.head import Steering

        return Steering(self.order.head, torch.from_numpy(curve.copy()), strength=self.order.adherence)


def _runs(mask: Mask) -> Iterator[tuple[int, int]]:
    """First and past-the-last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
