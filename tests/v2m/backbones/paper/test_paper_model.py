"""The `paper` family as the rest of the library sees it: windows in, latents and sound out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from v2m.backbones.paper.config import PaperConfig
from v2m.backbones.paper.model import Paper
from v2m.backbones.paper.network import COLUMN, load_network, save_network
from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.backbones.sound.head import HeadConfig, LatentHead, Steering
from v2m.backbones.sound.model import SoundModel, SoundWindow
from v2m.errors import CancelledError, CheckpointError, InputError
from v2m.stages import never_cancel

Window = Callable[..., SoundWindow]


def composed(model: SoundModel, window: SoundWindow) -> np.ndarray:
    return model.compose(window, lambda fraction: None, never_cancel)


def test_the_grid_is_that_of_the_autoencoder(model: Paper) -> None:
    grid = model.grid
    assert (grid.sample_rate_hz, grid.hop_samples, grid.channels, grid.longest_frames) == (8_000, 28, 8, 40)


def test_a_take_does_not_depend_on_its_neighbours(model: Paper, window: Window) -> None:
    alone = composed(model, window(seeds=(5,)))[0]
    together = composed(model, window(seeds=(1, 2, 3, 4, 5, 6, 7, 8)))
    assert together.shape == (8, 20, 8)
    assert np.array_equal(together[4], alone)
    assert not np.array_equal(together[3], alone)


def test_kept_frames_are_exact_and_the_rest_is_made_anew(model: Paper, window: Window) -> None:
    old = composed(model, window(seeds=(5, 6)))
    known = np.ones(20, bool)
    known[4:9] = known[15:17] = False
    new = composed(model, window(seeds=(5, 6), prompt="loud brass", known=known, known_latents=old))
    assert np.array_equal(new[:, known], old[:, known])
    assert not np.isclose(new[:, ~known], old[:, ~known]).any()


def test_what_is_kept_is_heard_by_what_is_made(model: Paper, window: Window) -> None:
    known = np.arange(20) < 10
    one, other = (np.full((1, 20, 8), value, np.float32) for value in (0.3, -0.3))
    heard = [composed(model, window(known=known, known_latents=kept)) for kept in (one, other)]
    assert not np.allclose(heard[0][:, ~known], heard[1][:, ~known], atol=1e-3)
    hidden = np.where(known[:, None], one, 1000).astype(np.float32)
    assert np.array_equal(heard[0], composed(model, window(known=known, known_latents=hidden)))


def test_noise_belongs_to_the_programme_and_not_to_the_window(model: Paper, window: Window) -> None:
    assert not np.array_equal(composed(model, window(first_frame=0)), composed(model, window(first_frame=7)))


def test_words_curve_and_what_is_not_wanted_are_all_heard(model: Paper, window: Window) -> None:
    plain = composed(model, window())
    for other in (
        window(prompt="techno"),
        window(negative_prompt="a long list of what nobody wants"),
        window(curve=np.zeros(20, np.float32)),
        window(adherence=0.0),
        window(adherence=1.0),
        window(text_scale=1.0),
    ):
        assert not np.allclose(composed(model, other), plain, atol=1e-3)


def test_leading_away_from_the_same_words_is_the_plain_model(model: Paper, window: Window) -> None:
    plain = composed(model, window(text_scale=1.0, adherence=0.0))
    same = composed(model, window(text_scale=6.0, adherence=0.0, negative_prompt=window().prompt))
    assert np.allclose(plain, same, atol=1e-5)


def test_a_window_longer_than_the_model_knows_is_refused(model: Paper, window: Window) -> None:
    with pytest.raises(InputError, match="41 frames"):
        composed(model, window(frame_count=41, curve=np.zeros(41, np.float32)))


def test_it_can_be_stopped_before_any_step_and_tells_how_far_it_is(model: Paper, window: Window) -> None:
    told: list[float] = []

    def stop() -> None:
        if told and told[-1] >= 0.5:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        model.compose(window(steps=8), told.append, stop)
    assert told == sorted(told)
    assert 0.5 <= told[-1] < 0.7
    told.clear()
    model.compose(window(), told.append, never_cancel)
    assert told[-1] == 1


def test_memory_is_given_back_and_taken_again(folder: Path, window: Window) -> None:
    model = Paper(folder, name="paper", device="cpu", dtype="float32")
    before, needed = composed(model, window()), model.needed_bytes(20, 1)
    model.unload()
    assert model.needed_bytes(20, 1) > needed
    assert np.array_equal(composed(model, window()), before)


def test_sound_comes_out_as_long_as_its_latents_and_goes_back(model: Paper) -> None:
    latents = np.random.default_rng(0).normal(size=(9, 8)).astype(np.float32)
    sound = model.decode(latents)
    assert sound.shape == (9 * 28, 2)
    assert model.encode(sound).shape == (9, 8)
    assert model.encode(sound[:-27]).shape == (9, 8)


def test_a_new_column_of_zeros_changes_nothing(tiny_paper: ModuleType, folder: Path, tmp_path: Path,
                                               window: Window) -> None:  # fmt: skip
    config = replace(tiny_paper.CONFIG, curve_channels=0)
    text_only = tiny_paper.write(tmp_path / "text" / "paper", config=config)
    base = Paper(text_only, name="paper", device="cpu", dtype="float32")
    path = tmp_path / "events.safetensors"
    for column in (np.zeros(32), np.random.default_rng(0).normal(size=32)):
        save_adapter(path, EventAdapter(column.astype(np.float32), base.base_sha256, base.grid.rate_hz))
        told = Paper(text_only, name="paper", device="cpu", dtype="float32", adapter=path)
        same = [
            np.array_equal(composed(told, window(adherence=a)), composed(base, window()))
            for a in (0.2, 0.5, 1.0)
        ]
        assert same == [not column.any()] * 3
        assert told.weights_sha256 != base.weights_sha256


@pytest.mark.slow
def test_a_trained_column_is_worth_its_adapter(
    tiny_paper: ModuleType, tmp_path: Path, window: Window
) -> None:
    """The column in the model's own file, and in an adapter beside a file with zeros, are one model."""
    whole = tiny_paper.write(tmp_path / "whole" / "paper")
    network = load_network(whole, tiny_paper.CONFIG)
    column = network.state_dict()[COLUMN].clone()
    bare = tiny_paper.write(tmp_path / "bare" / "paper")
    with torch.no_grad():
        network.state_dict()[COLUMN].zero_()
    save_network(bare, tiny_paper.CONFIG, network, torch.float32)
    base = Paper(bare, name="paper", device="cpu", dtype="float32")
    path = tmp_path / "events.safetensors"
    save_adapter(path, EventAdapter(column[0].numpy(), base.base_sha256, base.grid.rate_hz))
    by_adapter = Paper(bare, name="paper", device="cpu", dtype="float32", adapter=path)
    by_file = Paper(whole, name="paper", device="cpu", dtype="float32")
    assert np.allclose(composed(by_adapter, window()), composed(by_file, window()), atol=1e-5)


