"""CoTracker 3, offline: points of one moment followed through a clip, before and after it.

    clip -> maps at four scales -> around each point, 7 x 7 places compared with the 7 x 7 of its own moment
         -> six times: compare where it seems to be, let the transformer move it

Conventions: clips (t, 3, h, w) RGB 0..255, sides multiples of 16; points (p, 3) time in pictures, x and y in
pixels; tracks (t, p, 2) in pixels; visibility and confidence (t, p) 0..1. Sources: N. Karaev et al.,
"CoTracker3" (2024); facebookresearch/co-tracker, `models/core/cotracker/cotracker3_offline.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from v2m.backbones.sound.checkpoint import load_strict
from v2m.encoders.cotracker.pictures import STRIDE, MapNetwork
from v2m.encoders.cotracker.refining import HEADS, FeedForward, Refiner
from v2m.errors import CheckpointError

SIZE: Final = (512, 384)
"""Width and height of the pictures that it was trained on."""

SIDE: Final = 7
"""Places on a side of the square around a point."""

SCALES: Final = 4
ROUNDS: Final = 6

_DEGREES: Final = 10
"""Frequencies 2^0 … 2^9 by which a step from picture to picture is told."""

_STEP_WIDTH: Final = 4 + 2 * 4 * _DEGREES

_MAPPED_AT_ONCE: Final = 16
"""Pictures: their maps at the first stage take 50 MB each."""


class Tracks(NamedTuple):
    """Where points are."""

    places: Tensor
    """(t, p, 2) x and y in pixels."""

    visibility: Tensor
    """(t, p)."""

    confidence: Tensor
    """(t, p)."""


class CoTracker(nn.Module):
    """The network, with the keys of its checkpoint."""

    def __init__(
        self, maps: int, width: int, feed_forward: int, compared: tuple[int, int], depth: int, virtual: int
    ) -> None:
        super().__init__()
        width_in = 2 + SCALES * compared[1] + _STEP_WIDTH
        self.fnet = MapNetwork(maps)
        self.updateformer = Refiner(width_in, width, feed_forward, depth, virtual)
        self.corr_mlp = FeedForward(SIDE**4, *compared)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> CoTracker:
        """The network of a checkpoint as its authors save it.

        Raises:
            CheckpointError: it is no CoTracker 3.
        """
        own = {key.removeprefix("model."): value for key, value in tensors.items()}
        try:
            maps = len(own["fnet.conv3.weight"])
            width = len(own["updateformer.input_transform.weight"])
            feed_forward = len(own["updateformer.time_blocks.0.mlp.fc1.weight"])
            compared = len(own["corr_mlp.fc1.weight"]), len(own["corr_mlp.fc2.weight"])
            virtual = own["updateformer.virual_tracks"].shape[1]
            own["updateformer.vis_conf_head.weight"]
        except (KeyError, IndexError) as error:
            raise CheckpointError(
                f"The weights are no CoTracker 3: {error} is missing.",
                hint="Fetch scaled_offline.pth again with `v2m models add cotracker`.",
            ) from error
        if width % HEADS or maps % 4:
            raise CheckpointError("The weights are no CoTracker 3: their widths do not fit together.")
        found = [re.match(r"updateformer\.time_blocks\.(\d+)\.", key) for key in own]
        depth = 1 + max(int(match[1]) for match in found if match)
        with torch.device("meta"):
            network = cls(maps, width, feed_forward, compared, depth, virtual)
        # positions in time, which are computed; an older file holds them for windows of another length
        load_strict(network, own, allowed_unexpected=("time_emb",))
        network = network.float()
        return network

    def forward(self, clip: Tensor, points: Tensor, window: int = 60, rounds: int = ROUNDS) -> Tracks:
        """Follow points through a clip.

        Args:
            clip: (t, 3, h, w).
            points: (p, 3).
            window: pictures for which the positions in time were trained; others are drawn out to `t`.
            rounds: how often the points are moved.
        """
        levels = self._levels(clip)
        moment, start = points[:, 0], points[:, 1:] / STRIDE
        own = [_own_squares(level, moment, start / 2**scale) for scale, level in enumerate(levels)]
        when = self._when(len(clip), window).to(clip.device)
        places = start.expand(len(clip), -1, -1)  # (t, p, 2) in places of the map
        seen = torch.zeros(
            *places.shape[:2], 2, device=clip.device
        )  # visibility and confidence before a sigmoid
        extent = torch.tensor(SIZE, device=clip.device) / STRIDE
        for _ in range(rounds):
            values = [seen, self._compared(levels, own, places), _steps(places, extent)]
            tokens = torch.cat(values, dim=-1).transpose(0, 1) + when  # (p, t, width_in)
            change = self.updateformer(tokens[None])[0].transpose(0, 1)  # (t, p, 4)
            places, seen = places + change[..., :2], seen + change[..., 2:]
        visibility, confidence = seen.sigmoid().unbind(-1)
        return Tracks(places * STRIDE, visibility, confidence)

    def _levels(self, clip: Tensor) -> list[Tensor]:
        """Maps (t, c, h, w) at each scale."""
        weights = self.fnet.conv1.weight
        parts = [
            self.fnet((2 * (clip[begin : begin + _MAPPED_AT_ONCE] / 255) - 1).to(weights))
            for begin in range(0, len(clip), _MAPPED_AT_ONCE)
        ]
        levels = [torch.cat(parts).float()]
        while len(levels) < SCALES:
            levels.append(F.avg_pool2d(levels[-1], 2, stride=2))
        return levels

    def _compared(self, levels: list[Tensor], own: list[Tensor], places: Tensor) -> Tensor:
        """How like the squares around the places are to the points' own, (t, p, scales * d)."""
        told = []
        for scale, (level, square) in enumerate(zip(levels, own, strict=True)):
            around = _squares(level, places / 2**scale)  # (t, p, 49, c)
            likeness = torch.einsum("tpac,pbc->tpab", around, square)
            told.append(self.corr_mlp(likeness.flatten(2)))
        return torch.cat(told, dim=-1)

    def _when(self, count: int, window: int) -> Tensor:
        """Positions in time (count, width_in): those of the training's window, drawn out or together."""
        width = self.updateformer.input_transform.in_features
        exponent = torch.arange(width // 2, dtype=torch.float64) / (width / 2.0)
        angles = torch.arange(window, dtype=torch.float64)[:, None] * (1.0 / 10_000**exponent)
        known = torch.cat([angles.sin(), angles.cos()], dim=1).float()
        if count == window:
            return known
        return F.interpolate(known.T[None], size=count, mode="linear")[0].T


def _own_squares(level: Tensor, moment: Tensor, start: Tensor) -> Tensor:
    """The square of each point in the map of its own moment, (p, 49, c)."""
    squares = torch.zeros(len(start), SIDE**2, level.shape[1], device=level.device)
    for picture in sorted(set(moment.long().tolist())):
        mine = moment.long() == picture
        squares[mine] = _squares(level[picture : picture + 1], start[None, mine])[0]
    return squares


def _squares(level: Tensor, places: Tensor) -> Tensor:
    """Values around places (t, p, 2) of maps (t, c, h, w), column by column, (t, p, 49, c)."""
    reach = torch.arange(SIDE, device=places.device) - SIDE // 2
    offsets = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), dim=-1).reshape(1, 1, -1, 2)
    wanted = places[:, :, None] + offsets  # (t, p, 49, 2), x slower than y
    sides = torch.tensor([max(side - 1, 1) for side in level.shape[:1:-1]], device=places.device)
    # the edge goes on beyond the frame
    values = F.grid_sample(level, wanted * (2 / sides) - 1, align_corners=True, padding_mode="border")
    return values.permute(0, 2, 3, 1)


def _steps(places: Tensor, extent: Tensor) -> Tensor:
    """From each picture to the next and from the one before, told by sines, (t, p, 84)."""
    step = places.diff(dim=0)
    nothing = torch.zeros_like(places[:1])
    both = torch.cat([torch.cat([-step, nothing]), torch.cat([nothing, step])], dim=-1)
    both = both / extent.repeat(2)
    scaled = (both[..., None, :] * 2.0 ** torch.arange(_DEGREES, device=both.device)[:, None]).flatten(-2)
    return torch.cat([both, torch.sin(torch.cat([scaled, scaled + math.pi / 2], dim=-1))], dim=-1)
