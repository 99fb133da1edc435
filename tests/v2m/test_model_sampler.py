"""Sampling: what the solvers reach, what guidance means, and what never changes a result."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from v2m.errors import CancelledError, InputError, UnfinishedError
from v2m.model.conditioning import NO_TERM, Conditioning, nothing_known
from v2m.model.dit import DiT, DiTConfig
from v2m.model.noise import latent_noise
from v2m.model.sampler import EVALUATIONS, SamplerSettings, sample

CONFIG = DiTConfig(
    channel_groups=(0, 0, 0, 1, 1, 2),
    grid_channels=4,
    curve_channels=1,
    width=32,
    depth=2,
    heads=2,
    text_terms=5,
)
FRAMES = 24


def build(config: DiTConfig = CONFIG, seed: int = 0) -> DiT:
    """A model whose weights are all random: a fresh one is the zero velocity and would prove nothing."""
    torch.manual_seed(seed)
    model = DiT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.15)
    return model


def ask(batch: int = 1, *, text: bool = True, curve: bool = True) -> Conditioning:
    generator = torch.Generator().manual_seed(3)
    masked, mask = nothing_known(FRAMES, 6, 3, batch)
    terms = torch.randint(0, 5, (batch, 3), generator=generator)
    return Conditioning(
        masked,
        mask,
        torch.randn(batch, FRAMES, 4, generator=generator),
        term_ids=terms if text else torch.full_like(terms, NO_TERM),
        curve=torch.randn(batch, FRAMES, generator=generator) if curve else None,
    )


def noise(batch: int = 1) -> Tensor:
    return torch.stack([torch.from_numpy(latent_noise(i, 0, FRAMES, 6)) for i in range(batch)])


@pytest.mark.parametrize("solver", list(EVALUATIONS))
def test_same_seed_gives_same_bytes_whatever_the_batch(solver: str) -> None:
    model, settings = build(), SamplerSettings(steps=4, solver=solver, curve_scale=2.0)  # type: ignore[arg-type]
    eight = sample(model, ask(8), noise(8), settings)
    assert torch.equal(eight, sample(model, ask(8), noise(8), settings))
    for i in (0, 5):
        assert torch.equal(sample(model, ask(8).rows(i, i + 1), noise(8)[i : i + 1], settings)[0], eight[i])


@pytest.mark.slow
def test_second_order_solvers_converge_faster_than_euler() -> None:
    model = build()
    with torch.no_grad():
        # Random weights on the fastest time features make a field no solver of 16 steps can follow.
        model.time_mlp[0].weight.view(32, 2, 16)[:, :, :12] = 0

    def run(solver: str, steps: int) -> Tensor:
        return sample(model, ask(), noise(), SamplerSettings(steps, solver, text_scale=1.0))  # type: ignore[arg-type]

    truth = run("midpoint", 128)
    error = {solver: float((run(solver, 16) - truth).abs().mean()) for solver in EVALUATIONS}
    assert error["heun"] < error["euler"] / 3
    assert error["midpoint"] < error["euler"] / 3
    # First order: four times the steps, about a quarter of the error.
    finer = float((run("euler", 64) - truth).abs().mean())
    assert 0.15 < finer / error["euler"] < 0.4


def _one_step(model: DiT, conditioning: Conditioning, text: float, curve: float) -> Tensor:
    return (
        sample(model, conditioning, noise(), SamplerSettings(1, text_scale=text, curve_scale=curve)) - noise()
    )


def test_guidance_is_the_weighted_sum_of_three_branches() -> None:
    model, whole = build(), ask()
    time = torch.zeros(1)
    with torch.no_grad():
        neither = model(noise(), time, whole.without_curve().without_text())
        text = model(noise(), time, whole.without_curve())
        both = model(noise(), time, whole)
    for s_text, s_curve in ((3.0, 2.0), (1.0, 1.0), (2.0, 2.0), (0.0, 0.0), (4.0, 0.0), (1.0, 0.5)):
        expected = neither + s_text * (text - neither) + s_curve * (both - text)
        torch.testing.assert_close(_one_step(model, whole, s_text, s_curve), expected, atol=1e-5, rtol=1e-4)


def test_guidance_without_words_or_curve_leaves_their_terms_out() -> None:
    model = build()
    silent = ask(text=False)
    with torch.no_grad():
        null = model(noise(), torch.zeros(1), silent.without_curve())
        both = model(noise(), torch.zeros(1), silent)
    expected = null + 2 * (both - null)
    torch.testing.assert_close(_one_step(model, silent, 7.0, 2.0), expected, atol=1e-5, rtol=1e-4)
    plain = ask(curve=False)
    assert torch.equal(_one_step(model, plain, 3.0, 0.0), _one_step(model, plain, 3.0, 9.0))


@pytest.mark.parametrize(
    ("text", "curve", "branches"), [(1, 1, 1), (2, 2, 2), (3, 1, 3), (1, 0, 1), (0, 0, 1)]
)
def test_branches_of_no_weight_are_not_computed(text: float, curve: float, branches: int) -> None:
    model, seen = build(), []
    model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape[0]))
    sample(model, ask(), noise(), SamplerSettings(2, text_scale=text, curve_scale=curve))
    assert seen == [branches, branches]


@pytest.mark.parametrize("solver", list(EVALUATIONS))
def test_known_cells_stay_exact_and_reach_the_unknown_ones(solver: str) -> None:
    model, conditioning = build(), ask()
    known = torch.randn(1, FRAMES, 6)
    mask = torch.zeros(1, FRAMES, 3)
    mask[:, :8], mask[:, :, 1] = 1, 1
    cells = model.cell_mask(mask)
    repair = replace(conditioning, masked_latent=known * cells, mask=mask)
    settings = SamplerSettings(3, solver)  # type: ignore[arg-type]
    result = sample(model, repair, noise(), settings)
    assert torch.equal(result[cells > 0], known[cells > 0])
    free = sample(model, conditioning, noise(), settings)
    assert not torch.allclose(result[cells == 0], free[cells == 0])


def test_progress_rises_to_one_and_cancelling_stops() -> None:
    model, told = build(), []
    sample(model, ask(2), noise(2), SamplerSettings(4), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(CancelledError):
        sample(model, ask(2), noise(2), SamplerSettings(50), cancelled=cancelled)
    assert len(asked) == 3


def test_bf16_follows_float32() -> None:
    model = build()
    settings = SamplerSettings(4, text_scale=1.0)
    exact = sample(model, ask(), noise(), settings)
    rough = sample(build().to(torch.bfloat16), ask(), noise(), settings)
    assert rough.dtype == torch.float32
    assert 0 < float((rough - exact).abs().mean()) < 0.05 * float(exact.abs().mean())


def test_time_shift_changes_where_steps_are_spent() -> None:
    model = build()
    plain = sample(model, ask(), noise(), SamplerSettings(4))
    assert not torch.equal(plain, sample(model, ask(), noise(), SamplerSettings(4, time_shift=3.0)))


def test_what_cannot_be_solved_is_refused() -> None:
    for wrong in ({"steps": 0}, {"solver": "magic"}, {"text_scale": -1.0}, {"time_shift": 0.0}):
        with pytest.raises(InputError):
            SamplerSettings(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="noise"):
        sample(build(), ask(2), noise(1), SamplerSettings())
    broken = build()
    with torch.no_grad():
        broken.output.bias[0] = torch.nan
    with pytest.raises(UnfinishedError, match="not finite"):
        sample(broken, ask(), noise(), SamplerSettings(2))
