"""A head learns to hear a curve in noisy latents, and steers a sampler towards a wished one."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from v2m.backbones.sound.head import (
    HeadConfig,
    LatentHead,
    Steering,
    StoredHead,
    head_loss,
    is_head,
    load_head,
    save_head,
)
from v2m.backbones.sound.model import LatentGrid
from v2m.errors import InputError

CHANNELS, FRAMES = 6, 48


def music(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents (b, t, c) of which channel 2 is the curve, with others at random."""
    curve = torch.randn((count, FRAMES), generator=generator)
    curve = torch.nn.functional.avg_pool1d(curve[:, None], 5, 1, 2)[:, 0]
    curve = (curve - curve.mean(1, keepdim=True)) / curve.std(1, keepdim=True)
    latents = torch.randn((count, FRAMES, CHANNELS), generator=generator)
    latents[:, :, 2] = curve
    return latents, curve


@pytest.fixture(scope="module")
def head() -> LatentHead:
    """Trained for a second."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    head = LatentHead(HeadConfig(CHANNELS, width=16, depth=2, level_features=8))
    optimizer = torch.optim.AdamW(head.parameters(), 1e-2)
    for _ in range(150):
        latents, curve = music(8, generator)
        level = torch.rand(8, generator=generator)
        noise = torch.randn(latents.shape, generator=generator)
        noisy = (1 - level[:, None, None]) * latents + level[:, None, None] * noise
        optimizer.zero_grad()
        head_loss(head, noisy, level, curve).backward()
        optimizer.step()
    return head.eval()


def correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one, other]))[0, 1])


def composed(steering: Steering | None, takes: int = 2) -> torch.Tensor:
    """Euler steps of a model whose music is noise of unit variance: its best guess of it is known."""
    x = torch.randn((takes, FRAMES, CHANNELS), generator=torch.Generator().manual_seed(5))
    levels = torch.linspace(1, 0, 21).tolist()
    with torch.inference_mode():
        for here, there in pairwise(levels):
            keep = (1 - here) / ((1 - here) ** 2 + here**2)
            velocity = (x - keep * x) / here
            if steering is not None:
                velocity = steering.velocity(x, velocity, here)
            x = x + (there - here) * velocity
    return x


def test_what_is_composed_follows_the_wished_curve(head: LatentHead) -> None:
    wished = music(1, torch.Generator().manual_seed(9))[1][0]
    plain, steered = composed(None), composed(Steering(head, wished))
    for take in range(2):
        before, after = (correlation(each[take, :, 2], wished) for each in (plain, steered))
        assert after > before + 0.3
        assert after > 0.5
    alone = composed(Steering(head, wished), takes=2)
    torch.testing.assert_close(alone, steered, rtol=0, atol=0)


def test_takes_do_not_see_each_other(head: LatentHead) -> None:
    wished = torch.linspace(-1, 1, FRAMES)
    steering = Steering(head, wished)
    noisy = torch.randn((3, FRAMES, CHANNELS), generator=torch.Generator().manual_seed(3))
    together = steering.data(noisy, noisy, 0.8)
    for take in range(3):
        alone = steering.data(noisy[take : take + 1], noisy[take : take + 1], 0.8)
        torch.testing.assert_close(together[take : take + 1], alone)


def test_outside_of_its_levels_nothing_is_steered(head: LatentHead) -> None:
    steering = Steering(head, torch.zeros(FRAMES), levels=(0.4, 0.9))
    x = torch.ones(1, FRAMES, CHANNELS)
    assert steering.data(x, x, 0.3) is x
    assert steering.data(x, x, 0.95) is x
    assert steering.velocity(x, x, 0.2) is x
    assert steering.velocity(x, x, 0.5) is not x


def test_frames_beyond_the_curve_are_hardly_moved(head: LatentHead) -> None:
    x = torch.randn((1, FRAMES, CHANNELS), generator=torch.Generator().manual_seed(3))
    moved = (Steering(head, torch.zeros(10)).data(x, x, 0.8) - x).abs().sum(2)[0]
    assert moved[:10].min() > 0
    assert float(moved[20:].max()) == 0  # farther than the head looks


def test_what_is_saved_comes_back(head: LatentHead, tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    save_head(path, StoredHead(head, Fraction(44100, 4096), {"kernel_s": 0.7}))
    back = load_head(path)
    assert is_head(path)
    assert (back.latent_rate_hz, back.recipe) == (Fraction(44100, 4096), {"kernel_s": 0.7})
    x, level = torch.ones(1, FRAMES, CHANNELS), torch.tensor([0.5])
    torch.testing.assert_close(back.head(x, level), head(x, level))
    back.check(path, LatentGrid(44100, 4096, CHANNELS, 100))
    with pytest.raises(InputError, match="7 at"):
        back.check(path, LatentGrid(44100, 4096, 7, 100))


def test_other_files_are_no_heads(head: LatentHead, tmp_path: Path) -> None:
    whole = tmp_path / "head.safetensors"
    save_head(whole, StoredHead(head, Fraction(10)))
    content = whole.read_bytes()
    other = tmp_path / "other.safetensors"
    save_file({"enter.weight": torch.zeros(2)}, other)
    assert not is_head(other)
    with pytest.raises(InputError, match="no latent head"):
        load_head(other)
    assert not is_head(tmp_path / "absent")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(content[:-20])
    with pytest.raises(InputError, match="damaged"):
        load_head(cut)
    wide = tmp_path / "wide.safetensors"
    wide.write_bytes(content.replace(b'\\"width\\": 16', b'\\"width\\": 17'))
    with pytest.raises(InputError, match="expected"):
        load_head(wide)
