"""Maps of features that points are found by: CoTracker's convolutional network, with its keys.

Conventions: pictures (n, 3, h, w) from -1 to 1, sides multiples of 16; maps a quarter as large. All norms are
over each picture's own map and have no weights. Source: facebookresearch/co-tracker,
`models/core/cotracker/blocks.py`.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE: Final = 4
"""Pixels of the picture to one of the map."""


class MapNetwork(nn.Module):
    """Four stages of residual blocks, brought to one size and mixed."""

    def __init__(self, width: int) -> None:
        super().__init__()
        stages = (width // 2, width // 4 * 3, width, width)
        self.conv1 = nn.Conv2d(3, stages[0], 7, stride=2, padding=3)
        self.layer1 = _stage(stages[0], stages[0], halves=False)
        self.layer2 = _stage(stages[0], stages[1], halves=True)
        self.layer3 = _stage(stages[1], stages[2], halves=True)
        self.layer4 = _stage(stages[2], stages[3], halves=True)
        self.conv2 = nn.Conv2d(sum(stages), 2 * width, 3, padding=1)
        self.conv3 = nn.Conv2d(2 * width, width, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Maps (n, width, h / 4, w / 4), each place a unit vector."""
        size = [side // STRIDE for side in pictures.shape[2:]]
        states = F.relu(F.instance_norm(self.conv1(pictures)))
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            states = layer(states)
            maps.append(F.interpolate(states, size, mode="bilinear", align_corners=True))
        mixed = self.conv3(F.relu(F.instance_norm(self.conv2(torch.cat(maps, dim=1)))))
        lengths = mixed.square().sum(dim=1, keepdim=True).clamp(min=1e-12).sqrt()
        unit: Tensor = mixed / lengths
        return unit


def _stage(channels_in: int, channels: int, *, halves: bool) -> nn.Sequential:
    return nn.Sequential(_Residual(channels_in, channels, halves=halves), _Residual(channels, channels))


class _Residual(nn.Module):
    def __init__(self, channels_in: int, channels: int, *, halves: bool = False) -> None:
        super().__init__()
        stride = 2 if halves else 1
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, stride=stride)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        # only a halving block has weights on its way around, whatever the widths
        self.downsample = (
            nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride=stride)) if halves else None
        )

    def forward(self, maps: Tensor) -> Tensor:
        inner = F.relu(F.instance_norm(self.conv1(maps)))
        inner = F.relu(F.instance_norm(self.conv2(inner)))
        around = maps if self.downsample is None else F.instance_norm(self.downsample(maps))
        return F.relu(around + inner)
