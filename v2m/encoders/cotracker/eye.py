"""CoTracker's points as features: how what is in the picture moves against the camera.

    a clip of a shot -> a grid of points seeded in its first picture, followed through it -> velocities of
                        those that are seen -> cells (`v2m.encoders.motion`)

The paper does not say how tracks become a vector. Coordinates themselves hardly turn (their cosine stays near
1), and points are others after they are seeded again; velocities by where they are in the frame are neither.
Points are seeded again for each shot, and each second or so within a long one, since they get lost.
Conventions: as in `v2m.encoders.motion`. Computed in float32: places need more digits than bfloat16 has.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.curves import Features, FloatArray
from v2m.encoders.clips import ClipGatherer
from v2m.encoders.cotracker.tracker import SIZE, CoTracker
from v2m.encoders.gathering import FloatRows, Pictures
from v2m.encoders.motion import FEATURE_COUNT, motion_rows
from v2m.encoders.store import FeatureStore
from v2m.encoders.vision import halving
from v2m.encoders.weights import PretrainedFolder
from v2m.model.device import choose_device
from v2m.stages import Cancel, never_cancel

NAME: Final = "cotracker"

MAX_RATE_HZ: Final = 30.0
"""A step of a dance takes a fifth of a second and more."""

CLIP_LENGTH: Final = 60
"""Pictures that the offline model was trained on at once; 2 to 2.5 s."""

GRID: Final = 10
"""Points on a side of the grid that is seeded: as in the model's own demonstration."""

MARGIN: Final = 1 / 64
"""Of the width, from the frame's edge to the outermost points; likewise."""

SEEN: Final = 0.9
"""Visibility from which on a point counts; likewise."""


class CoTrackerEye:
    """Follows points through clips of shots; those that it saw before are not computed again."""

    name = NAME
    max_rate_hz: float | None = MAX_RATE_HZ
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        cache: Path | None = None,
        cancel: Cancel = never_cancel,
    ) -> None:
        """Choose where to compute; the weights are read when the first picture comes.

        Args:
            folder: with the converted `scaled_offline.pth`.
            device: as in `v2m.model.device`.
            cache: folder of features; None for the user's.
            cancel: raises CancelledError to stop.

        Raises:
            MissingPartError: there are no weights.
        """
        self._files = PretrainedFolder(folder, NAME, ("scaled_offline*", "*"))
        self._device = choose_device(device)
        self._aspect = SIZE[0] / SIZE[1]
        self._store = FeatureStore(f"cotracker {self._files.sha256} {GRID} {self._device.type}", cache)
        self._gatherer = ClipGatherer(
            self._look, self._store, length=CLIP_LENGTH, stride=1, cancel=cancel, timed=True
        )

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights."""
        return self._files.sha256

    def size(self, aspect: float) -> tuple[int, int]:
        """What it was trained on, whatever the programme's shape, which is remembered."""
        self._aspect = aspect
        return SIZE

    def push(
        self, times_s: FloatArray, pictures: NDArray[np.uint8], shots: NDArray[np.intp] | None = None
    ) -> None:
        """Take pictures (n, h, w, 3) with their times and the shots that show them.

        Raises:
            InputError: pictures of another shape or type, or not as many times.
            CheckpointError: the weights are damaged, or of another model.
            OutOfMemoryError: not even one clip fits.
        """
        self._gatherer.push(times_s, pictures, shots)

    def features(self) -> Features:
        """Features of all pictures so far, in order of time."""
        return self._gatherer.features(NAME, FEATURE_COUNT)

    def _look(self, clip: Pictures, times_s: FloatArray) -> FloatRows:
        return halving(lambda clips: self._moved(clips[0], times_s), clip[None], NAME)[0]

    def _moved(self, clip: Pictures, times_s: FloatArray) -> FloatRows:
        """Rows (t, 49) of the velocities of the points that are seen."""
        if len(clip) < 2:
            nothing = np.zeros((len(clip), 1, 2))
            return motion_rows(nothing, nothing, np.zeros((len(clip), 1)))
        with torch.inference_mode():
            pictures = torch.from_numpy(clip).to(self._device).movedim(-1, 1).float()
            tracks = self._network(pictures, _grid(clip.shape[2], clip.shape[1]).to(self._device))
            places = tracks.places.double().cpu().numpy()  # (t, p, 2)
            is_seen = (tracks.visibility > SEEN).cpu().numpy()  # (t, p)
        positions = places / (clip.shape[2], clip.shape[1])
        step = np.diff(positions, axis=0) * (self._aspect, 1.0)  # in frame heights
        velocities = step / np.maximum(np.diff(times_s), 1e-3)[:, None, None]
        weights = (is_seen[1:] & is_seen[:-1]).astype(np.float64)
        rows = motion_rows(velocities, (positions[1:] + positions[:-1]) / 2, weights)
        # nothing leads to the first picture: it moves as to the second
        return np.concatenate([rows[:1], rows])

    @functools.cached_property
    def _network(self) -> CoTracker:
        return self._files.network(CoTracker.of, self._device, torch.float32)


def _grid(width: int, height: int) -> torch.Tensor:
    """Points (p, 3) of the first picture, row by row."""
    margin = MARGIN * width
    y, x = torch.meshgrid(
        torch.linspace(margin, height - margin, GRID),
        torch.linspace(margin, width - margin, GRID),
        indexing="ij",
    )
    return torch.stack([torch.zeros_like(x), x, y], dim=-1).reshape(-1, 3)
