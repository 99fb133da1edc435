"""The transformer: its conditioning reaches the output, nulls are nulls, a grown model is the same."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from v2m.errors import InputError
from v2m.model.conditioning import NO_TERM, Conditioning, join
from v2m.model.dit import DiT, DiTConfig, add_curve_channel, parameter_count

CONFIG = DiTConfig(channel_groups=(0, 0, 1, 1, 2), grid_channels=3, width=32, depth=2, heads=2, text_terms=7)


def build(config: DiTConfig = CONFIG) -> DiT:
    torch.manual_seed(1)
    model = DiT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2)
    return model


def ask(batch: int = 2, frames: int = 12, terms: int = 3) -> Conditioning:
    torch.manual_seed(2)
    return Conditioning(
        torch.randn(batch, frames, 5),
        torch.randint(0, 2, (batch, frames, 3)).float(),
        torch.randn(batch, frames, 3),
        term_ids=torch.randint(0, 7, (batch, terms)),
    )


def run(model: DiT, conditioning: Conditioning, time: float = 0.4) -> Tensor:
    torch.manual_seed(3)
    x = torch.randn_like(conditioning.masked_latent)
    with torch.no_grad():
        return model(x, torch.full((x.shape[0],), time), conditioning)  # type: ignore[no-any-return]


def test_a_fresh_model_is_the_zero_velocity() -> None:
    assert torch.equal(run(DiT(CONFIG), ask()), torch.zeros(2, 12, 5))


@pytest.mark.parametrize("frames_per_token", [1, 4])
def test_every_input_reaches_the_output(frames_per_token: int) -> None:
    model = add_curve_channel(build(replace(CONFIG, frames_per_token=frames_per_token)))
    whole = replace(ask(), curve=torch.randn(2, 12))
    with torch.no_grad():
        assert model.curve_column is not None
        model.curve_column.normal_()
    before = run(model, whole)
    changed = {
        "masked_latent": whole.masked_latent + 0.1,
        "mask": 1 - whole.mask,
        "grid": whole.grid + 0.1,
        "term_ids": (whole.term_ids + 1) % 7,  # type: ignore[operator]
        "curve": whole.curve + 0.1,  # type: ignore[operator]
    }
    for name, value in changed.items():
        assert not torch.allclose(run(model, replace(whole, **{name: value})), before), name
    assert not torch.allclose(run(model, whole, time=0.5), before)


def test_each_frame_of_a_token_is_told_apart() -> None:
    model, whole = build(replace(CONFIG, frames_per_token=4)), ask(1)
    before = run(model, whole)
    assert before.shape == (1, 12, 5)
    outcomes = []
    for frame in range(4, 8):
        grid = whole.grid.clone()
        grid[:, frame] += 1
        outcomes.append(run(model, replace(whole, grid=grid)))
    assert all(not torch.allclose(outcome, before) for outcome in outcomes)
    assert not torch.allclose(outcomes[0], outcomes[1])
    with pytest.raises(InputError, match="multiple of 4"):
        run(model, ask(frames=10))


def test_the_data_foretold_is_where_the_velocity_leads() -> None:
    model, whole = DiT(replace(CONFIG, predicts_data=1)).eval(), ask(1)  # a fresh one foretells zeros
    x = torch.randn(1, 12, 5)
    for time in (0.0, 0.4, 0.9):
        velocity = model(x, torch.tensor([time]), whole)
        torch.testing.assert_close(x + (1 - time) * velocity, torch.zeros_like(x), atol=1e-5, rtol=0)
    assert bool(model(x, torch.tensor([1.0]), whole).isfinite().all())


def test_attention_sees_far_and_knows_the_order_of_frames() -> None:
    model, whole = build(), ask(1)
    later = whole.grid.clone()
    later[:, -1] += 1
    moved = run(model, replace(whole, grid=later)) - run(model, whole)
    assert float(moved[:, 0].abs().max()) > 0
    flipped = Conditioning(
        *(v.flip(1) for v in (whole.masked_latent, whole.mask, whole.grid)), whole.term_ids
    )
    x = torch.randn(1, 12, 5)
    with torch.no_grad():
        forwards = model(x, torch.tensor([0.3]), whole)
        backwards = model(x.flip(1), torch.tensor([0.3]), flipped)
    assert not torch.allclose(forwards, backwards.flip(1), atol=1e-4)


def test_padding_terms_changes_nothing_and_no_terms_is_the_null_text() -> None:
    model, whole = build(), ask()
    assert whole.term_ids is not None
    padded = replace(whole, term_ids=torch.cat([whole.term_ids, torch.full((2, 4), NO_TERM)], dim=1))
    torch.testing.assert_close(run(model, padded), run(model, whole), atol=1e-5, rtol=1e-5)
    null = run(model, whole.without_text())
    assert bool(torch.isfinite(null).all())
    torch.testing.assert_close(null, run(model, replace(whole, term_ids=None)), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(null, run(model, whole))


def test_terms_are_a_set() -> None:
    whole = ask()
    assert whole.term_ids is not None
    torch.testing.assert_close(
        run(build(), replace(whole, term_ids=whole.term_ids.flip(1))),
        run(build(), whole),
        atol=1e-5,
        rtol=1e-5,
    )


def test_embeddings_of_an_outside_encoder_condition_too() -> None:
    model = build(replace(CONFIG, text_terms=0, text_width=10))
    whole = replace(
        ask(), term_ids=None, text=torch.randn(2, 6, 10), text_mask=torch.ones(2, 6, dtype=torch.bool)
    )
    assert not torch.allclose(run(model, whole), run(model, whole.without_text()))


@settings(max_examples=10)
@given(st.integers(1, 3), st.integers(1, 40), st.floats(-5, 5))
def test_a_grown_model_is_its_base_bit_for_bit(batch: int, frames: int, level: float) -> None:
    base, conditioning = build(), ask(batch, frames)
    grown = add_curve_channel(base)
    curve = level * torch.randn(batch, frames)
    assert torch.equal(run(grown, replace(conditioning, curve=curve)), run(base, conditioning))
    half = (model.to(torch.bfloat16) for model in (grown, base))
    assert torch.equal(run(next(half), replace(conditioning, curve=curve)), run(next(half), conditioning))


def test_growing_adds_one_column_and_it_learns() -> None:
    base = build()
    grown = add_curve_channel(base)
    assert parameter_count(grown) - parameter_count(base) == CONFIG.width
    whole = replace(ask(), curve=torch.randn(2, 12))
    out = grown(torch.randn(2, 12, 5), torch.tensor([0.1, 0.9]), whole)
    out.square().mean().backward()
    assert grown.curve_column is not None
    assert grown.curve_column.grad is not None
    assert bool((grown.curve_column.grad != 0).any())
    with pytest.raises(InputError, match="already"):
        add_curve_channel(grown)


def test_a_null_curve_is_no_curve() -> None:
    model, whole = add_curve_channel(build()), replace(ask(), curve=torch.randn(2, 12))
    with torch.no_grad():
        assert model.curve_column is not None
        model.curve_column.normal_()
    assert torch.equal(run(model, whole.without_curve()), run(model, replace(whole, curve=None)))


def test_text_computed_once_gives_the_same_velocity() -> None:
    model, whole = build(), ask()
    x, time = torch.randn(2, 12, 5), torch.tensor([0.2, 0.8])
    with torch.no_grad():
        assert torch.equal(model(x, time, whole, model.told(whole)), model(x, time, whole))


def test_the_plain_product_attention_of_bf16_is_attention() -> None:
    model, whole = build().to(torch.bfloat16), ask()
    rough, exact = run(model, whole), run(build(), whole)
    assert rough.dtype == torch.float32
    assert 0 < float((rough - exact).abs().mean()) < 0.03 * float(exact.abs().mean())


def test_the_embedded_model_fits_its_file() -> None:
    model = DiT(DiTConfig(channel_groups=tuple(i % 6 for i in range(126)), curve_channels=1, text_terms=100))
    assert parameter_count(model) <= 7_600_000  # 2 bytes each in at most 15.5 MB


def test_cells_follow_their_group() -> None:
    mask = torch.tensor([[[1.0, 0.0, 1.0]]])
    assert build().cell_mask(mask).flatten().tolist() == [1, 1, 0, 0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel_groups": ()},
        {"channel_groups": (0, 2)},
        {"width": 30},
        {"heads": 0},
        {"curve_channels": 2},
        {"ff_multiple": 0.0},
        {"rope_base": 1.0},
        {"text_terms": -1},
    ],
)
def test_shapes_that_no_model_can_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(CONFIG, **wrong)  # type: ignore[arg-type]


def test_conditioning_that_does_not_fit_is_refused() -> None:
    whole = ask()
    with pytest.raises(InputError, match="grid"):
        replace(whole, grid=whole.grid[:, :-1])
    with pytest.raises(InputError, match="term_ids"):
        replace(whole, term_ids=torch.zeros(3, 1, dtype=torch.long))
    with pytest.raises(InputError, match="together"):
        replace(whole, text=torch.zeros(2, 1, 4))
    with pytest.raises(InputError, match="not trained with curves"):
        run(build(), replace(whole, curve=torch.ones(2, 12)))


def test_rows_and_join_undo_each_other() -> None:
    whole = replace(ask(3), curve=torch.randn(3, 12))
    again = join([whole.rows(i, i + 1) for i in range(3)])
    for name, value in vars(whole).items():
        assert value is None or torch.equal(getattr(again, name), value)
