"""The prompt: encoded by T5Gemma, filled up with a trained embedding, zeros behind what is to be avoided."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file

from v2m.backbones.stable_audio_3.conditioner import Conditioner
from v2m.backbones.stable_audio_3.config_file import config_from_dict
from v2m.backbones.stable_audio_3.text import TextEncoder, text_encoder_folder
from v2m.backbones.stable_audio_3.weights import load_parts
from v2m.errors import InputError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder(tiny: ModuleType, whole_checkpoint: Callable[[str], Path]) -> TextEncoder:
    config = config_from_dict(tiny.config("small"))
    return TextEncoder(text_encoder_folder(whole_checkpoint("small"), config.text), config.text, CPU)


@pytest.fixture(scope="module")
def conditioner(tiny: ModuleType, checkpoint: Callable[[str], Path]) -> Conditioner:
    config = config_from_dict(tiny.config("small"))
    return load_parts(checkpoint("small") / "model.safetensors", config).conditioner


def test_behind_the_prompt_stands_the_trained_embedding(
    tiny: ModuleType, encoder: TextEncoder, conditioner: Conditioner
) -> None:
    embeddings, words = encoder(["lo-fi"])
    assert words.sum() == 5  # a token a letter
    tokens = conditioner.prompt(embeddings, words, 30.0)
    assert tokens.shape == (1, tiny.TEXT_TOKENS + 1, tiny.TEXT_WIDTH)
    padding = conditioner.state_dict()["conditioners.prompt.padding_embedding"]
    assert torch.equal(tokens[0, :-1][words[0]], embeddings[0][words[0]])
    assert bool((tokens[0, :-1][~words[0]] == padding).all())
    assert torch.equal(tokens[0, -1], conditioner.length(30.0)[0])


def test_behind_a_negative_prompt_stand_zeros(encoder: TextEncoder, conditioner: Conditioner) -> None:
    embeddings, words = encoder(["noise"])
    tokens = conditioner.negative_prompt(embeddings, words, 30.0)
    assert not tokens[0, :-1][~words[0]].any()
    assert torch.equal(tokens[0, -1], conditioner.length(30.0)[0])


def test_a_prompt_is_cut_at_the_longest(tiny: ModuleType, encoder: TextEncoder) -> None:
    _, words = encoder(["a" * 400])
    assert words.shape == (1, tiny.TEXT_TOKENS)
    assert words.all()


def test_lengths_beyond_the_training_are_its_longest(conditioner: Conditioner) -> None:
    assert torch.equal(conditioner.length(384.0), conditioner.length(9999.0))
    assert torch.equal(conditioner.length(0.0), conditioner.length(-1.0))
    assert not torch.allclose(conditioner.length(30.0), conditioner.length(31.0))


def test_a_broken_encoder_is_refused(
    tiny: ModuleType, whole_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    config = config_from_dict(tiny.config("small")).text
    source, folder = text_encoder_folder(whole_checkpoint("small"), config), tmp_path / "encoder"
    shutil.copytree(source, folder)
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if ".encoder.layers.1." in name)
    save_file({key: value for key, value in tensors.items() if key != name}, weights)
    with pytest.raises(InputError, match="lacks 1 weights"):
        TextEncoder(folder, config, CPU)
    save_file({**tensors, name: tensors[name] * torch.nan}, weights)
    with pytest.raises(InputError, match="not finite"):
        TextEncoder(folder, config, CPU)
    weights.write_bytes(weights.read_bytes()[:-50])
    with pytest.raises(InputError, match="cut short"):
        TextEncoder(folder, config, CPU)
    weights.unlink()
    with pytest.raises(InputError, match="no weights"):
        TextEncoder(folder, config, CPU)
    shutil.copy(source / "model.safetensors", weights)
    (folder / "config.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        TextEncoder(folder, config, CPU)
