"""A training step of a model of the paper's size: time, memory, and the share of the device's peak.

    python benchmarks/training_step.py [--size paper|small|tiny] [--trained column|lora|everything]
        [--micro N] [--steps N] [--device D] [--peak-tflops X]

The network is new, its words are random embeddings and its music is noise: what a step costs does not depend
on them. Operations are counted by torch on one excerpt (a multiplication and an addition are two); a step is
worth as many forward passes as `fit` reckons with. The peak is what the device's maker says of dense bfloat16
(H100 and H200 989, A100 312 TFLOP/s); without it, what a large product of matrices reaches here and now is
the limit. Peak memory is the allocator's on CUDA, the process's elsewhere.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from v2m_training.fit.batches import Batch
from v2m_training.fit.column import NAME, EventColumn
from v2m_training.fit.config import FitConfig
from v2m_training.fit.cost import passes_of
from v2m_training.fit.team import Team
from v2m_training.fit.trainer import Trainer

from v2m.backbones.paper.config import PaperConfig
from v2m.backbones.paper.network import new_network
from v2m.backbones.sound.model import LatentGrid
from v2m.model.conditioning import Conditioning
from v2m.model.device import choose_device

SIZES = {
    "paper": PaperConfig(),
    "small": PaperConfig(width=1024, depth=12, heads=8, ff_width=4096),
    "tiny": PaperConfig(width=128, depth=2, heads=2, ff_width=512),
}
FRAMES = 394
"""32 s."""

TOKENS = 64


class NewModel:
    """A `Trainable` with random weights and no files."""

    objective = "rectified_flow"
    latent_scale = 1.0
    column = NAME
    weights_sha256 = ""

    def __init__(self, config: PaperConfig) -> None:
        self.name = "new"
        self.grid = LatentGrid(44_100, 3584, config.latent_channels, FRAMES)
        network = new_network(config)
        self._event = EventColumn(network, network.input, config.width)
        network.curve_column = None
        self.module: nn.Module = network
        self._text_width = config.text_width
        self._blocks = list(network.blocks)

    def blocks(self) -> list[nn.Module]:
        """The transformer's blocks."""
        return self._blocks

    def store_in(self, dtype: torch.dtype) -> None:
        """All but the column."""
        self.module.to(dtype)
        column = getattr(self.module, NAME)
        column.data = column.data.float()

    def conditioning(self, prompts: Sequence[str | None], seconds: Sequence[float]) -> Tensor:
        """Random embeddings."""
        return torch.randn(len(prompts), TOKENS, self._text_width)

    def velocity(self, x_t: Tensor, time: Tensor, conditioning: Tensor, curve: Tensor) -> Tensor:
        """As of a model of the paper's kind."""
        b, t, _ = x_t.shape
        text = conditioning.to(x_t.device)
        asked = Conditioning(
            masked_latent=torch.zeros_like(x_t),
            mask=torch.zeros(b, t, 1, device=x_t.device),
            grid=torch.zeros(b, t, 0, device=x_t.device),
            text=text,
            text_mask=torch.ones(text.shape[:2], dtype=torch.bool, device=x_t.device),
        )
        self._event.curve = curve
        predicted: Tensor = self.module(x_t, time, asked)
        return predicted


def batch_of(count: int, channels: int) -> Batch:
    """Excerpts of noise."""
    shape = (count, FRAMES, channels)
    return Batch(
        torch.randn(shape), torch.randn(shape), torch.rand(count), torch.randn(count, FRAMES, 1),
        ("",) * count, (32.0,) * count,
    )  # fmt: skip


def reached_peak(device: torch.device) -> float:
    """FLOP/s of a product of matrices in bfloat16, the best of five."""
    size = 8192 if device.type == "cuda" else 2048
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    best_s = float("inf")
    for _ in range(5):
        _wait(device)
        began = time.perf_counter()
        a @ a
        _wait(device)
        best_s = min(best_s, time.perf_counter() - began)
    return 2 * size**3 / best_s


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Step, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="paper")
    parser.add_argument("--trained", choices=("column", "lora", "everything"), default="everything")
    parser.add_argument("--micro", type=int, default=8, help="excerpts in one pass")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--peak-tflops", type=float, help="of the device, dense bfloat16")
    options = parser.parse_args()
    device = choose_device(options.device)
    model = NewModel(SIZES[options.size])
    config = FitConfig(
        "paper", Path(), trained=options.trained, batch_size=options.micro, precision="bfloat16",
        device=options.device, repeatable=False,
    )  # fmt: skip
    trainer = Trainer(model, config, Team(device))
    channels = model.grid.channels
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        trainer.loss(batch_of(1, channels))
    flops = counter.get_total_flops() * passes_of(config) * options.micro
    seconds = []
    for _ in range(options.steps + 2):  # the first two warm up
        batch = batch_of(options.micro, channels).to(device)
        _wait(device)
        began = time.perf_counter()
        trainer.update(batch)
        _wait(device)
        seconds.append(time.perf_counter() - began)
    step_s = statistics.median(seconds[2:])
    limit = options.peak_tflops * 1e12 if options.peak_tflops else reached_peak(device)
    source = "told" if options.peak_tflops else "a product of matrices here"
    weights = sum(p.numel() for p in model.module.parameters())
    print(f"{options.size}, {weights / 1e6:.1f} M weights, {options.trained} trained, {device.type} bfloat16")
    print(f"step of {options.micro} excerpts of 32 s: {step_s:.3f} s (median of {options.steps})")
    print(f"{options.micro * 32 / step_s:.0f} s of music a second, {flops / step_s / 1e12:.2f} TFLOP/s")
    print(f"share of peak {flops / step_s / limit:.2f} ({limit / 1e12:.2f} TFLOP/s, {source})")
    print(f"peak memory {_peak_bytes(device) / 2**30:.2f} GiB")


if __name__ == "__main__":
    main()
