"""How far a sampling step goes towards the words and towards the event curve.

Three predictions of the same noisy latents are combined: u without words and curve, t with the words alone,
b with both. Their axes are the model's own, batch first; all three may be velocities, noises or clean
latents, as long as they are the same.
Sources: Ho and Salimans 2022 (classifier-free guidance); Brooks et al. 2023, equation 3 (two conditions);
Sadat et al. 2024, "Eliminating oversaturation and artifacts of high guidance scales" (APG); Lin et al. 2023,
section 3.4 (rescaling).
"""

from __future__ import annotations

from torch import Tensor

_TINY = 1e-12
"""Keeps the direction of a prediction that is all zeros finite."""


def curve_scale_at(adherence: float, text_scale: float) -> float:
    """Guidance of the curve at an adherence; at 0.5 words and curve are guided as one.

    Args:
        adherence: 0 to 1.
        text_scale: guidance of the words; 0 or 1 where the model has none.
    """
    return 2 * adherence * (text_scale or 1.0)


def guided(
    unconditional: Tensor, text: Tensor, both: Tensor, *, text_scale: float, curve_scale: float
) -> Tensor:
    """Classifier-free guidance: u + s_t (t - u) + s_c (b - t)."""
    return unconditional + text_scale * (text - unconditional) + curve_scale * (both - text)


def adaptive_projected(
    unconditional: Tensor,
    text: Tensor,
    both: Tensor,
    *,
    text_scale: float,
    curve_scale: float,
    parallel: float = 0.0,
    norm_limit: float = 0.0,
    axes: tuple[int, ...] = (-2, -1),
) -> Tensor:
    """Guidance that turns the prediction rather than making it longer.

    What `guided` would add to b is split into a part along b, which saturates the sound, and the rest. With
    no curve (t = b) this is b + (s - 1) (d_orthogonal + parallel * d_parallel) of d = b - u.

    Args:
        unconditional: u.
        text: t.
        both: b.
        text_scale: s_t.
        curve_scale: s_c.
        parallel: share of the part along b that is kept; at 1 this is `guided`.
        norm_limit: the addition for each unit of scale is made no longer than this; 0 leaves it.
        axes: of one take's latents, over which lengths and angles are taken.
    """
    unit = abs(text_scale - 1) or 1.0
    push = (guided(unconditional, text, both, text_scale=text_scale, curve_scale=curve_scale) - both) / unit
    if norm_limit > 0:
        length = push.double().square().sum(axes, keepdim=True).sqrt().clamp_min(_TINY)
        push = push * (norm_limit / length).clamp_max(1.0).to(push.dtype)
    direction = both.double()
    direction = direction / direction.square().sum(axes, keepdim=True).sqrt().clamp_min(_TINY)
    along = (push.double() * direction).sum(axes, keepdim=True) * direction
    kept = push.double() - (1 - parallel) * along
    return both + unit * kept.to(both.dtype)


def rescaled(result: Tensor, both: Tensor, *, share: float, axes: tuple[int, ...] = (-2, -1)) -> Tensor:
    """The guided prediction brought towards the spread that b has, by a share from 0 to 1."""
    if share == 0:
        return result
    spread = result.std(axes, keepdim=True).clamp_min(_TINY)
    return result * (1 - share + share * both.std(axes, keepdim=True) / spread)
