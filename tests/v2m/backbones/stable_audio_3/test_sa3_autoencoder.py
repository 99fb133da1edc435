"""SAME: windows without a mask of all tokens, chunks moved by half, stretches that meet without a trace."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from v2m.backbones.stable_audio_3.attention import Window, windowed_attention
from v2m.backbones.stable_audio_3.autoencoder import Autoencoder, stretches
from v2m.backbones.stable_audio_3.config_file import config_from_dict
from v2m.backbones.stable_audio_3.weights import load_parts

HOP = 4096


@settings(max_examples=40, deadline=None)
@given(
    group=st.integers(1, 5),
    groups=st.integers(1, 9),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    batch=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_a_window_is_a_band_along_the_diagonal(
    group: int, groups: int, before: int, after: int, batch: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    q, k, v = torch.randn(3, batch, 2, group * groups, 4, generator=generator)
    ours = windowed_attention(q, k, v, Window(group, before, after))
    place = torch.arange(group * groups)
    apart = place[None, :] - place[:, None]
    band = (apart >= -before * group) & (apart <= after * group)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=band)
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-5)


@given(count=st.integers(1, 900))
def test_stretches_cover_every_latent_once_with_room_around(count: int) -> None:
    parts = list(stretches(count))
    decided = [0] * count
    for part in parts:
        assert part.stop - part.start == min(128, count)
        assert part.start <= part.kept[0] <= part.kept[1] <= part.stop
        assert part.start == 0 or part.kept[0] - part.start == 16
        for place in range(*part.kept):
            decided[place] += 1
    assert min(decided) >= 1
    assert sum(decided[: parts[-1].kept[0]]) == parts[-1].kept[0]  # only the last goes over what was done


@pytest.fixture(scope="module")
def autoencoder(tiny: ModuleType, checkpoint: Callable[[str], Path]) -> Callable[[str], Autoencoder]:
    def load(size: str) -> Autoencoder:
        config = config_from_dict(tiny.config(size))
        return load_parts(checkpoint(size) / "model.safetensors", config).autoencoder

    return load


@pytest.mark.parametrize("size", ["small", "medium"])
@torch.inference_mode()
def test_stretches_meet_without_a_trace(
    tiny: ModuleType, autoencoder: Callable[[str], Autoencoder], size: str
) -> None:
    model = autoencoder(size)
    latents = tiny.draw("latents", 150, tiny.CHANNELS)
    sound = model.decode(latents)
    assert sound.shape == (2, 150 * HOP)
    at_once = model._sound(model.decoder(model.bottleneck.decode(latents[None])))
    torch.testing.assert_close(sound, at_once, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", ["small", "medium"])
@pytest.mark.parametrize("samples", [1, HOP, HOP + 1, 3 * HOP, 6 * HOP - 1])
@torch.inference_mode()
def test_any_length_is_rounded_up_to_whole_latents(
    tiny: ModuleType, autoencoder: Callable[[str], Autoencoder], size: str, samples: int
) -> None:
    model, count = autoencoder(size), -(-samples // HOP)
    latents = model.encode(0.3 * tiny.draw("sound", 2, samples))
    assert latents.shape == (count, tiny.CHANNELS)
    assert model.decode(latents).shape == (2, count * HOP)


@torch.inference_mode()
def test_chunks_moved_by_half_carry_across_their_borders(
    tiny: ModuleType, autoencoder: Callable[[str], Autoencoder]
) -> None:
    # one chunk holds two latents; without the move nothing would pass from latent 3 to latent 4
    model = autoencoder("small")
    latents = tiny.draw("latents", 12, tiny.CHANNELS)
    nudged = latents.clone()
    nudged[5] += 1
    apart = (model.decode(latents) - model.decode(nudged)).abs().unflatten(1, (12, HOP)).amax((0, 2))
    touched = apart.gt(1e-6).nonzero().flatten().tolist()
    # its own chunk 4-5, and what shares a moved chunk with that
    assert touched == [3, 4, 5, 6]


class LargestTensor(TorchDispatchMode):
    """The size of the largest tensor that any operation makes."""

    numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, list | tuple) else [out]:
            if isinstance(value, Tensor):
                self.numbers = max(self.numbers, value.numel())
        return out


@torch.inference_mode()
def test_memory_of_the_window_grows_with_the_length_and_not_its_square(
    tiny: ModuleType, autoencoder: Callable[[str], Autoencoder]
) -> None:
    model = autoencoder("medium")
    sizes = {}
    for count in (16, 64):
        with LargestTensor() as seen:
            model.decoder(tiny.draw("latents", 1, count, tiny.CHANNELS))
        sizes[count] = seen.numbers
    assert sizes[64] <= 4.5 * sizes[16]


@pytest.mark.slow
@torch.inference_mode()
def test_memory_of_long_sound_is_that_of_its_result(
    tiny: ModuleType, autoencoder: Callable[[str], Autoencoder]
) -> None:
    model = autoencoder("small")
    largest = {}
    for count in (128, 400):
        with LargestTensor() as seen:
            model.decode(tiny.draw("latents", count, tiny.CHANNELS))
        largest[count] = seen.numbers
    assert largest[400] <= max(largest[128], 2 * 400 * HOP)


def test_the_same_latents_are_the_same_sound(
    tiny: ModuleType, autoencoder: Callable[[str], Autoencoder]
) -> None:
    # the original roughens latents where `noise_regularize` is set, and new tokens where `mask_noise` is
    values = tiny.config("small")
    parts = values["model"]["pretransform"]["config"]
    parts["bottleneck"]["config"]["noise_regularize"] = True
    parts["decoder"]["config"]["mask_noise"] = 0.1
    assert config_from_dict(values) == config_from_dict(tiny.config("small"))
    latents = tiny.draw("latents", 4, tiny.CHANNELS)
    with torch.inference_mode():
        assert torch.equal(autoencoder("small").decode(latents), autoencoder("small").decode(latents))
