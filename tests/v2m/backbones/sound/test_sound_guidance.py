"""Guidance by words and curve: the plain cases come out of the general one."""

import pytest
import torch

from v2m.backbones.sound.guidance import adaptive_projected, curve_scale_at, guided, rescaled

U, T, B = torch.randn((3, 2, 5, 8), generator=torch.Generator().manual_seed(1)).unbind(0)


def test_no_guidance_is_the_prediction_with_both() -> None:
    torch.testing.assert_close(guided(U, T, B, text_scale=1, curve_scale=1), B)
    torch.testing.assert_close(adaptive_projected(U, T, B, text_scale=1, curve_scale=1), B)


@pytest.mark.parametrize("scale", [1.0, 2.0, 7.0])
def test_half_adherence_is_plain_joint_guidance(scale: float) -> None:
    result = guided(U, T, B, text_scale=scale, curve_scale=curve_scale_at(0.5, scale))
    torch.testing.assert_close(result, U + scale * (B - U))


def test_no_adherence_forgets_the_curve() -> None:
    result = guided(U, T, B, text_scale=3, curve_scale=curve_scale_at(0, 3))
    torch.testing.assert_close(result, U + 3 * (T - U))
    assert curve_scale_at(1, 0) == 2  # a model without guidance of words still has a curve


def test_projection_adds_nothing_along_the_prediction() -> None:
    result = adaptive_projected(U, B, B, text_scale=5, curve_scale=5)
    added = (result - B).flatten(1)
    assert torch.allclose((added * B.flatten(1)).sum(1), torch.zeros(2), atol=1e-4)
    difference = (B - U).flatten(1)
    flat = B.flatten(1)
    along = (difference * flat).sum(1, keepdim=True) / flat.square().sum(1, keepdim=True) * flat
    torch.testing.assert_close(added, 4 * (difference - along), atol=1e-4, rtol=1e-4)


def test_projection_with_all_that_is_parallel_is_plain_guidance() -> None:
    scales = {"text_scale": 4.0, "curve_scale": 6.0}
    torch.testing.assert_close(
        adaptive_projected(U, T, B, parallel=1.0, **scales), guided(U, T, B, **scales), atol=1e-5, rtol=1e-5
    )


def test_the_addition_has_a_limit() -> None:
    result = adaptive_projected(U, B, B, text_scale=3, curve_scale=3, norm_limit=0.5)
    assert bool(((result - B).flatten(1).norm(dim=1) <= 2 * 0.5 + 1e-5).all())


def test_rescaling_gives_the_spread_back() -> None:
    result = guided(U, T, B, text_scale=7, curve_scale=7)
    torch.testing.assert_close(rescaled(result, B, share=1).std((1, 2)), B.std((1, 2)))
    torch.testing.assert_close(rescaled(result, B, share=0), result)
