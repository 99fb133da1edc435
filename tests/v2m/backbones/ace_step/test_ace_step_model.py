"""ACE-Step as the rest of the library sees it: windows in, latents and sound out."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from v2m.backbones.ace_step.model import AceStep
from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.backbones.sound.head import HeadConfig, LatentHead, Steering
from v2m.backbones.sound.model import SoundModel, SoundWindow
from v2m.errors import CancelledError, CheckpointError, InputError
from v2m.stages import never_cancel

Window = Callable[..., SoundWindow]


def composed(model: SoundModel, window: SoundWindow) -> np.ndarray:
    return model.compose(window, lambda fraction: None, never_cancel)


def test_the_grid_is_known_without_the_weights(turbo_folder: Path, tmp_path: Path) -> None:
    grid = AceStep(turbo_folder, name="ace-step-turbo").grid
    assert (grid.sample_rate_hz, grid.hop_samples, grid.channels) == (48_000, 1920, 64)
    assert grid.rate_hz == 25
    assert grid.longest_frames == 600 * 25


def test_each_variant_takes_its_own_steps(turbo: AceStep, base: AceStep, base_folder: Path) -> None:
    assert turbo.default_steps == 8
    assert base.default_steps == 32
    assert AceStep(base_folder, name="ace-step-sft").default_steps == 50


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["turbo", "base"])
def test_a_take_does_not_depend_on_its_neighbours(
    variant: str, request: pytest.FixtureRequest, window: Window
) -> None:
    model = request.getfixturevalue(variant)
    alone = [composed(model, window(seeds=(seed,)))[0] for seed in (5, 6)]
    together = composed(model, window(seeds=(1, 2, 5, 6, 7, 8, 9, 10)))
    assert together.shape == (8, 21, 64)
    assert np.array_equal(together[2], alone[0])
    assert np.array_equal(together[3], alone[1])
    assert not np.array_equal(alone[0], alone[1])


def test_both_layouts_of_files_are_the_same_model(
    tiny_ace: ModuleType, tmp_path: Path, turbo: AceStep, window: Window
) -> None:
    folder = tiny_ace.write_diffusers(tmp_path / "ace-step-turbo")
    other = AceStep(folder, name="ace-step-turbo", device="cpu", dtype="float32")
    assert other.is_turbo
    assert other.grid == turbo.grid
    # one file's numbers lie otherwise in memory than the other's, by which products of one row round
    assert np.allclose(composed(other, window()), composed(turbo, window()), atol=1e-5)


def test_shared_parts_may_lie_beside_the_model(copied: Path, turbo: AceStep, window: Window) -> None:
    parts = copied.parent / "ace-step-parts"
    parts.mkdir()
    for name in ("vae", "Qwen3-Embedding-0.6B"):
        (copied / name).rename(parts / name)
    other = AceStep(copied, name="ace-step-turbo", device="cpu", dtype="float32")
    assert np.array_equal(composed(other, window()), composed(turbo, window()))
    assert other.weights_sha256 == turbo.weights_sha256


def test_kept_frames_are_exact_and_the_rest_fits_the_words(base: AceStep, window: Window) -> None:
    old = composed(base, window(seeds=(5, 6)))
    known = np.ones(21, bool)
    known[4:9] = known[15:17] = False
    new = composed(base, window(seeds=(5, 6), prompt="loud brass", known=known, known_latents=old))
    assert np.array_equal(new[:, known], old[:, known])
    assert not np.isclose(new[:, ~known], old[:, ~known]).any()


def test_what_lies_under_the_mask_is_never_looked_at(turbo: AceStep, window: Window) -> None:
    old = composed(turbo, window())
    known = np.arange(21) < 10
    hidden = np.where(known[:, None], old, 1000).astype(np.float32)
    first = composed(turbo, window(known=known, known_latents=old))
    assert np.array_equal(first, composed(turbo, window(known=known, known_latents=hidden)))


def test_noise_belongs_to_the_programme_and_not_to_the_window(turbo: AceStep, window: Window) -> None:
    assert not np.array_equal(composed(turbo, window(first_frame=0)), composed(turbo, window(first_frame=7)))


def test_a_window_longer_than_the_model_knows_is_refused(turbo: AceStep, window: Window) -> None:
    with pytest.raises(InputError, match=r"15001 frames.*600 s"):
        composed(turbo, window(frame_count=15_001, curve=np.zeros(15_001, np.float32)))


def test_words_count_and_what_is_not_wanted_counts_where_there_is_guidance(
    turbo: AceStep, base: AceStep, window: Window
) -> None:
    for model in (turbo, base):
        assert not np.allclose(composed(model, window()), composed(model, window(prompt="techno")))
    unwanted = window(negative_prompt="a very long list of what nobody wants to hear")
    assert not np.allclose(composed(base, window()), composed(base, unwanted))
    assert np.array_equal(composed(turbo, window()), composed(turbo, unwanted))


def test_leading_away_from_the_same_words_is_the_plain_model(base: AceStep, window: Window) -> None:
    plain = composed(base, window(text_scale=1.0))
    same = composed(base, window(text_scale=9.0, negative_prompt=window().prompt))
    assert np.allclose(plain, same, atol=1e-5)
    assert not np.allclose(plain, composed(base, window(text_scale=9.0)), atol=1e-2)


def test_it_can_be_stopped_before_any_step_and_tells_how_far_it_is(turbo: AceStep, window: Window) -> None:
    told: list[float] = []

    def stop() -> None:
        if told and told[-1] >= 0.5:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        turbo.compose(window(steps=6, seeds=(1, 2)), told.append, stop)
    assert told == sorted(told)
    assert 0.5 <= told[-1] < 0.7
    told.clear()
    turbo.compose(window(), told.append, never_cancel)
    assert told[-1] == 1


@pytest.mark.slow
def test_memory_is_given_back_and_taken_again(turbo_folder: Path, window: Window) -> None:
    model = AceStep(turbo_folder, name="ace-step-turbo", device="cpu", dtype="float32")
    before = composed(model, window())
    gc.collect()  # what other tests left lying
    kinds = ("AceStepTransformer1DModel", "AceStepConditionEncoder", "Qwen3Model")
    held = [weakref.ref(thing) for thing in gc.get_objects() if type(thing).__name__ in kinds]
    alive = len(held)
    needed = model.needed_bytes(21, 1)
    model.unload()
    gc.collect()
    assert sum(thing() is not None for thing in held) == alive - 3
    assert model.needed_bytes(21, 1) > needed
    assert np.array_equal(composed(model, window()), before)


def test_sound_comes_out_as_long_as_its_latents_and_goes_back(turbo: AceStep) -> None:
    sound = turbo.decode(np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32))
    assert sound.shape == (3 * 1920, 2)
    assert sound.dtype == np.float32
    back = turbo.encode(sound[:-1900])
    assert back.shape == (3, 64)
    assert np.array_equal(turbo.encode(sound[:-1900]), back)


@pytest.fixture
def adapter(base: AceStep, tmp_path: Path) -> Callable[..., Path]:
    def made(column: np.ndarray, **other: object) -> Path:
        fields = {"base_sha256": base.base_sha256, "latent_rate_hz": base.grid.rate_hz, **other}
        path = tmp_path / "events.safetensors"
        save_adapter(path, EventAdapter(column=column.astype(np.float32), **fields))  # type: ignore[arg-type]
        return path

    return made


def with_adapter(folder: Path, path: Path) -> AceStep:
    return AceStep(folder, name="ace-step", device="cpu", dtype="float32", adapter=path)


@pytest.mark.parametrize("adherence", [0.2, 0.5, 1.0])
def test_an_adapter_of_zeros_changes_nothing(
    adherence: float, base: AceStep, base_folder: Path, adapter: Callable[..., Path], window: Window
) -> None:
    curve = np.random.default_rng(1).normal(size=21).astype(np.float32)
    told = with_adapter(base_folder, adapter(np.zeros((32, 2))))
    plain = composed(base, window(curve=curve))
    assert np.array_equal(composed(told, window(curve=curve, adherence=adherence)), plain)
    assert told.weights_sha256 != base.weights_sha256


def test_an_adapter_is_heard_as_far_as_adherence_says(
    base: AceStep, base_folder: Path, adapter: Callable[..., Path], window: Window
) -> None:
    rng = np.random.default_rng(2)
    curve = rng.normal(size=21).astype(np.float32)
    told = with_adapter(base_folder, adapter(rng.normal(size=(32, 2))))
    plain = composed(base, window(curve=curve))
    far = [
        np.abs(composed(told, window(curve=curve, adherence=adherence)) - plain).mean()
        for adherence in (0.0, 0.1, 0.5)
    ]
    assert far[0] == 0
    assert 0 < far[1] < far[2]
    flat = composed(told, window(adherence=0.5))
    assert np.abs(flat - plain).max() <= 1e-5  # no events, nothing said


def test_an_adapter_for_another_model_is_refused(
    base_folder: Path, adapter: Callable[..., Path], window: Window
) -> None:
    with pytest.raises(CheckpointError, match="takes 2 frames at once"):
        composed(with_adapter(base_folder, adapter(np.zeros(32))), window())
    with pytest.raises(CheckpointError, match="trained on weights"):
        composed(with_adapter(base_folder, adapter(np.zeros((32, 2)), base_sha256="0" * 64)), window())


def test_the_hook_is_one_more_input_channel(
    base_folder: Path, adapter: Callable[..., Path], window: Window
) -> None:
    column = np.random.default_rng(3).normal(size=(32, 2)).astype(np.float32)
    told = with_adapter(base_folder, adapter(column))
    projection = torch.nn.Conv1d(193, 32, 2, stride=2)
    frames = torch.randn(1, 193, 20)
    seen = []
    told.compose(window(), seen.append, never_cancel)
    ask = told._loaded.ask  # type: ignore[union-attr]
    layer = ask._network.proj_in_conv
    with torch.no_grad():
        projection.weight[:, :192], projection.bias[:] = layer.weight, layer.bias
        projection.weight[:, 192] = torch.from_numpy(column)
        ask._curve = frames[:, 192]
        assert torch.allclose(layer(frames[:, :192]), projection(frames), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_latent_head_leads_it_to_a_curve(seed: int, turbo: AceStep, window: Window) -> None:
    torch.manual_seed(seed)
    head = LatentHead(HeadConfig(turbo.grid.channels, width=16, depth=2, level_features=8))
    curve = torch.sin(torch.arange(float(21)))

    def error(strength: float) -> float:
        asked = window(steps=10, seeds=(5, 6), steering=Steering(head, curve, strength))
        heard = head(torch.from_numpy(composed(turbo, asked)), torch.zeros(2))
        return (heard - curve).square().mean().item()

    assert error(0.2) < 0.9 * error(0.0)
    alone = composed(turbo, window(seeds=(6,), steering=Steering(head, curve)))
    both = composed(turbo, window(seeds=(5, 6), steering=Steering(head, curve)))
    assert np.array_equal(alone[0], both[1])
