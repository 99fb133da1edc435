"""Tiny random models of language in the layouts of their makers: Gemma 3, Qwen3-VL, Llama and Whisper."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

WIDTH = 16

TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{% endfor %}<model>"
)


def write_tokenizer(folder: Path, special: tuple[str, ...], picture: str = "") -> Any:
    """A printable letter is a token, and others are padding; the special ones come right after `<bos>`."""
    from transformers import PreTrainedTokenizerFast

    letters = [sign for sign in sorted(pre_tokenizers.ByteLevel.alphabet()) if "!" <= sign <= "~"] + [
        "Ġ",
        "Ċ",
    ]
    vocab = {token: index for index, token in enumerate(["<pad>", "<eos>", "<bos>", *special, *letters])}
    inner = Tokenizer(models.BPE(vocab=vocab, merges=[], **{"unk_token": "<pad>"}))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        additional_special_tokens=list(special),
        chat_template=TEMPLATE.replace("PICTURE", picture),
        **{"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>"},
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def _save(model: Any, folder: Path) -> Path:
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for _, value in sorted(model.named_parameters()):
            value.copy_(torch.randn(value.shape, generator=generator) * (0.3 if value.ndim > 1 else 0.1))
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = 1, 0
    model.save_pretrained(folder)
    return folder


_TEXT = {
    "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 8192, "pad_token_id": 0,
    "eos_token_id": 1, "bos_token_id": 2,
}  # fmt: skip


def write_gemma(folder: Path) -> Path:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil

    special = ("<start_of_image>", "<end_of_image>", "<image_soft_token>")
    tokenizer = write_tokenizer(folder, special, picture="<start_of_image>")
    Gemma3ImageProcessorPil(size={"height": 28, "width": 28}).save_pretrained(folder)
    config = Gemma3Config(
        text_config={**_TEXT, "vocab_size": len(tokenizer), "sliding_window": 64},
        vision_config={
            "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
            "image_size": 28, "patch_size": 7,
        },
        mm_tokens_per_image=4, boi_token_index=3, eoi_token_index=4, image_token_index=5,
    )  # fmt: skip
    return _save(Gemma3ForConditionalGeneration(config), folder)


def write_qwen(folder: Path) -> Path:
    from transformers import Qwen2VLImageProcessorPil, Qwen3VLConfig, Qwen3VLForConditionalGeneration

    special = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    picture = "<|vision_start|><|image_pad|><|vision_end|>"
    tokenizer = write_tokenizer(folder, special, picture=picture)
    sizes = {"shortest_edge": 16 * 16, "longest_edge": 32 * 32}
    Qwen2VLImageProcessorPil(patch_size=4, temporal_patch_size=2, merge_size=2, size=sizes).save_pretrained(
        folder
    )
    config = Qwen3VLConfig(
        text_config={
            **_TEXT, "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]},
        },
        vision_config={
            "hidden_size": WIDTH, "intermediate_size": 32, "depth": 2, "num_heads": 2, "patch_size": 4,
            "temporal_patch_size": 2, "spatial_merge_size": 2, "out_hidden_size": WIDTH,
            "num_position_embeddings": 64, "deepstack_visual_indexes": [0],
        },
        vision_start_token_id=3, vision_end_token_id=4, image_token_id=5, video_token_id=6,
    )  # fmt: skip
    return _save(Qwen3VLForConditionalGeneration(config), folder)


def write_llama(folder: Path) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = write_tokenizer(folder, ())
    return _save(LlamaForCausalLM(LlamaConfig(**_TEXT, vocab_size=len(tokenizer))), folder)


def write_whisper(folder: Path) -> Path:
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    tokenizer = write_tokenizer(folder, ("<|startoftranscript|>",))
    WhisperFeatureExtractor(feature_size=16).save_pretrained(folder)
    config = WhisperConfig(
        vocab_size=len(tokenizer), num_mel_bins=16, d_model=WIDTH, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        max_target_positions=24, pad_token_id=0, bos_token_id=2, eos_token_id=1, decoder_start_token_id=3,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    return _save(WhisperForConditionalGeneration(config), folder)
