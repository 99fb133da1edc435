"""Models of language that can be added: text encoders of backbones, and what writes prompts from the picture.

Sources: the models' cards on the hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from v2m.licences import LICENCES
from v2m_daemon.models.model import Census, Model, ModelFile

GB: Final = 1_000_000_000

_FILES: Final = (
    ModelFile("config.json"),
    ModelFile("model*.safetensors", converted_from=("pytorch_model.bin",)),
    ModelFile("model.safetensors.index.json", optional=True),
    ModelFile("*.json", optional=True),
    ModelFile("*.txt", optional=True),
    ModelFile("*.model", optional=True),
    ModelFile("*.jinja", optional=True),
)
_FOLDER: Final = "The folder needs config.json, the weights as safetensors and the tokenizer's files."


_TENSORS: Final = {
    "t5gemma": ("*encoder.layers.0.*",),
    "t5": ("*encoder.block.0.layer.0.SelfAttention.q.weight",),
    "whisper": ("*encoder.layers.0.*", "*decoder.layers.0.*"),
    "gemma3": ("*language_model*", "*vision_tower*"),
    "qwen3_vl": ("*layers.0.*", "*visual*"),
    "llama": ("*layers.0.self_attn.q_proj.weight",),
}
"""Tensors that each `model_type` has, whichever version of transformers saved it."""


@dataclass(frozen=True)
class _Card:
    """What a model's card on the hub says."""

    name: str
    kind: str
    """`model_type` in its configuration."""

    repository: str
    gigabytes: float
    gated: bool
    summary: str

    def model(self) -> Model:
        """The same as something that can be added."""
        return Model(
            name=self.name,
            kind="text",
            summary=self.summary,
            licence=LICENCES[self.name],
            memory_bytes=int((self.gigabytes * 1.15 + 0.5) * GB),  # weights, what generation keeps, torch
            size_bytes=int(self.gigabytes * GB),
            files=_FILES,
            manual=_FOLDER,
            repository=self.repository,
            gated=self.gated,
            census=Census(keys=_TENSORS[self.kind], config={"model_type": self.kind}),
        )


READERS: Final = tuple(
    card.model()
    for card in (
        _Card("t5gemma-b-b-ul2", "t5gemma", "google/t5gemma-b-b-ul2", 1.2, True,
              "T5Gemma: reads the prompt for Stable Audio 3."),
        _Card("t5-base", "t5", "google-t5/t5-base", 0.9, False,
              "T5: reads the prompt for Stable Audio Open Small."),
        _Card("whisper", "whisper", "openai/whisper-large-v3-turbo", 1.7, False,
              "Whisper: writes down what is said, for prompts that nobody gave."),
        _Card("gemma-3-4b-it", "gemma3", "google/gemma-3-4b-it", 8.7, True,
              "Gemma 3: looks at the picture and writes the prompt that nobody gave."),
        _Card("qwen3-vl", "qwen3_vl", "Qwen/Qwen3-VL-4B-Instruct", 8.9, False,
              "Qwen3-VL: looks at the picture and writes the prompt as Gemma 3 does; nothing to sign."),
        _Card("llama", "llama", "meta-llama/Llama-3.2-3B-Instruct", 6.5, True,
              "Llama 3.2: writes the prompt from what another model saw."),
    )
)  # fmt: skip
