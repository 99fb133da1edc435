"""How fast a pretrained model of sound composes beside its official code: Stable Audio 3, medium's shape.

    python benchmarks/sound_speed.py --official FOLDER [--device cuda]

FOLDER holds the checkout of Stability-AI/stable-audio-3, as for `parity.py`. Both run the same random weights
on the same noise and words, from noise to latents, in turns; the ratio is of the medians. The words are as
the official conditioner gives them: a prompt of 48 tokens, filled up to 256 with one learned token, and the
length. On a CPU the shape is scaled down (`--width`, `--depth`) and processor seconds are counted, which
other load stretches little; on CUDA it is full size. The first lines compare the codes in equal number
formats; in `as used` each has the one that it chooses on this machine: the official code float32 on a CPU
and float16 on CUDA, ours bfloat16 where the processor has it. In `compiled` ours is also compiled layer by
layer, where this machine has a compiler. Exits with 1 where a line before that misses the bar.

Also printed is the share of the machine's peak: floating-point operations that the model needs, a second,
beside the fastest large matrix product that this machine does in that number format.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))
from parities.stable_audio_3 import Official

from v2m.backbones.sound.arithmetic import Arithmetic
from v2m.backbones.stable_audio_3.config import AttentionConfig, Objective, ShiftConfig, TransformerConfig
from v2m.backbones.stable_audio_3.sampler import Guidance, Prompted, sample
from v2m.backbones.stable_audio_3.schedule import noise_levels
from v2m.backbones.stable_audio_3.transformer import DiffusionTransformer
from v2m.errors import MissingPartError
from v2m.model.device import choose_device, fast_dtype
from v2m.stages import never_cancel

LATENT_RATE_HZ = 44100 / 4096
HEADROOM_FRAMES = 64
PROMPT_TOKENS = 48
"""Of a prompt of some 35 words."""

TEXT_TOKENS = 256
"""To which a prompt is filled up; one more says the length."""

BAR = 1.3
COMPILED = "compiled"


@dataclass(frozen=True)
class Job:
    """What is composed."""

    name: str
    objective: Objective
    steps: int
    text_scale: float


JOBS = (
    Job("post-trained, 8 steps", "rf_denoiser", 8, 1.0),
    Job("base, guided, {steps} steps", "rectified_flow", 0, 7.0),
)


def shape(width: int, depth: int) -> TransformerConfig:
    """Medium's, with another width or depth."""
    return TransformerConfig(
        channels=256,
        width=width,
        depth=depth,
        heads=width // 64,
        text_width=768,
        project_text=True,
        global_width=768,
        project_global=True,
        local_width=257,
        memory_tokens=64,
        norm="rms_norm",
        norm_eps=1e-5,
        attention=AttentionConfig("rms", 1e-6, differential=True),
        feed_forward_ratio=4,
        feed_forward_bias=True,
        time_features=256,
        time_in_log_snr=False,
    )


def random_weights(model: nn.Module, seed: int = 0) -> None:
    """Fill a model with numbers of the size that training leaves."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        scale = max(parameter[0].numel(), 1) ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator) * scale)


def official_model(
    code: Official, config: TransformerConfig, job: Job, weights: dict[str, Tensor]
) -> nn.Module:
    """The same model in the official code."""
    model = code.diffusion.DiTWrapper(
        diffusion_objective=job.objective,
        io_channels=config.channels,
        embed_dim=config.width,
        depth=config.depth,
        num_heads=config.heads,
        cond_token_dim=config.text_width,
        global_cond_dim=config.global_width,
        local_add_cond_dim=config.local_width,
        num_memory_tokens=config.memory_tokens,
        global_cond_type="adaLN",
        timestep_features_type="expo",
        norm_type="rms_norm",
        norm_kwargs={"force_fp32": True},
        attn_kwargs={"qk_norm": "rms", "differential": config.attention.differential},
    )
    rates = {name: value for name, value in model.model.state_dict().items() if name.endswith("inv_freq")}
    model.model.load_state_dict({**rates, **weights})
    return model.eval().requires_grad_(False)


class Bench:
    """Both codes with the same weights, noise and words."""

    def __init__(
        self, code: Official, config: TransformerConfig, job: Job, frames: int, device: torch.device
    ) -> None:
        self.code, self.job, self.device, self.frames = code, job, device, frames
        self.plain = DiffusionTransformer(config).eval().requires_grad_(False)
        random_weights(self.plain)
        self.ours = self.plain
        self.theirs = official_model(code, config, job, self.plain.state_dict())
        generator = torch.Generator().manual_seed(1)
        self.noise = torch.randn(1, frames, config.channels, generator=generator).to(device)
        told = torch.randn(1, PROMPT_TOKENS + 2, config.text_width, generator=generator).to(device)
        prompt, fill, seconds = told.split([PROMPT_TOKENS, 1, 1], dim=1)
        self.words = torch.cat([prompt, fill.expand(-1, TEXT_TOKENS - PROMPT_TOKENS, -1), seconds], dim=1)
        self.length = torch.randn(1, config.global_width, generator=generator).to(device)
        self.local = torch.zeros(1, 1, config.local_width, device=device)

    def choose(self, ours: torch.dtype, theirs: torch.dtype, *, compiled: bool = False) -> None:
        """The number formats of both, and whether ours is compiled."""
        self.ours = copy.deepcopy(self.plain).to(self.device, ours)
        Arithmetic(self.device, ours, compiled).make_fast(self.ours.transformer.layers)
        self.theirs.to(self.device, theirs)

    def run_ours(self) -> Tensor:
        """From noise to latents."""
        return sample(
            self.ours,
            self.job.objective,
            Prompted(self.words, None, self.length, self.local, None),
            self.noise,
            noise_levels(self.job.steps, ShiftConfig(), self.frames),
            Guidance(self.job.text_scale),
            lambda step, takes: self.noise,
            lambda fraction: None,
            never_cancel,
        )

    def run_theirs(self) -> Tensor:
        """From noise to latents."""
        kind = next(self.theirs.parameters()).dtype
        told = {
            "cross_attn_cond": self.words,
            "global_cond": self.length,
            "local_add_cond": self.local.expand(1, self.frames, -1).mT,
        }
        shift = self.code.shift
        done: Tensor = self.code.sampling.sample_diffusion(
            self.theirs,
            self.noise.mT.to(kind),
            {name: value.to(kind) for name, value in told.items()},
            self.job.objective,
            self.job.steps,
            cfg_scale=self.job.text_scale,
            dist_shift=shift,
            rescale_cfg=True,
            disable_tqdm=True,
            decode=False,
        )
        return done.mT.float()

    def apart(self) -> float:
        """Largest difference between both; ping-pong adds the same noise for once."""
        drawn, torch.randn_like = torch.randn_like, lambda x: self.noise.mT.to(x.dtype)  # type: ignore[assignment]
        try:
            return float((self.run_ours() - self.run_theirs()).abs().max())
        finally:
            torch.randn_like = drawn

    @cached_property
    def operations(self) -> int:
        """Floating-point operations of one run of ours."""
        chosen, self.ours = self.ours, self.plain.to(self.device)  # whose products the counter knows
        with FlopCounterMode(display=False) as counter:
            self.run_ours()
        self.ours = chosen
        return int(counter.get_total_flops())


def timed(run: Callable[[], Any], device: torch.device) -> float:
    """Seconds of a run: of the processor on a CPU, of the wall on another device."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    began = clock()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - began


