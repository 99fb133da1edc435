"""Tiny ACE-Step checkpoints with random weights, in the official layout of files and in that of diffusers.

Every kind of tensor of the real files is there: the audio tokens that we pass over, too. The tokenizer has a
token a byte, so that every line break of the words counts.
"""

import json
import warnings
from pathlib import Path

import torch
from diffusers import AutoencoderOobleck
from diffusers.models.transformers.ace_step_transformer import AceStepTransformer1DModel
from diffusers.pipelines.ace_step.modeling_ace_step import AceStepConditionEncoder
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

SHARED = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "sliding_window": 6,
    "rope_theta": 1_000_000,
    "rms_norm_eps": 1e-6,
    "attention_bias": False,
    "attention_dropout": 0.0,
}
ENCODERS = {
    "text_hidden_dim": 16,
    "timbre_hidden_dim": 64,
    "num_lyric_encoder_hidden_layers": 2,
    "num_timbre_encoder_hidden_layers": 2,
}
TRANSFORMER = {"num_hidden_layers": 2, "in_channels": 192, "audio_acoustic_hidden_dim": 64, "patch_size": 2}
AUTOENCODER = {
    "encoder_hidden_size": 128,  # twice the latent's channels come out of the encoder
    "downsampling_ratios": [2, 4, 4, 6, 10],
    "channel_multiples": [1, 1, 1, 1, 1],
    "decoder_channels": 8,
    "decoder_input_channels": 64,
    "audio_channels": 2,
    "sampling_rate": 48_000,
}

_OFFICIAL = (
    ("proj_in_conv.", "proj_in.1."),
    ("proj_out_conv.", "proj_out.1."),
    (".to_q.", ".q_proj."),
    (".to_k.", ".k_proj."),
    (".to_v.", ".v_proj."),
    (".to_out.0.", ".o_proj."),
    (".norm_q.", ".q_norm."),
    (".norm_k.", ".k_norm."),
)


def write(folder: Path, *, seed: int = 0, turbo: bool = True) -> Path:
    """The official layout, its shared parts inside the folder; returns the folder."""
    transformer, encoder = _networks(seed, turbo)
    tensors = {
        **{f"decoder.{_official(name)}": value for name, value in transformer.state_dict().items()},
        **{f"encoder.{_official(name)}": value for name, value in encoder.state_dict().items()},
    }
    silence = tensors.pop("encoder.silence_latent")
    tensors["null_condition_emb"] = tensors.pop("encoder.null_condition_emb")
    tensors["tokenizer.audio_acoustic_proj.weight"] = torch.zeros(32, 64)
    tensors["detokenizer.proj_out.weight"] = torch.zeros(64, 32)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_kept(tensors), folder / "model.safetensors")
    save_file({"silence_latent": silence.transpose(1, 2).contiguous()}, folder / "silence_latent.safetensors")
    _write_json(folder / "config.json", {
        **SHARED, **ENCODERS, **TRANSFORMER,
        "layer_types": ["sliding_attention", "full_attention"],
        "is_turbo": turbo, "model_version": "turbo" if turbo else "base", "model_type": "acestep",
    })  # fmt: skip
    _write_autoencoder(folder / "vae", seed)
    _write_text_encoder(folder / "Qwen3-Embedding-0.6B", seed)
    return folder


def write_diffusers(folder: Path, *, seed: int = 0, turbo: bool = True) -> Path:
    """The same weights in the layout of diffusers; returns the folder."""
    transformer, encoder = _networks(seed, turbo)
    transformer.save_pretrained(folder / "transformer")
    encoder.save_pretrained(folder / "condition_encoder")
    _write_autoencoder(folder / "vae", seed)
    _write_text_encoder(folder / "text_encoder", seed)
    _tokenizer().save_pretrained(folder / "tokenizer")
    return folder


def _networks(seed: int, turbo: bool) -> tuple[AceStepTransformer1DModel, AceStepConditionEncoder]:
    torch.manual_seed(seed)
    transformer = AceStepTransformer1DModel(
        **SHARED, **TRANSFORMER, is_turbo=turbo, model_version="turbo" if turbo else "base"
    )
    encoder = AceStepConditionEncoder(**SHARED, **ENCODERS)
    encoder.register_buffer("silence_latent", torch.randn(1, 760, 64))
    for parameter in [*transformer.parameters(), *encoder.parameters()]:
        if parameter.dim() == 1:  # norms and biases as training leaves them, not as ones and zeros
            torch.nn.init.normal_(parameter, 0.5, 0.2)
    return transformer, encoder


def _official(name: str) -> str:
    for ours, theirs in _OFFICIAL:
        name = name.replace(ours, theirs)
    return name


def _write_autoencoder(folder: Path, seed: int) -> None:
    torch.manual_seed(seed + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        AutoencoderOobleck(**AUTOENCODER).save_pretrained(folder)


def _write_text_encoder(folder: Path, seed: int) -> None:
    torch.manual_seed(seed + 2)
    config = Qwen3Config(
        vocab_size=300, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8,
    )  # fmt: skip
    Qwen3Model(config).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)


def _tokenizer() -> PreTrainedTokenizerFast:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={byte: i for i, byte in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    marks = dict.fromkeys(("eos_token", "pad_token"), "<|endoftext|>")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **marks)


def _kept(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone().contiguous() for name, value in tensors.items()}


def _write_json(path: Path, values: dict[str, object]) -> None:
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
