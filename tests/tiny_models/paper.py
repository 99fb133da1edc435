"""Tiny `paper` models with random weights, as a training leaves them, with a text encoder like Gemma's.

The tokenizer has a token a byte. The autoencoder has the strides 7 and 4, one odd and one even.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import Gemma3TextConfig, Gemma3TextModel, PreTrainedTokenizerFast

from tests.tiny_models.oobleck import new_oobleck
from v2m.backbones.paper.config import PaperConfig
from v2m.backbones.paper.network import new_network, save_network
from v2m.backbones.sound.oobleck_folder import OobleckConfig
from v2m.model.dit import DiT

CONFIG = PaperConfig(
    width=32, depth=2, heads=2, ff_width=64, latent_channels=8, latent_scale=0.5, text_width=16,
    text_tokens=24, longest_frames=40, steps=6,
)  # fmt: skip


def write(folder: Path, *, seed: int = 0, config: PaperConfig = CONFIG) -> Path:
    """A whole model; returns the folder."""
    save_network(folder, config, lively(new_network(config, seed)), torch.float32)
    torch.manual_seed(seed + 1)
    autoencoder = new_oobleck(
        OobleckConfig(
            encoder_hidden_size=2 * config.latent_channels,
            downsampling_ratios=(4, 7),
            channel_multiples=(1, 2),
            decoder_channels=8,
            decoder_input_channels=config.latent_channels,
            sampling_rate=8_000,
        )
    )
    autoencoder.save_pretrained(folder / "autoencoder")
    write_text_encoder(folder / "text_encoder", seed, config.text_width)
    return folder


def lively(network: DiT) -> DiT:
    """With random numbers also where a training begins with zeros."""
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(9)
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return network


def write_text_encoder(folder: Path, seed: int, width: int) -> None:
    """A text encoder with its tokenizer, as transformers saves them."""
    torch.manual_seed(seed + 2)
    config = Gemma3TextConfig(
        vocab_size=300, hidden_size=width, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=512,
    )  # fmt: skip
    Gemma3TextModel(config).save_pretrained(folder)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={byte: i for i, byte in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
