"""From noise to latents: the spread of the steps, guidance by words and by the curve, takes apart."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from v2m.backbones.stable_audio_3.config import Objective, ShiftConfig
from v2m.backbones.stable_audio_3.config_file import config_from_dict
from v2m.backbones.stable_audio_3.sampler import Guidance, Prompted, sample
from v2m.backbones.stable_audio_3.schedule import noise_levels
from v2m.backbones.stable_audio_3.transformer import (
    Condition,
    DiffusionTransformer,
    log_snr_told,
    without_repeats,
)
from v2m.backbones.stable_audio_3.weights import load_parts
from v2m.errors import CancelledError, InputError, UnfinishedError
from v2m.stages import never_cancel

FRAMES = 24


@given(steps=st.integers(1, 100))
def test_steps_are_equal_in_the_log_of_signal_to_noise(steps: int) -> None:
    levels = noise_levels(steps, ShiftConfig(), 345)
    assert (levels[0], levels[-1], len(levels)) == (1.0, 0.0, steps + 1)
    for i, level in enumerate(levels[1:-1].tolist(), start=1):
        even = 1 - i / steps
        assert math.log((1 - level) / level) == pytest.approx(2 - 8.2 * even, abs=1e-3)


def test_the_published_spread_does_not_look_at_the_length_and_others_do() -> None:
    assert torch.equal(noise_levels(8, ShiftConfig(), 10), noise_levels(8, ShiftConfig(), 4000))
    for kind in ("logsnr", "flux", "full"):
        options = {"alpha_max": 6.0} if kind == "flux" else {}
        shift = ShiftConfig(kind, options)  # type: ignore[arg-type]
        short, long = noise_levels(8, shift, 300), noise_levels(8, shift, 4000)
        assert bool((long[1:-1] > short[1:-1]).all())  # the longer, the more is decided among the noise
        assert bool((long.diff() < 0).all())


def test_a_spread_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="sigma_data"):
        noise_levels(8, ShiftConfig("flux", {"sigma_data": 1.0}), 100)
    for steps in (0, 1001):
        with pytest.raises(InputError, match=str(steps)):
            noise_levels(steps, ShiftConfig(), 100)


def test_the_noise_level_by_its_log() -> None:
    told = log_snr_told(torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(told, torch.tensor([0.0, 5 / 17, 1.0]))


class Asked:
    """A tiny transformer with something to tell it."""

    def __init__(self, tiny: ModuleType, folder: Path, takes: int = 1) -> None:
        self.config = config_from_dict(tiny.config("medium"))
        self.model: DiffusionTransformer = load_parts(folder / "model.safetensors", self.config).transformer
        self.noise: Tensor = tiny.draw("x", 8, FRAMES, tiny.CHANNELS)[:takes]
        self.column: Tensor = tiny.draw("column", tiny.WIDTH)
        self.curve: Tensor = tiny.draw("curve", FRAMES)
        self.fresh: Tensor = tiny.draw("fresh", 8, 8, FRAMES, tiny.CHANNELS)[:, :takes]
        self.prompted = Prompted(
            tiny.draw("words", 1, 13, tiny.TEXT_WIDTH),
            None,
            tiny.draw("length", 1, tiny.TEXT_WIDTH),
            torch.zeros(1, 1, tiny.CHANNELS + 1),
            None,
        )

    def with_curve(self, scale: float = 1.0) -> Prompted:
        return replace(self.prompted, event=(self.curve[:, None] * self.column * scale)[None])

    def __call__(
        self,
        prompted: Prompted,
        guidance: Guidance,
        objective: Objective = "rectified_flow",
        report: Callable[[float], None] = lambda fraction: None,
        cancel: Callable[[], None] = never_cancel,
    ) -> Tensor:
        with torch.inference_mode():
            levels = noise_levels(4, ShiftConfig(), FRAMES)
            return sample(
                self.model, objective, prompted, self.noise, levels, guidance,
                lambda step, takes: self.fresh[step][takes], report, cancel,
            )  # fmt: skip


@pytest.fixture
def asked(tiny: ModuleType, checkpoint: Callable[[str], Path]) -> Asked:
    return Asked(tiny, checkpoint("medium"))


@pytest.mark.parametrize("objective", ["rectified_flow", "rf_denoiser"])
@pytest.mark.parametrize("text_scale", [1.0, 5.0])
@pytest.mark.parametrize("adherence", [0.0, 0.3, 0.5, 1.0])
def test_a_column_of_zeros_changes_nothing(
    asked: Asked, objective: Objective, text_scale: float, adherence: float
) -> None:
    guidance = Guidance(text_scale, adherence)
    base = asked(asked.prompted, guidance, objective)
    silent = asked(asked.with_curve(0), guidance, objective)
    apart = (silent - base).abs().max()
    # at 0.5 the branches are the base's own; elsewhere a third is computed, equal to the second
    assert apart == 0.0 if adherence in (0.0, 0.5) else apart <= 1e-5
    assert (asked(asked.with_curve(), guidance, objective) - base).abs().max() > 0.01 or adherence == 0


def test_the_column_adds_what_another_input_channel_would(asked: Asked) -> None:
    model, prompted = asked.model, asked.with_curve()
    with torch.inference_mode():
        level = model.levels(torch.tensor([0.5]), prompted.length)
        condition = Condition(prompted.words, 1, prompted.length, prompted.local, prompted.event)
        ours = model(asked.noise, level, model.told(condition, FRAMES))
        told = model.told(replace(condition, event=None), FRAMES)
        projection = model.transformer.project_in
        channels = model.preprocess_conv(asked.noise.mT).mT + asked.noise
        wider = torch.cat((projection.weight, asked.column[:, None]), dim=1)
        joined = torch.cat((channels, asked.curve[None, :, None]), dim=-1)
        model.transformer.project_in = torch.nn.Identity()
        model.preprocess_conv = torch.nn.Conv1d(1, 1, 1)
        x = model.transformer(torch.nn.functional.linear(joined, wider), level, told, never_cancel)
        theirs = model.postprocess_conv(x.mT).mT + x
        model.transformer.project_in = projection
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "apart"), [(torch.float32, 1e-6), (torch.bfloat16, 0.03)])
def test_a_token_that_counts_nine_times_is_nine_tokens(
    asked: Asked, dtype: torch.dtype, apart: float
) -> None:
    words = asked.prompted.words
    filled = torch.cat((words[:, :3], words[:, 3:4].expand(-1, 9, -1), words[:, -1:]), dim=1)
    layer = deepcopy(asked.model.transformer.layers[0].cross_attn).to(dtype)
    with torch.inference_mode():
        once, often = without_repeats(filled)
        assert often is not None
        assert often.tolist() == [1, 1, 1, 9, 1]
        both = [asked.model.to_cond_embed(each).to(dtype) for each in (filled, once)]
        x = torch.randn(1, 20, asked.config.transformer.width).to(dtype)
        every = layer(x, layer.keys_values(both[0]))
        weighted = layer(x, layer.keys_values(both[1], often))
        unweighted = layer(x, layer.keys_values(both[1]))
    torch.testing.assert_close(weighted, every, atol=apart, rtol=apart)
    assert (unweighted - every).abs().max() > 2 * apart


def test_words_that_differ_in_any_row_all_stay() -> None:
    words = torch.zeros(2, 4, 3)
    words[1, 2] = 1.0
    once, often = without_repeats(words)
    assert often is not None
    assert often.tolist() == [2, 1, 1]
    assert torch.equal(once, words[:, [0, 2, 3]])
    words[0, 1] = 1.0
    assert without_repeats(words) == (words, None)


def test_adherence_scales_what_the_curve_changes(asked: Asked) -> None:
    plain = asked(asked.prompted, Guidance(1.0), "rectified_flow")
    apart = [
        float((asked(asked.with_curve(0.2), Guidance(1.0, adherence)) - plain).norm())
        for adherence in (0.0, 0.25, 0.5, 1.0)
    ]
    assert apart[0] == 0
    assert apart == sorted(apart)
    assert apart[3] > 1.5 * apart[2]


def test_rows_without_words_are_those_that_hear_zeros(asked: Asked) -> None:
    model, prompted = asked.model, asked.prompted
    noise = asked.noise.expand(2, -1, -1)
    with torch.inference_mode():
        level = model.levels(torch.tensor([0.5]), prompted.length)
        skipped = Condition(prompted.words, 1, prompted.length, prompted.local)
        silence = torch.cat((prompted.words, torch.zeros_like(prompted.words)))
        attended = Condition(silence, 2, prompted.length, prompted.local)
        ours, theirs = (model(noise, level, model.told(c, FRAMES)) for c in (skipped, attended))
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)
    assert (ours[0] - ours[1]).abs().max() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["rectified_flow", "rf_denoiser"])
def test_a_take_alone_is_the_take_among_eight(
    tiny: ModuleType, checkpoint: Callable[[str], Path], objective: Objective
) -> None:
    many = Asked(tiny, checkpoint("medium"), takes=8)
    guidance = Guidance(3.0, 0.8)
    batch = many(many.with_curve(), guidance, objective)
    known = replace(many.with_curve(), local=tiny.known_regions(8, FRAMES))
    inpainted = many(known, guidance, objective)
    for i in (0, 5):
        alone = Asked(tiny, checkpoint("medium"))
        alone.noise, alone.fresh = many.noise[i : i + 1], many.fresh[:, i : i + 1]
        assert torch.equal(alone(alone.with_curve(), guidance, objective)[0], batch[i])
        told = replace(known, local=known.local[i : i + 1])
        assert torch.equal(alone(told, guidance, objective)[0], inpainted[i])


def test_fresh_noise_is_that_of_the_step(asked: Asked) -> None:
    first = asked(asked.prompted, Guidance(), "rf_denoiser")
    asked.fresh = asked.fresh.clone()
    asked.fresh[3:] += 1  # after the last step of four nothing is added
    assert torch.equal(asked(asked.prompted, Guidance(), "rf_denoiser"), first)
    asked.fresh[1] += 1
    assert not torch.equal(asked(asked.prompted, Guidance(), "rf_denoiser"), first)


def test_it_reports_and_stops_between_steps(asked: Asked) -> None:
    reports: list[float] = []
    asked(asked.prompted, Guidance(), report=reports.append)
    assert reports == pytest.approx([0.25, 0.5, 0.75, 1.0])

    def cancel() -> None:
        if len(reports) > 5:
            raise CancelledError("Stop.")

    with pytest.raises(CancelledError):
        asked(asked.prompted, Guidance(), report=reports.append, cancel=cancel)
    assert len(reports) == 6


def test_it_can_be_stopped_between_layers(asked: Asked) -> None:
    times: list[int] = []
    asked(asked.prompted, Guidance(), cancel=lambda: times.append(1))
    assert len(times) == 4 * asked.config.transformer.depth


def test_numbers_that_are_not_finite_are_not_handed_on(asked: Asked) -> None:
    asked.noise = asked.noise * 1e38
    with pytest.raises(UnfinishedError, match="finite"):
        asked(asked.prompted, Guidance(50.0))
