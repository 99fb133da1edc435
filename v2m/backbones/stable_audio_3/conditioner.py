"""Prompt, negative prompt and length as tokens for the transformer.

Conventions: n token: the prompt's, then one for the length. Parameter names are those of the original files
under `conditioner.`.
Sources: arXiv 2605.17991.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from v2m.backbones.stable_audio_3.config import StableAudioConfig
from v2m.backbones.stable_audio_3.duration import DurationEmbedding
from v2m.backbones.stable_audio_3.text import PromptTokens


class Conditioner(nn.Module):
    """The trained parts between the text encoder and the transformer."""

    def __init__(self, config: StableAudioConfig, encoder_width: int) -> None:
        super().__init__()
        width = config.transformer.text_width
        self.conditioners = nn.ModuleDict(
            {
                "prompt": PromptTokens(config.text, width, encoder_width),
                "seconds_total": DurationEmbedding(config.duration, width),
            }
        )

    def length(self, seconds: float) -> Tensor:
        """(1, d) of a length."""
        return cast(Tensor, self.conditioners["seconds_total"](seconds))

    def prompt(self, embeddings: Tensor, words: Tensor, seconds: float) -> Tensor:
        """(1, n, d) of a prompt and a length."""
        tokens = self.conditioners["prompt"](embeddings, words)
        return torch.cat((tokens, self.length(seconds)[:, None]), dim=1)

    def negative_prompt(self, embeddings: Tensor, words: Tensor, seconds: float) -> Tensor:
        """(1, n, d) of what is to be avoided: zeros instead of tokens that are no words."""
        tokens = self.conditioners["prompt"](embeddings, words)
        tokens = torch.where(words.unsqueeze(-1), tokens, 0.0)
        return torch.cat((tokens, self.length(seconds)[:, None]), dim=1)
