"""Words to the tokens of T5-base that Stable Audio Open was trained on.

The encoder runs on the CPU in float32: it is asked once for a prompt, and its tokens are then the same for
every device. (The official code rounds its weights to float16, which moves the tokens by a thousandth.) The
tokens of the padding are set to zero but are there: cross-attention has no mask, so their number decides the
sound.
Sources: Raffel et al. 2020 (T5); Stability-AI/stable-audio-tools, `models/conditioners.py` (T5Conditioner).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from v2m.backbones.sound.checkpoint import load_strict, read_safetensors
from v2m.backbones.sound.config_file import read_config
from v2m.errors import CheckpointError, MissingPartError
from v2m.model.device import is_out_of_memory

_OTHER_TENSORS: Final = ("decoder.*", "lm_head.weight")
"""Of the whole T5, of which only the encoder is used."""

_KEPT: Final = 16
"""Prompts whose tokens are remembered: takes and windows of one programme share two."""


class TextEncoder:
    """T5, loaded when it is first asked.

    Args:
        encoder: folder with config.json and model.safetensors.
        tokenizer: folder with the tokenizer's files.
        tokens: that a prompt is cut or padded to.
        width: that the tokens must have.
    """

    def __init__(self, encoder: Path, tokenizer: Path, tokens: int, width: int) -> None:
        self._encoder_folder, self._tokenizer_folder = encoder, tokenizer
        self._tokens, self._width = tokens, width
        self._loaded: tuple[Any, Any] | None = None
        self._known: dict[str, Tensor] = {}

    def __call__(self, prompt: str) -> Tensor:
        """(m, width) float32 on the CPU.

        Raises:
            CheckpointError: an InputError; the files are broken or of another model.
            MissingPartError: transformers is not installed.
        """
        if prompt not in self._known:
            while len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[prompt] = self._encoded(prompt)
        return self._known[prompt]

    def unload(self) -> None:
        """Give the memory back."""
        self._loaded = None

    def _encoded(self, prompt: str) -> Tensor:
        tokenizer, model = self._parts()
        words = tokenizer(
            [prompt],
            truncation=True,
            max_length=self._tokens,
            padding="max_length",
            return_tensors="pt",
        )
        mask = words["attention_mask"]
        try:
            with torch.inference_mode():
                hidden = model(input_ids=words["input_ids"], attention_mask=mask).last_hidden_state
        except Exception as error:  # whatever a library raises that was configured to what cannot be
            if is_out_of_memory(error):
                raise
            raise self._no_encoder(error) from error
        return (hidden * mask[..., None])[0]  # type: ignore[no-any-return]

    def _parts(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = load_tokenizer(self._tokenizer_folder), self._model()
        return self._loaded

    def _model(self) -> Any:  # noqa: ANN401 - the library has no types
        try:
            from transformers import T5Config, T5EncoderModel
        except ImportError as error:
            raise missing_transformers() from error
        described = read_config(self._encoder_folder / "config.json")
        if described.get("model_type") != "t5" or described.get("d_model") != self._width:
            raise CheckpointError(
                f"The text encoder in {self._encoder_folder} is {described.get('model_type')!r} "
                f"{described.get('d_model')} wide, expected t5 {self._width} wide.",
                hint="Put t5-base there.",
            )
        try:
            with torch.device("meta"):
                model = T5EncoderModel(T5Config.from_dict(described))
        except Exception as error:  # the library lets errors of every kind through
            raise self._no_encoder(error) from error
        tensors = read_safetensors(self._encoder_folder / "model.safetensors")
        if "shared.weight" in tensors:
            tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"]  # one table, stored once
        floats = {name: value.float() for name, value in tensors.items()}
        load_strict(model, floats, allowed_unexpected=_OTHER_TENSORS)
        model.train(False)
        return model.requires_grad_(False)

    def _no_encoder(self, error: Exception) -> CheckpointError:
        return CheckpointError(
            f"The configuration in {self._encoder_folder} describes no text encoder.",
            hint="Fetch the config.json of t5-base again.",
            detail=repr(error),
        )


def load_tokenizer(folder: Path) -> Any:  # noqa: ANN401 - the library has no types
    """The tokenizer of a folder, from its files alone.

    Raises:
        CheckpointError: an InputError; there is none, or it is broken.
        MissingPartError: transformers is not installed.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise missing_transformers() from error
    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # the library lets errors of every kind and of its parsers through
        raise CheckpointError(
            f"The tokenizer in {folder} cannot be read.",
            hint="Put the tokenizer of t5-base there: tokenizer.json or spiece.model.",
            detail=repr(error),
        ) from error


def missing_transformers() -> MissingPartError:
    """What to install."""
    return MissingPartError(
        "transformers is not installed, and Stable Audio Open reads its prompt with it.",
        hint='Install it: pip install "v2m[models]".',
    )
