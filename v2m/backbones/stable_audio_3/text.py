"""The prompt as tokens: T5Gemma's encoder, and what stands where the prompt has ended.

The transformer attends to all tokens, also those behind the prompt's end: there it finds the embedding that
was trained for them. Behind the end of a negative prompt it finds zeros, as where there are no words at all.

Conventions: b batch, n token (filled up to the longest), d width; float32.
Sources: Zhang et al. 2025 (T5Gemma); transformers' `T5GemmaEncoderModel`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from v2m.added_models import models_folder
from v2m.backbones.sound.checkpoint import read_safetensors
from v2m.backbones.sound.config_file import read_config
from v2m.backbones.stable_audio_3.config import TextConfig
from v2m.errors import CheckpointError, MissingPartError
from v2m.model.device import is_out_of_memory

NAME: Final = "t5gemma-b-b-ul2"
"""Of the encoder's folder, beside a checkpoint or in the store."""


def text_encoder_folder(checkpoint: Path, config: TextConfig) -> Path:
    """Where the encoder's files lie.

    Raises:
        MissingPartError: nowhere.
    """
    places = [checkpoint / name for name in (config.subfolder, NAME, "text_encoder") if name]
    places.append(models_folder() / NAME)
    for place in places:
        if (place / "config.json").is_file():
            return place
    raise MissingPartError(
        f"The text encoder {config.model_name} is not in {checkpoint} and not in {places[-1]}.",
        hint=f"Add it with `v2m models add {NAME}`.",
    )


class TextEncoder:
    """T5Gemma's encoder and its tokenizer, read from a folder when made."""

    def __init__(self, folder: Path, config: TextConfig, device: torch.device) -> None:
        self._config, self._device = config, device
        self._tokenizer, self._model = _load(folder, device)

    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Embeddings (b, n, d) and which tokens are words, (b, n)."""
        encoded = self._tokenizer(
            list(prompts),
            truncation=True,
            max_length=self._config.longest_tokens,
            padding="max_length",
            return_tensors="pt",
        )
        tokens, words = encoded["input_ids"].to(self._device), encoded["attention_mask"].to(self._device)
        with torch.inference_mode():
            embeddings = self._model(input_ids=tokens, attention_mask=words.bool()).last_hidden_state
        return embeddings.float(), words.bool()


def _load(folder: Path, device: torch.device) -> tuple[Any, Any]:
    try:
        from transformers import AutoConfig, AutoTokenizer, T5GemmaEncoderModel
    except ImportError as error:
        raise MissingPartError(
            "transformers is not installed, which encodes the prompt.", hint='pip install "v2m[models]"'
        ) from error
    read_config(folder / "config.json")  # the library would build whatever it says
    tensors = _encoder_tensors(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        config.is_encoder_decoder = False
        with _quiet():
            loaded: Any = T5GemmaEncoderModel.from_pretrained(
                None, config=config, state_dict=tensors, dtype=torch.float32, output_loading_info=True
            )
            model, told = loaded
    except Exception as error:  # the library raises whatever its parsers raise
        if is_out_of_memory(error):
            raise
        raise CheckpointError(
            f"The text encoder in {folder} cannot be read: {str(error).partition(chr(10))[0]}",
            hint="Check it with `v2m models verify`.",
            detail=repr(error),
        ) from error
    if wrong := sorted(map(str, [*told["missing_keys"], *told["mismatched_keys"]])):
        raise CheckpointError(
            f"The text encoder in {folder} lacks {len(wrong)} weights, such as {wrong[0]}.",
            hint="Check it with `v2m models verify`.",
        )
    return tokenizer, model.eval().requires_grad_(False).to(device)


def _encoder_tensors(folder: Path) -> dict[str, Tensor]:
    """Those of the encoder by its own names; the decoder beside it in the files is passed over."""
    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name, value in read_safetensors(path).items():
            name = name.removeprefix("model.")
            if name.startswith("encoder."):
                tensors[name] = value
    if not tensors:
        raise CheckpointError(
            f"There are no weights of a T5Gemma encoder in {folder}.",
            hint="Check it with `v2m models verify`.",
        )
    return tensors


@contextmanager
def _quiet() -> Iterator[None]:
    """Without bars of progress on the terminal, which is the caller's."""
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging
    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            logging.enable_progress_bar()


class PromptTokens(nn.Module):
    """Embeddings of a prompt as the transformer attends to them."""

    def __init__(self, config: TextConfig, width: int, encoder_width: int) -> None:
        super().__init__()
        self._padding = config.padding
        is_plain = width == encoder_width and not config.project
        self.proj_out = nn.Identity() if is_plain else nn.Linear(encoder_width, width)
        if config.padding == "learned":
            self.padding_embedding = nn.Parameter(torch.zeros(width))

    def forward(self, embeddings: Tensor, words: Tensor) -> Tensor:
        """(b, n, encoder width) and (b, n) -> (b, n, width)."""
        projected: Tensor = self.proj_out(embeddings)
        if self._padding == "none":
            return projected
        if self._padding == "zero":
            return projected * words.unsqueeze(-1).float()
        return torch.where(words.unsqueeze(-1), projected, self.padding_embedding)
