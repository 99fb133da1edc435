"""Pretrained backbones that can be added, in the layouts of their makers.

Sizes and memory are about right and there to choose by. Sources: the models' cards; the official repositories
Stability-AI/stable-audio-3, Stability-AI/stable-audio-tools, ace-step/ACE-Step-1.5 and
EmilianPostolache/stable-audio-controlnet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from v2m.licences import LICENCES
from v2m_daemon.models.model import Census, Model, ModelFile

GB: Final = 1_000_000_000

_ORIGINAL: Final = (
    ModelFile("model.safetensors", converted_from=("model.ckpt",)),
    ModelFile("model_config.json"),
    *(ModelFile(f"{part}/{name}", optional=True)
      for part in ("t5gemma-b-b-ul2", "t5-base", "text_encoder", "tokenizer")
      for name in ("*.json", "*.safetensors", "*.model", "*.jinja")),
)  # fmt: skip
"""What stable-audio-tools and stable-audio-3 read; some copies bring their text encoder along."""

_HALVES: Final = ("model.model.*", "pretransform.model.*", "conditioner.conditioners.*")
_PROJECTION: Final = "model.model.transformer.project_in.weight"


def _stable_audio_3(name: str, repository: str, objective: str, width: int, what: str) -> Model:
    small = width == 1024
    return Model(
        name=name,
        kind="backbone",
        summary=f"Stable Audio 3 {what}",
        licence=LICENCES[name],
        memory_bytes=(3 if small else 7) * GB,
        size_bytes=int((2.3 if small else 9.3) * GB),
        files=_ORIGINAL,
        manual="The folder needs model.safetensors and model_config.json as its makers give them out.",
        repository=f"stabilityai/{repository}",
        gated=True,
        needs=("t5gemma-b-b-ul2",),
        census=Census(
            keys=(*_HALVES, _PROJECTION),
            config_file="model_config.json",
            config={"model_type": "diffusion_cond_inpaint"},
            variant={"model.diffusion.diffusion_objective": objective},
            shapes={_PROJECTION: (width, None)},
        ),
    )


_STABLE_AUDIO_3: Final = (
    _stable_audio_3(
        "stable-audio-3-small", "stable-audio-3-small-music", "rf_denoiser", 1024,
        "small: music up to two minutes in 8 steps, on a CPU too.",
    ),
    _stable_audio_3(
        "stable-audio-3-small-base", "stable-audio-3-small-music-base", "rectified_flow", 1024,
        "small before its distillation: what event adapters are trained on; about 50 steps.",
    ),
    _stable_audio_3(
        "stable-audio-3-medium", "stable-audio-3-medium", "rf_denoiser", 1536,
        "medium: music up to six minutes in 8 steps, for a GPU.",
    ),
    _stable_audio_3(
        "stable-audio-3-medium-base", "stable-audio-3-medium-base", "rectified_flow", 1536,
        "medium before its distillation: what event adapters are trained on; about 50 steps.",
    ),
)  # fmt: skip

_DIFFUSERS_FOLDERS: Final = ("transformer", "vae", "text_encoder", "projection_model")
_DIFFUSERS_PARTS: Final = (
    ModelFile("model_index.json", optional=True),
    *(ModelFile(f"{part}/config.json") for part in _DIFFUSERS_FOLDERS),
    *(ModelFile(f"{part}/*.safetensors") for part in _DIFFUSERS_FOLDERS),
    *(ModelFile(f"{part}/*.safetensors.index.json", optional=True) for part in _DIFFUSERS_FOLDERS),
    ModelFile("scheduler/scheduler_config.json", optional=True),
    ModelFile("tokenizer/*.json"),
    ModelFile("tokenizer/*.model", optional=True),
)  # fmt: skip

_STABLE_AUDIO_OPEN: Final = (
    Model(
        name="stable-audio-open",
        kind="backbone",
        summary="Stable Audio Open 1.0: up to 47 seconds at once, the model under the paper's ControlNet.",
        licence=LICENCES["stable-audio-open"],
        memory_bytes=6 * GB,
        size_bytes=int(4.9 * GB),
        files=_DIFFUSERS_PARTS,
        other_files=_ORIGINAL,
        manual="The folder needs diffusers' layout, or model.safetensors and model_config.json.",
        repository="stabilityai/stable-audio-open-1.0",
        gated=True,
        census=Census(
            keys=("*proj*_in.weight", "*transformer*"),
            config_file="transformer/config.json",
            config={"_class_name": "StableAudioDiTModel"},
        ),
    ),
    Model(
        name="stable-audio-open-small",
        kind="backbone",
        summary="Stable Audio Open Small: 11 seconds at once in 8 steps, the fastest there is.",
        licence=LICENCES["stable-audio-open-small"],
        memory_bytes=3 * GB,
        size_bytes=int(2.0 * GB),
        files=_ORIGINAL,
        manual="The folder needs model.safetensors and model_config.json as its makers give them out.",
        repository="stabilityai/stable-audio-open-small",
        gated=True,
        needs=("t5-base",),
        census=Census(
            keys=("model.model.*", "pretransform.model.*"),
            config_file="model_config.json",
            config={"model_type": "diffusion_cond"},
        ),
    ),
    Model(
        name="stable-audio-controlnet",
        kind="backbone",
        summary="A ControlNet for Stable Audio Open that follows loudness, here the event curve (the paper's "
        "table 3b); none is published, so it is yours.",
        licence=LICENCES["stable-audio-controlnet"],
        memory_bytes=7 * GB,
        size_bytes=int(1.2 * GB),
        files=(
            ModelFile("controlnet.safetensors", converted_from=("*.ckpt",)),
            *(replace(file, optional=True, converted_from=()) for file in (*_ORIGINAL, *_DIFFUSERS_PARTS)),
        ),
        manual="It is the Lightning checkpoint (.ckpt) that training with stable-audio-controlnet leaves.",
        needs=("stable-audio-open",),
        census=Census(keys=("*controlnet*",)),
    ),
)


_ACE_PARTS: Final = ("vae", "Qwen3-Embedding-0.6B", "text_encoder", "tokenizer", "transformer",
                     "condition_encoder", "scheduler")  # fmt: skip
_ACE_FILES: Final = (
    ModelFile("config.json", optional=True),
    ModelFile("model_index.json", optional=True),
    ModelFile("model*.safetensors", optional=True),
    ModelFile("model.safetensors.index.json", optional=True),
    ModelFile("silence_latent.safetensors", optional=True, converted_from=("silence_latent.pt",)),
    *(ModelFile(f"{part}/{name}", optional=True)
      for part in _ACE_PARTS for name in ("*.json", "*.safetensors", "*.txt", "*.jinja")),
)  # fmt: skip
_ACE_PARTS_NAME: Final = "ace-step-parts"


def _ace_step(name: str, repository: str, what: str, folder: str = "") -> Model:
    return Model(
        name=name,
        kind="backbone",
        summary=f"ACE-Step 1.5 {what}",
        licence=LICENCES[name],
        memory_bytes=6 * GB,
        size_bytes=int(3.2 * GB),
        files=_ACE_FILES,
        manual="The folder needs the transformer's config.json and model.safetensors, or diffusers' layout.",
        repository=repository,
        hub_folder=folder,
        needs=(_ACE_PARTS_NAME,),
        census=Census(keys=("*layers.*", "*proj_in*")),
    )


_ACE_STEP: Final = (
    _ace_step("ace-step", "ACE-Step/acestep-v15-base", "base: songs up to ten minutes; about 50 steps."),
    _ace_step("ace-step-sft", "ACE-Step/acestep-v15-sft", "sft: tuned for quality; about 50 steps."),
    _ace_step("ace-step-turbo", "ACE-Step/Ace-Step1.5", "turbo: distilled to 8 steps.", "acestep-v15-turbo"),
    Model(
        name=_ACE_PARTS_NAME,
        kind="backbone",
        summary="What every ACE-Step 1.5 needs: its autoencoder and its text encoder (Qwen3-Embedding-0.6B).",
        licence=LICENCES[_ACE_PARTS_NAME],
        memory_bytes=2 * GB,
        size_bytes=int(1.6 * GB),
        files=(
            ModelFile("vae/config.json"),
            ModelFile("vae/*.safetensors"),
            ModelFile("Qwen3-Embedding-0.6B/config.json"),
            ModelFile("Qwen3-Embedding-0.6B/*.safetensors"),
            ModelFile("Qwen3-Embedding-0.6B/*.json", optional=True),
            ModelFile("Qwen3-Embedding-0.6B/*.txt", optional=True),
        ),
        manual="The folder needs vae and Qwen3-Embedding-0.6B, as the repository of ACE-Step 1.5 has them.",
        repository="ACE-Step/Ace-Step1.5",
    ),
)

_PAPER: Final = Model(
    name="paper",
    kind="backbone",
    summary="A model of the paper's size that you trained: 16 layers of width 2048, latents of 12.3 Hz.",
    licence=LICENCES["paper"],
    memory_bytes=8 * GB,
    size_bytes=6 * GB,
    files=(
        ModelFile("model*.safetensors", converted_from=("model.pt", "model.ckpt")),
        ModelFile("model.safetensors.index.json", optional=True),
        ModelFile("*.json"),
        *(
            ModelFile(f"{part}/{name}", optional=part == "text_encoder")
            for part in ("autoencoder", "text_encoder")
            for name in ("*.json", "*.safetensors")
        ),
    ),
    manual="Nobody gives it out: train it, and add the folder.",
    needs=("gemma-3-4b-it",),
)

BACKBONES: Final = (*_STABLE_AUDIO_3, *_STABLE_AUDIO_OPEN, *_ACE_STEP, _PAPER)
