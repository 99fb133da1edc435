"""What the transformer attends to: the words, that nobody sings, and the timbre of silence.

Conventions: b batch, n token of the condition, e its width, t latent frame, c channel.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import torch
from torch import Tensor

from v2m.backbones.ace_step.layers import load_encoder
from v2m.backbones.ace_step.layout import AceStepFolder
from v2m.backbones.ace_step.words import INSTRUMENTAL, LYRIC_TOKENS, TEXT_TOKENS
from v2m.backbones.sound.text_encoder import TextEncoder

_TIMBRE_FRAMES: Final = 750
"""30 s: the length of a reference of timbre. Without one, encoded silence: zeros it has never seen."""

_REMEMBERED: Final = 8
"""Texts whose conditions are kept: the windows and takes of a programme share one or two."""


class Conditions:
    """Text to conditions, with the model's own null condition and its silence."""

    def __init__(
        self, folder: AceStepFolder, tensors: dict[str, Tensor], device: torch.device, dtype: torch.dtype
    ) -> None:
        """Load the encoders.

        Raises:
            CheckpointError: an InputError; the files are broken or of another model.
        """
        self.device, self.dtype = device, dtype
        encoder = load_encoder(folder.encoder_config(), tensors)
        self._encoder: Any = torch.nn.Module.to(
            encoder, device, dtype
        ).eval()  # past diffusers' own, which warns
        self._text = TextEncoder(folder.text_encoder, device, dtype, tokenizer_folder=folder.tokenizer)
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def of(self, text: str) -> Tensor:
        """(1, n, e) of a text from `words.text_of`."""
        if text not in self._known:
            self._known[text] = self._encode(text)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(text)
        return self._known[text]

    def null(self, like: Tensor) -> Tensor:
        """The learned condition of nothing, (1, n, e) as long as another: an empty text is no such thing."""
        learned: Tensor = self._encoder.null_condition_emb
        return learned.detach().expand_as(like)

    def silence(self, frame_count: int) -> Tensor:
        """(1, t, c) of encoded silence, repeated where a programme is longer than what is stored."""
        stored: Tensor = self._encoder.silence_latent
        times = -(-frame_count // stored.shape[1])
        return stored.repeat(1, times, 1)[:, :frame_count]

    @torch.no_grad()
    def _encode(self, text: str) -> Tensor:
        words, lyrics = self._text(text, TEXT_TOKENS), self._text.table(INSTRUMENTAL, LYRIC_TOKENS)
        packed: Tensor
        packed, _ = self._encoder(
            text_hidden_states=words,
            text_attention_mask=_all_count(words),
            lyric_hidden_states=lyrics,
            lyric_attention_mask=_all_count(lyrics),
            refer_audio_acoustic_hidden_states_packed=self.silence(_TIMBRE_FRAMES),
            refer_audio_order_mask=torch.zeros(1, dtype=torch.long, device=self.device),
        )
        return packed


def _all_count(embeddings: Tensor) -> Tensor:
    return torch.ones(embeddings.shape[:2], dtype=torch.bool, device=embeddings.device)