def peak_operations(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of a large matrix product."""
    size = 8192 if device.type == "cuda" else 1536
    a = torch.randn(size, size, device=device, dtype=dtype)
    timed(lambda: a @ a, device)
    return 2 * size**3 / min(timed(lambda: a @ a, device) for _ in range(5))


def compare(
    bench: Bench,
    rounds: int,
    ours_format: torch.dtype,
    theirs_format: torch.dtype,
    note: str,
) -> float:
    """Run both in turns and print a line; returns the ratio."""
    bench.choose(ours_format, theirs_format, compiled=note == COMPILED)
    apart = bench.apart()  # warms both up
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(rounds):
        seconds["theirs"].append(timed(bench.run_theirs, bench.device))
        seconds["ours"].append(timed(bench.run_ours, bench.device))
    ours, theirs = (statistics.median(seconds[name]) for name in ("ours", "theirs"))
    share = bench.operations / ours / peak_operations(bench.device, ours_format)
    formats = " and ".join(str(kind).removeprefix("torch.") for kind in (theirs_format, ours_format))
    name = bench.job.name.format(steps=bench.job.steps)
    print(
        f"{name:28} {note:8} {formats:22} {theirs:8.3f} s {ours:8.3f} s {theirs / ours:6.2f} x "
        f"{share:6.1%} of peak  apart {apart:.0e}",
        flush=True,
    )
    return theirs / ours


def main() -> int:
    """Print the table; fails where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="folder of official checkouts")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--width", type=int, help="1536 is medium's; 512 by default on a CPU")
    parser.add_argument("--depth", type=int, help="24 is medium's; 2 by default on a CPU")
    parser.add_argument("--seconds", type=float, default=32.0)
    parser.add_argument("--steps", type=int, help="of the guided base; 96 by default on CUDA, 2 on a CPU")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    on_gpu = device.type == "cuda"
    torch.set_num_threads(arguments.threads)
    config = shape(arguments.width or (1536 if on_gpu else 512), arguments.depth or (24 if on_gpu else 2))
    frames = round(arguments.seconds * LATENT_RATE_HZ) + HEADROOM_FRAMES
    code = Official(arguments.official)
    on = f"{device}, {arguments.threads} threads"
    print(f"{config.depth} layers of {config.width}, {frames} frames on {on}: theirs, ours")
    worst = float("inf")
    with torch.inference_mode():
        for job in JOBS:
            steps = job.steps or arguments.steps or (96 if on_gpu else 2)
            bench = Bench(code, config, Job(job.name, job.objective, steps, job.text_scale), frames, device)
            fast, used = fast_dtype(device), torch.float16 if on_gpu else torch.float32
            formats = [(kind, kind, "equal") for kind in dict.fromkeys((used, fast))]
            for ours, theirs, note in (*formats, (fast, used, "as used")):
                worst = min(worst, compare(bench, arguments.rounds, ours, theirs, note))
            try:
                compare(bench, arguments.rounds, fast, used, COMPILED)
            except MissingPartError as error:
                print(error)
    return int(worst < BAR)


if __name__ == "__main__":
    sys.exit(main())
