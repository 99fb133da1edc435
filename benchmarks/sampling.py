"""Seconds to compose a 60 s programme with the embedded model, and the share of the machine's peak used.

Run: `python benchmarks/sampling.py [--threads N]`. The peak is the best rate of one large matrix product in
the same number format, measured in the same run; the model's work is counted from its shape.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from v2m_training.config import ModelConfig
from v2m_training.train import model_config

from v2m.model.conditioning import Conditioning, nothing_known
from v2m.model.device import choose_device, fast_dtype
from v2m.model.dit import DiT, DiTConfig, add_curve_channel, parameter_count
from v2m.model.sampler import EVALUATIONS, SamplerSettings, sample

FRAMES = 512  # 64 s of sixteenths at 120 BPM
TERMS = 6
PEAK_SIZE = 2048  # large enough that a product runs at the machine's best rate


def main() -> None:
    """Print a line for each way of sampling."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    model = add_curve_channel(DiT(model_config(ModelConfig()))).eval().to(device)
    config = model.config
    print(
        f"device {device}, {arguments.threads} threads, fast format {fast_dtype(device)}, "
        f"{parameter_count(model) / 1e6:.2f} M parameters, {FRAMES} frames"
    )
    print("format     solver   steps  branches  takes  seconds  GFLOP/s  of peak")
    for dtype in (torch.float32, torch.bfloat16):
        model = model.to(dtype)
        for solver, steps, takes, scales in cases():
            settings = SamplerSettings(steps, solver, *scales)  # type: ignore[arg-type]
            peak = peak_rate(device, dtype)  # anew for each line: other load on the machine comes and goes
            seconds = best_of(2, lambda: sample_once(model, takes, settings, device))  # noqa: B023
            branches = 1 if scales == (1.0, 1.0) else 3
            evaluations = takes * branches * (steps * EVALUATIONS[solver] - (solver == "heun"))  # type: ignore[index]
            rate = evaluations * forward_flops(config, FRAMES) / seconds
            print(
                f"{str(dtype).removeprefix('torch.'):9}  {solver:7}  {steps:5}  {branches:8}  {takes:5}  "
                f"{seconds:7.2f}  {rate / 1e9:7.0f}  {rate / peak:7.0%}",
                flush=True,
            )


def cases() -> list[tuple[str, int, int, tuple[float, float]]]:
    """Solver, steps, takes and guidance scales of each line."""
    guided, plain = (3.0, 2.0), (1.0, 1.0)
    lines = [("euler", steps, 1, guided) for steps in (8, 16, 32)]
    lines += [("heun", steps, 1, guided) for steps in (8, 16)]
    return [*lines, ("euler", 16, 1, plain), ("euler", 16, 4, guided)]


def sample_once(model: DiT, takes: int, settings: SamplerSettings, device: torch.device) -> None:
    """Compose a batch of takes from noise."""
    config = model.config
    masked, mask = nothing_known(FRAMES, config.latent_channels, config.mask_groups, takes)
    conditioning = Conditioning(
        masked,
        mask,
        torch.randn(takes, FRAMES, config.grid_channels),
        term_ids=torch.randint(0, config.text_terms, (takes, TERMS)),
        curve=torch.randn(takes, FRAMES),
    ).to(device)
    sample(model, conditioning, torch.randn_like(conditioning.masked_latent), settings)


def forward_flops(config: DiTConfig, frames: int) -> float:
    """Floating-point operations of one pass over one item: its matrix products over frames."""
    d = config.width
    block = 4 * d * d + 2 * d * d + 3 * d * config.ff_width  # self-attention, cross-attention, feed-forward
    inputs = 2 * config.latent_channels + config.mask_groups + config.grid_channels
    weights = config.depth * block + (inputs + config.latent_channels) * d
    attention = config.depth * 2 * frames * d  # scores and their use
    return 2.0 * frames * (weights + attention)


def peak_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large product."""
    a = torch.randn(PEAK_SIZE, PEAK_SIZE, device=device).to(dtype)
    torch.matmul(a, a)
    return 2 * PEAK_SIZE**3 / best_of(5, lambda: torch.matmul(a, a).sum().item())


def best_of(count: int, work: Callable[[], object]) -> float:
    """The least seconds of several runs."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
