"""AVSiam's network, with the keys of its checkpoint: blocks shared by both senses, norms of their own.

    picture (b, 3, 224, 224) -> 14 x 14 patches -> blocks with the norms of pictures -> norm
    spectrogram (b, 1024, 128) -> 8 x 64 patches -> blocks with the norms of sound -> norm of sound

Two things in the published code decide its numbers and are kept: the patches with their positions are
doubled, since a norm before the blocks is added to them that does nothing in this size of transformer; and
the norms of the blocks have an epsilon of 1e-5, the last ones 1e-6. Sources: Y.-B. Lin and G. Bertasius,
"Siamese Vision Transformers are Scalable Audio-visual Learners" (2024); GenjiB/AVSiam,
`src/models/cav_mae_base.py`, the path that its retrieval takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from v2m.backbones.sound.checkpoint import load_strict
from v2m.errors import CheckpointError

HEADS: Final = 12
PATCH: Final = 16

TIMES: Final = 64
"""Patches along the time of a spectrogram, one each 160 ms."""

Sense = Literal["v", "a"]

_PREFIX: Final = "vit_base."


class AVSiam(nn.Module):
    """The encoder; the checkpoint's decoder, its second copy for the training and its heads are left out."""

    def __init__(self, width: int, feed_forward: int, blocks: int, places: int, sound_places: int) -> None:
        super().__init__()
        self.patch_embed = _Patches(3, width)
        self.patch_embed_a = _Patches(1, width)
        self.pos_embed = nn.Parameter(torch.zeros(1, places + 1, width))
        self.pos_embed_a = nn.Parameter(torch.zeros(1, sound_places, width))
        self.blocks = nn.ModuleList(_Block(width, feed_forward) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.norm_a = nn.LayerNorm(width, eps=1e-6)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> AVSiam:
        """The network of a checkpoint as its authors save it.

        Raises:
            CheckpointError: it is none of AVSiam.
        """
        plain = {key.removeprefix("module."): value for key, value in tensors.items()}
        own = {key.removeprefix(_PREFIX): value for key, value in plain.items() if key.startswith(_PREFIX)}
        try:
            places, width = own["pos_embed"].shape[1:]
            feed_forward = len(own["blocks.0.mlp.fc1.weight"])
            sound_places = own["pos_embed_a"].shape[1]
        except (KeyError, ValueError, IndexError) as error:
            raise CheckpointError(
                f"The weights are no AVSiam: {error} is missing or has another shape.",
                hint="Fetch as2m_pretrained.20.pth again with `v2m models add avsiam`.",
            ) from error
        if width % HEADS or sound_places % TIMES:
            raise CheckpointError("The weights are no AVSiam: their widths do not fit together.")
        blocks = {int(found[1]) for key in own if (found := re.match(r"blocks\.(\d+)\.", key))}
        with torch.device("meta"):
            network = cls(width, feed_forward, max(blocks) + 1, places - 1, sound_places)
        load_strict(network, own, allowed_unexpected=("cls_token", "head.*", "blocks.*.norm?.*"))
        return network.float()

    def forward(self, values: Tensor, sense: Sense) -> Tensor:
        """States of the patches (b, p, width), of pictures (b, 3, h, w) or spectrograms (b, t, bands)."""
        if sense == "v":
            patches = self.patch_embed(values) + self.pos_embed[:, 1:]
        else:
            patches = self.patch_embed_a(values.transpose(1, 2)[:, None]) + self.pos_embed_a
        states = 2 * patches
        for block in self.blocks:
            states = block(states, sense)
        result: Tensor = (self.norm if sense == "v" else self.norm_a)(states)
        return result


class _Patches(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, PATCH, stride=PATCH)

    def forward(self, planes: Tensor) -> Tensor:
        patches: Tensor = self.proj(planes).flatten(2).transpose(1, 2)  # (b, p, d), row by row
        return patches


class _Block(nn.Module):
    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__()
        for name in ("norm1_a", "norm1_v", "norm2_a", "norm2_v"):
            setattr(self, name, nn.LayerNorm(width, eps=1e-5))
        self.attn = _Attention(width)
        self.mlp = _FeedForward(width, feed_forward)

    def forward(self, states: Tensor, sense: Sense) -> Tensor:
        states = states + self.attn(getattr(self, f"norm1_{sense}")(states))
        result: Tensor = states + self.mlp(getattr(self, f"norm2_{sense}")(states))
        return result


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        q, k, v = self.qkv(states).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)  # (b, heads, p, d)
        mixed = F.scaled_dot_product_attention(q, k, v)
        result: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return result


class _FeedForward(nn.Module):
    def __init__(self, width: int, feed_forward: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, feed_forward)
        self.fc2 = nn.Linear(feed_forward, width)

    def forward(self, states: Tensor) -> Tensor:
        result: Tensor = self.fc2(F.gelu(self.fc1(states)))
        return result
