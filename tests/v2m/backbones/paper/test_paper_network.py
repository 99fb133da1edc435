"""New networks can be trained as they are, and what is written is what is read."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests.tiny_models.oobleck import new_oobleck
from v2m.backbones.paper.config import PaperConfig, config_text, paper_autoencoder, read_paper_config
from v2m.backbones.paper.model import Paper
from v2m.backbones.paper.network import COLUMN, load_network, new_network, save_network
from v2m.backbones.sound import oobleck
from v2m.backbones.sound.model import SoundWindow
from v2m.backbones.sound.oobleck_folder import Oobleck, OobleckConfig
from v2m.errors import CheckpointError, MissingPartError
from v2m.model.conditioning import Conditioning, join
from v2m.model.dit import DiT
from v2m.model.flow import flow_loss, interpolate
from v2m.stages import never_cancel

SMALL = PaperConfig(width=32, depth=2, heads=2, ff_width=64, latent_channels=8, text_width=16)


def conditioning(batch: int = 3, frames: int = 12) -> Conditioning:
    torch.manual_seed(1)
    return Conditioning(
        masked_latent=torch.zeros(batch, frames, 8),
        mask=torch.zeros(batch, frames, 1),
        grid=torch.zeros(batch, frames, 0),
        text=torch.randn(batch, 5, 16),
        text_mask=torch.ones(batch, 5, dtype=torch.bool),
        curve=torch.randn(batch, frames),
    )


def loss_of(network: DiT) -> torch.Tensor:
    torch.manual_seed(2)
    data, noise, time = torch.randn(3, 12, 8), torch.randn(3, 12, 8), torch.rand(3)
    predicted = network(interpolate(noise, data, time), time, conditioning())
    return flow_loss(predicted, noise, data, torch.zeros(3, 12, 8))


def test_a_new_network_learns() -> None:
    network = new_network(SMALL)
    first = loss_of(network).item()
    steps = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(20):
        steps.zero_grad()
        loss_of(network).backward()
        steps.step()
    assert loss_of(network).item() < 0.5 * first
    column = network.state_dict()[COLUMN]
    assert column.shape == (1, 32)
    assert bool(column.any())


def test_computing_blocks_again_changes_no_gradient(tiny_paper: ModuleType) -> None:
    gradients = []
    for checkpointing in (False, True):
        network = tiny_paper.lively(new_network(SMALL, checkpointing=checkpointing))
        assert network.training
        loss_of(network).backward()
        gradients.append({name: value.grad for name, value in network.named_parameters()})
    assert all(value is not None for value in gradients[0].values())
    assert all(torch.equal(value, gradients[1][name]) for name, value in gradients[0].items())


def test_a_row_without_words_may_cost_less_and_says_the_same(tiny_paper: ModuleType) -> None:
    network = tiny_paper.lively(new_network(SMALL)).eval()
    asked = conditioning(3)
    wordless = join([asked.rows(0, 1).without_text(), asked.rows(1, 3)])
    x, time = torch.randn(3, 12, 8), torch.tensor([0.2, 0.5, 0.9])
    with torch.no_grad():
        told = network.told(wordless)
        plain = network(x, time, wordless, told)
        assert torch.allclose(network(x, time, wordless, told, wordless_rows=1), plain, atol=1e-5)
        assert not torch.allclose(network(x, time, wordless, told, wordless_rows=2), plain, atol=1e-3)


def test_a_seed_is_a_network_and_leaves_other_random_numbers_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    first, again, other = new_network(SMALL, 3), new_network(SMALL, 3), new_network(SMALL, 4)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first.input.weight, again.input.weight)
    assert not torch.equal(first.input.weight, other.input.weight)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_written_is_read(dtype: torch.dtype, tiny_paper: ModuleType, tmp_path: Path) -> None:
    network = tiny_paper.lively(new_network(SMALL)).eval()
    save_network(tmp_path, SMALL, network, dtype)
    assert read_paper_config(tmp_path) == SMALL
    found = load_network(tmp_path, SMALL)
    stored = network.to(dtype).state_dict()
    assert all(torch.equal(value, stored[name]) for name, value in found.state_dict().items())
    asked, x = conditioning(1), torch.randn(1, 12, 8)
    with torch.no_grad():
        expected = network.float()(x, torch.tensor([0.3]), asked)
        assert torch.allclose(found.float()(x, torch.tensor([0.3]), asked), expected, atol=1e-5)


def test_a_network_of_another_shape_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="another shape"):
        save_network(tmp_path, PaperConfig(), new_network(SMALL))


@given(
    width=st.integers(1, 32).map(lambda n: 64 * n),
    ff_width=st.integers(1, 300).map(lambda n: 32 * n),
)
def test_the_feed_forward_is_as_wide_as_asked(width: int, ff_width: int) -> None:
    assert PaperConfig(width=width, heads=width // 64, ff_width=ff_width).network.ff_width == ff_width


@pytest.mark.parametrize(
    "said",
    [
        {"depht": 3},
        {"width": 2.5},
        {"width": True},
        {"depth": 0},
        {"ff_width": 100},
        {"latent_scale": 0},
        {"steps": -1},
        {"width": "2048"},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(said: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(said))
    with pytest.raises(CheckpointError):
        read_paper_config(tmp_path)


def test_what_is_left_out_is_the_papers(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"_note": "mine", "depth": 4}')
    found = read_paper_config(tmp_path)
    assert found.depth == 4
    assert all(
        getattr(found, f.name) == getattr(PaperConfig(), f.name) for f in fields(found) if f.name != "depth"
    )
    (tmp_path / "config.json").write_text(config_text(found))
    assert read_paper_config(tmp_path) == found


def test_the_papers_latents_come_at_12_3_hz() -> None:
    shape = paper_autoencoder()
    assert shape.hop_samples == 7 * 512
    assert round(shape.sampling_rate / shape.hop_samples, 1) == 12.3
    assert round(32 * shape.sampling_rate / shape.hop_samples) == PaperConfig().longest_frames


@pytest.mark.parametrize("strides", [(2, 7), (7, 2), (3, 5), (2, 4), (7,)])
def test_any_strides_give_back_every_sample_in_its_place(strides: tuple[int, ...], tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = OobleckConfig(8, strides, (1,) * len(strides), 4, 4, 2, 8_000)
    new_oobleck(config).save_pretrained(tmp_path)
    ours = Oobleck(tmp_path, torch.device("cpu"))
    hop = config.hop_samples
    latents = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
    sound = ours.decode(latents)
    assert sound.shape == (120 * hop, 2)
    assert ours.encode(sound).shape == (120, 4)
    # what one frame changes lies around its own samples, no further than a piece is given on either side
    pushed = latents.copy()
    pushed[60] += 1
    changed = np.flatnonzero((ours.decode(pushed) != sound).any(axis=1))
    before, after = 60 * hop - changed[0], changed[-1] + 1 - 61 * hop
    assert min(before, after) > 0
    assert max(before, after) <= config.shape.decoding_margin * hop


def test_sound_is_worked_on_in_pieces_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    config = OobleckConfig(8, (4, 7), (1, 2), 4, 4, 2, 8_000)
    monkeypatch.setattr(oobleck, "TILE_SAMPLES", 20 * config.hop_samples)
    network = new_oobleck(config).eval()
    network.save_pretrained(tmp_path)
    ours = Oobleck(tmp_path, torch.device("cpu"))
    latents = torch.randn(1, 4, 70)
    with torch.no_grad():
        whole = network.decode(latents).sample
        back = network.encode(whole).latent_dist.mode()
    assert np.allclose(ours.decode(latents[0].T.numpy()), whole[0].T, atol=1e-6)
    assert np.allclose(ours.encode(whole[0].T.numpy()), back[0].T, atol=1e-6)


def changed(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def drop_a_key(folder: Path) -> None:
    changed(folder / "model.safetensors", lambda tensors: tensors.pop("output.weight"))


def put_a_nan(folder: Path) -> None:
    changed(folder / "model.safetensors", lambda tensors: tensors["output.bias"].fill_(np.nan))


def cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def make_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x80\x04" + bytes(100))


def say_another_width(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "width": 64}))


def say_odd_heads(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "heads": 5}))


def change_the_channels(folder: Path) -> None:
    path = folder / "autoencoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "decoder_input_channels": 4}))


def change_the_kind(folder: Path) -> None:
    path = folder / "autoencoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "_class_name": "AutoencoderDC"}))


def say_odd_words(folder: Path) -> None:
    path = folder / "text_encoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "query_pre_attn_scalar": -1}))


def say_layers_without_end(folder: Path) -> None:
    path = folder / "text_encoder" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_hidden_layers": 10**12}))


def lose_the_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (drop_a_key, "output.weight"),
        (put_a_nan, "not finite"),
        (cut_short, "damaged|cut short"),
        (make_a_pickle, "pickle"),
        (say_another_width, "shape"),
        (say_odd_heads, "describes no model"),
        (change_the_channels, "4 channels"),
        (change_the_kind, "AutoencoderDC"),
        (say_odd_words, "cannot compute as its configuration says"),
        (say_layers_without_end, "beyond any model"),
        (lose_the_weights, "no model.safetensors"),
    ],
)
def test_a_broken_folder_is_refused(
    harm: Callable[[Path], None], words: str, copied: Path, window: Callable[..., SoundWindow]
) -> None:
    harm(copied)
    with pytest.raises(CheckpointError, match=words):
        Paper(copied, name="paper", device="cpu").compose(window(steps=1), lambda x: None, never_cancel)


def test_the_text_encoder_may_be_the_shared_one(
    copied: Path, model: Paper, window: Callable[..., SoundWindow]
) -> None:
    (copied / "text_encoder").rename(copied.parent / "gemma-3-4b-it")
    other = Paper(copied, name="paper", device="cpu", dtype="float32")
    found = other.compose(window(), lambda x: None, never_cancel)
    assert np.array_equal(found, model.compose(window(), lambda x: None, never_cancel))
    (copied.parent / "gemma-3-4b-it" / "config.json").unlink()
    with pytest.raises(MissingPartError, match="gemma-3-4b-it") as caught:
        Paper(copied, name="paper", device="cpu").compose(window(), lambda x: None, never_cancel)
    assert "v2m models add" in caught.value.hint
