"""Models of language that can be added: text encoders of backbones, and what writes prompts from the picture.

Sources: the models' cards on the hub.
"""

from __future__ import annotations

from typing import Any, Final

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


def _reader(name: str, summary: str, repository: str, gigabytes: float, *, gated: bool = False,
            **config: Any) -> Model:  # noqa: ANN401 - values of a JSON file  # fmt: skip
    return Model(
        name=name,
        kind="text",
        summary=summary,
        licence=LICENCES[name],
        memory_bytes=int((gigabytes * 1.15 + 0.5) * GB),  # weights, what generation keeps, and torch
        size_bytes=int(gigabytes * GB),
        files=_FILES,
        manual=_FOLDER,
        repository=repository,
        gated=gated,
        census=Census(config=config),
    )


READERS: Final = (
    _reader(
        "t5gemma-b-b-ul2", "T5Gemma: reads the prompt for Stable Audio 3.", "google/t5gemma-b-b-ul2", 1.2,
        gated=True, model_type="t5gemma",
    ),
    _reader(
        "t5-base", "T5: reads the prompt for Stable Audio Open Small.", "google-t5/t5-base", 0.9,
        model_type="t5",
    ),
    _reader(
        "whisper", "Whisper: writes down what is said, for prompts that nobody gave.",
        "openai/whisper-large-v3-turbo", 1.7, model_type="whisper",
    ),
    _reader(
        "gemma-3-4b-it", "Gemma 3: looks at the picture and writes the prompt that nobody gave.",
        "google/gemma-3-4b-it", 8.7, gated=True, model_type="gemma3",
    ),
    _reader(
        "qwen3-vl", "Qwen3-VL: looks at the picture and writes the prompt as Gemma 3 does; nothing to sign.",
        "Qwen/Qwen3-VL-4B-Instruct", 8.9, model_type="qwen3_vl",
    ),
    _reader(
        "llama", "Llama 3.2: writes the prompt from what another model saw.",
        "meta-llama/Llama-3.2-3B-Instruct", 6.5, gated=True, model_type="llama",
    ),
)  # fmt: skip
