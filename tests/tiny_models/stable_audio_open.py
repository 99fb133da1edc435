"""Tiny Stable Audio Open models with random weights, in the layouts of their makers.

`write` leaves a folder as `v2m models add` would: official or diffusers' layout, 1.0 or small, with a
ControlNet or without.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from tests.tiny_models.stable_audio_open_config import HEADS, official_config
from tests.tiny_models.stable_audio_open_diffusers import below, write_diffusers
from tests.tiny_models.stable_audio_open_weights import (
    CHANNELS,
    HOP,
    TOKEN_WIDTH,
    WIDTH,
    WINDOW_FRAMES,
    controlnet_tensors,
    drawn,
    noise,
    official_tensors,
)
from v2m.backbones.sound.model import SoundWindow

__all__ = [
    "CHANNELS",
    "FIRST_FRAME",
    "HEADS",
    "HOP",
    "NEGATIVE",
    "PROMPT",
    "SEED",
    "STEPS",
    "TOKEN_WIDTH",
    "TOTAL_S",
    "WIDTH",
    "WINDOW_FRAMES",
    "below",
    "controlnet_tensors",
    "noise",
    "official_config",
    "official_tensors",
    "window",
    "write",
    "write_t5",
]

WORDS = [
    "BPM",
    "calm",
    "dark",
    "drums",
    "fast",
    "piano",
    "quiet",
    "slow",
    "the",
    "warm",
    *map(str, range(60, 181)),
]

PROMPT, NEGATIVE = "calm piano", "fast drums"
FIRST_FRAME, TOTAL_S, STEPS, SEED = 40, 9.0, 12, 5


def window(*, negative: str = "", adherence: float = 0.0, **more: Any) -> SoundWindow:
    """What the golden numbers were composed for; without adherence a ControlNet says nothing."""
    curve = np.sin(np.arange(WINDOW_FRAMES) / 7).astype(np.float32)
    asked = {"steps": STEPS, "total_s": TOTAL_S, "negative_prompt": negative, "adherence": adherence, **more}
    return SoundWindow(PROMPT, FIRST_FRAME, WINDOW_FRAMES, curve, (SEED,), **asked)


def write_t5(encoder: Path, tokenizer: Path) -> None:
    """A text encoder and its tokenizer, as T5-base comes."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

    vocabulary = {word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(tokenizer)
    sizes = {"d_model": TOKEN_WIDTH, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    model = T5EncoderModel(T5Config(vocab_size=len(vocabulary), **sizes))
    shapes = ((name, tuple(value.shape)) for name, value in model.state_dict().items())
    tensors = drawn(shapes)
    tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"]
    model.load_state_dict(tensors)
    model.save_pretrained(encoder)


def write(
    folder: Path, *, small: bool = False, diffusers: bool = False, controlnet: bool = False, seed: int = 0
) -> Path:
    """A model's folder; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    if diffusers:
        write_diffusers(folder, official_tensors(seed=seed))
        write_t5(folder / "text_encoder", folder / "tokenizer")
    else:
        save_file(official_tensors(small, seed), folder / "model.safetensors")
        (folder / "model_config.json").write_text(json.dumps(official_config(small)))
        write_t5(folder / "t5-base", folder / "t5-base")
    if controlnet:
        save_file(controlnet_tensors(), folder / "controlnet.safetensors")
    return folder
