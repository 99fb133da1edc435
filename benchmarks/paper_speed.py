"""How fast a `paper` model composes beside a plain pipeline of diffusers of the same shape.

    python benchmarks/paper_speed.py [--device cuda] [--width 512 --depth 3 --steps 8]

The peer is `StableAudioDiTModel` of diffusers with as many layers of the same width, heads and feed-forward,
run as the pipeline around it runs: words filled up to the longest prompt, guided branches in one batch, words
projected at every step. Random weights; 32 s of music, guidance by words and curve as one; from noise to
latents, in turns, and the ratio is of the medians. On a CPU the shape is scaled down and processor seconds
are counted, which other load does not stretch; on CUDA it is the full size (`--width 2048 --depth 16
--steps 96`). The first lines compare in equal number formats; `as it runs` has each as it comes: ours in
the format that is fast on the processor, the peer in float32 on a CPU and in float16 on CUDA. In `compiled`
ours is also compiled block by block, where this machine has a compiler.

Also printed is the share of the machine's peak: operations that the model needs, a second, beside the
fastest large matrix product that this machine does in that number format. Exits with 1 where a line before
`compiled` misses the bar.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from diffusers import StableAudioDiTModel
from diffusers.models.embeddings import get_1d_rotary_pos_embed
from torch import Tensor

from v2m.backbones.paper.config import PaperConfig
from v2m.backbones.paper.network import new_network
from v2m.backbones.sound.arithmetic import Arithmetic
from v2m.errors import MissingPartError
from v2m.model.conditioning import Conditioning
from v2m.model.device import choose_device, fast_dtype
from v2m.model.dit import DiT
from v2m.model.flow import time_grid
from v2m.model.sampler import SamplerSettings, sample

BAR = 1.3
COMPILED = "compiled"
PROMPT_TOKENS = 48
"""Of a prompt of some 35 words; the peer fills it up to `PaperConfig.text_tokens`."""

TEXT_SCALE = 5.0
PEAK_SIZE = {"cuda": 8192, "cpu": 2048}
"""Large enough that a product runs at the machine's best rate."""


def main() -> int:
    """Print a line for each pair of number formats."""
    arguments = parsed()
    device = choose_device(arguments.device)
    torch.set_num_threads(arguments.threads)
    full = device.type == "cuda"
    config = PaperConfig(
        width=arguments.width or (2048 if full else 512),
        depth=arguments.depth or (16 if full else 3),
        heads=(arguments.width or (2048 if full else 512)) // 128,
        ff_width=4 * (arguments.width or (2048 if full else 512)),
    )
    steps = arguments.steps or (96 if full else 8)
    bench = Bench(config, steps, device)
    half = torch.bfloat16
    print(
        f"{device}, {config.depth} x {config.width} x {config.ff_width}, {config.longest_frames} frames, "
        f"{steps} steps, {bench.operations() / 1e12:.2f} TFLOP a take, {arguments.threads} threads"
    )
    print(f"{'':12} {'ours':>9} {'diffusers':>10} {'ratio':>6} {'of peak':>8}")
    fast, used = fast_dtype(device), torch.float16 if full else torch.float32
    lines = (
        ("float32", torch.float32, torch.float32),
        ("bfloat16", half, half),
        ("as it runs", fast, used),
    )
    worst = min(bench.line(name, ours, theirs, arguments.runs) for name, ours, theirs in lines)
    try:
        bench.line(COMPILED, fast, used, arguments.runs)
    except MissingPartError as error:
        print(error)
    return int(worst < BAR)


