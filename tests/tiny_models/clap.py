"""A CLAP of a few thousand random numbers, in the layout in which transformers saves one."""

from __future__ import annotations

import json
from pathlib import Path


def write_tiny_clap(folder: Path) -> Path:
    """Write the checkpoint; its tokenizer spells words by letters."""
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor, RobertaTokenizer

    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijklmnopqrstuvwxyz", "Ġ"]
    tables = folder.with_name(f"{folder.name}-words")
    tables.mkdir(parents=True)
    (tables / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (tables / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = RobertaTokenizer(
        vocab=str(tables / "vocab.json"), merges=str(tables / "merges.txt"), model_max_length=40
    )
    torch.manual_seed(0)
    config = ClapConfig(
        text_config={
            "vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 32, "max_position_embeddings": 64,
        },
        audio_config={
            "num_mel_bins": 16, "window_size": 4, "spec_size": 64, "patch_size": 2, "patch_stride": 2,
            "hidden_size": 32, "patch_embeds_hidden_size": 16, "depths": [1, 1], "num_hidden_layers": 2,
            "num_attention_heads": [2, 2], "enable_fusion": False,
        },
        projection_dim=12,
    )  # fmt: skip
    ClapModel(config).save_pretrained(folder)
    extractor = ClapFeatureExtractor(feature_size=16, max_length_s=2, truncation="rand_trunc")
    ClapProcessor(extractor, tokenizer).save_pretrained(folder)
    return folder