def test_an_adapter_for_another_model_is_refused(folder: Path, model: Paper, tmp_path: Path,
                                                 window: Window) -> None:  # fmt: skip
    path = tmp_path / "events.safetensors"
    for column, base, words in (
        (np.zeros((32, 2)), model.base_sha256, "takes one frame at a time"),
        (np.zeros(16), model.base_sha256, "32 wide"),
        (np.zeros(32), "0" * 64, "trained on weights"),
    ):
        save_adapter(path, EventAdapter(column.astype(np.float32), base, model.grid.rate_hz))
        with pytest.raises(CheckpointError, match=words):
            composed(Paper(folder, name="paper", device="cpu", dtype="float32", adapter=path), window())


def test_the_full_size_is_the_papers() -> None:
    from v2m.model.dit import DiT

    with torch.device("meta"):
        network = DiT(PaperConfig().network)
    assert (len(network.blocks), network.config.width, network.config.ff_width) == (16, 2048, 8192)
    assert network.curve_column is not None
    assert network.curve_column.numel() == 2048  # what the paper adds
    assert PaperConfig().steps == 96
    count = sum(parameter.numel() for parameter in network.parameters())
    assert 1.0e9 < count < 1.8e9


@pytest.mark.parametrize("seed", [0, 1])
def test_a_latent_head_leads_it_to_a_curve(seed: int, model: Paper, window: Window) -> None:
    torch.manual_seed(seed)
    head = LatentHead(HeadConfig(model.grid.channels, width=16, depth=2, level_features=8))
    curve = torch.sin(torch.arange(float(20)))

    def error(strength: float) -> float:
        asked = window(steps=10, seeds=(5, 6), steering=Steering(head, curve, strength))
        heard = head(torch.from_numpy(composed(model, asked)), torch.zeros(2))
        return (heard - curve).square().mean().item()

    assert error(0.2) < 0.9 * error(0.0)
    alone = composed(model, window(seeds=(6,), steering=Steering(head, curve)))
    both = composed(model, window(seeds=(5, 6), steering=Steering(head, curve)))
    assert np.array_equal(alone[0], both[1])