def parsed() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu")
    for name in ("width", "depth", "steps"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


class Bench:
    """Both models, and what they are asked for."""

    def __init__(self, config: PaperConfig, steps: int, device: torch.device) -> None:
        self.config, self.steps, self.device = config, steps, device
        self.plain: DiT = new_network(config).eval().requires_grad_(False)
        for parameter in self.plain.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
        self.ours = self.plain
        self.theirs = peer(config)
        generator = torch.Generator().manual_seed(1)
        shape = (1, config.longest_frames, config.latent_channels)
        self.noise = torch.randn(shape, generator=generator).to(device)
        self.curve = torch.randn(shape[:2], generator=generator).to(device)
        self.words = torch.randn(1, PROMPT_TOKENS, config.text_width, generator=generator).to(device)

    def line(self, name: str, ours: torch.dtype, theirs: torch.dtype, runs: int) -> float:
        """Print a pair; returns the ratio."""
        self.ours = copy.deepcopy(self.plain).to(self.device, ours)
        Arithmetic(self.device, ours, compiled=name == COMPILED).make_fast(self.ours.blocks)
        torch.nn.Module.to(self.theirs, self.device, theirs)  # past the method of diffusers, which warns
        seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
        for run in range(runs + 1):  # the first warms up
            for who, work in (("ours", self.run_ours), ("theirs", self.run_theirs)):
                took = self.clocked(work)
                if run:
                    seconds[who].append(took)
        mine, other = (statistics.median(seconds[who]) for who in ("ours", "theirs"))
        peak = peak_rate(self.device, ours, self.clocked)
        share = self.operations() / mine / peak
        print(f"{name:12} {mine:8.2f}s {other:9.2f}s {other / mine:6.2f} {share:8.0%}", flush=True)
        return other / mine

    def run_ours(self) -> Tensor:
        """From noise to latents."""
        empty = torch.zeros_like(self.noise)
        asked = Conditioning(
            masked_latent=empty,
            mask=empty[..., :1],
            grid=empty[..., :0],
            text=self.words,
            text_mask=torch.ones(self.words.shape[:2], dtype=torch.bool, device=self.device),
            curve=self.curve,
        )
        settings = SamplerSettings(self.steps, "euler", TEXT_SCALE, TEXT_SCALE)
        return sample(self.ours, asked, self.noise, settings)

    @torch.no_grad()
    def run_theirs(self) -> Tensor:
        """The same by the loop of a diffusers pipeline, for a model of velocities."""
        dtype = self.theirs.dtype
        fill = self.config.text_tokens - PROMPT_TOKENS
        words = torch.nn.functional.pad(self.words, (0, 0, 0, fill)).to(dtype)
        words = torch.cat([torch.zeros_like(words), words])
        length = torch.zeros(2, 1, self.config.width, device=self.device, dtype=dtype)
        positions = self.config.longest_frames + 1  # one more for the length before the frames
        turn = get_1d_rotary_pos_embed(64, positions, use_real=True, repeat_interleave_real=False)
        turn = tuple(part.to(self.device) for part in turn)
        x = self.noise.transpose(1, 2).to(dtype)
        times = time_grid(self.steps).tolist()
        for start, end in pairwise(times):
            found = self.theirs(
                torch.cat([x, x]),
                torch.full((2,), start, device=self.device, dtype=dtype),
                encoder_hidden_states=words,
                global_hidden_states=length,
                rotary_embedding=turn,
                return_dict=False,
            )[0]
            nothing, text = found.chunk(2)
            x = x + (end - start) * (nothing + TEXT_SCALE * (text - nothing))
        return x

    def clocked(self, work: Callable[[], object]) -> float:
        """Seconds of the device's work: of the processor on a CPU, of the wall on another device."""
        clock = time.process_time if self.device.type == "cpu" else time.perf_counter
        self._wait()
        start = clock()
        work()
        self._wait()
        return clock() - start

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def operations(self) -> float:
        """That a take needs: matrix products and attention of two branches, words projected once."""
        d, frames = self.config.width, self.config.longest_frames
        block = 6 * d * d + 3 * d * self.config.ff_width  # self-attention, query and out across, feed-forward
        attention = 2 * d * (frames + PROMPT_TOKENS)
        a_pass = 2 * frames * self.config.depth * (block + attention)
        words = 2 * PROMPT_TOKENS * self.config.depth * 2 * d * d
        return 2.0 * (self.steps * a_pass + words)


def peer(config: PaperConfig) -> Any:  # noqa: ANN401 - a module of diffusers
    """The model of diffusers of the same shape, its feed-forward gated and four times as wide as well."""
    torch.manual_seed(0)
    heads = config.heads
    return (
        StableAudioDiTModel(
            sample_size=config.longest_frames,
            in_channels=config.latent_channels,
            num_layers=config.depth,
            attention_head_dim=config.width // heads,
            num_attention_heads=heads,
            num_key_value_attention_heads=heads,
            out_channels=config.latent_channels,
            cross_attention_dim=config.width,
            cross_attention_input_dim=config.text_width,
            global_states_input_dim=config.width,
        )
        .eval()
        .requires_grad_(False)
    )


def peak_rate(
    device: torch.device, dtype: torch.dtype, clocked: Callable[[Callable[[], object]], float]
) -> float:
    """Operations a second of a large product, the best of several."""
    size = PEAK_SIZE.get(device.type, 2048)
    a = torch.randn(size, size, device=device).to(dtype)
    return 2 * size**3 / min(clocked(lambda: torch.matmul(a, a)) for _ in range(5))


if __name__ == "__main__":
    raise SystemExit(main())
