"""How little features and event curves change under what is no event: small shifts, rolls, light.

Each picture is changed at random and encoded again; told are the cosine of its features before and after, and
the correlation of the programme's event curve before and after (each picture changed on its own, the worst
case for a curve: a change that stays would cancel).

The paper's test (appendix C) changed each of 3,450 pictures by a subpixel shift, a rotation, a step of
brightness or a gamma, and names no amounts in its text; ours are told with every result. Chance is printed
beside: the cosine of each picture to another one.

Conventions: pictures RGB uint8 (n, h, w, 3); shifts in pixels of those pictures, angles in degrees,
brightness as a share of full scale. Borders are continued level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from v2m.curves import Features, FloatArray, event_curve
from v2m.errors import InputError
from v2m.metrics.cosine import cosine

Pictures = NDArray[np.uint8]
Change = Literal["shift", "rotation", "brightness", "gamma"]

_CURVE_RATE_HZ: Final = 12.5


@dataclass(frozen=True)
class Amounts:
    """How far a picture is changed at most, to either side."""

    shift_px: float = 0.5
    rotation_deg: float = 1.0
    brightness: float = 0.04
    gamma: float = 0.1


@dataclass(frozen=True)
class Robustness:
    """What the changes did."""

    cosine_mean: float
    cosine_sd: float
    by_change: Mapping[Change, float]
    """Mean cosine of each kind."""

    cosine_to_another: float
    """Of each picture to the one half a programme later: what "nothing in common" gives here."""

    curve_correlation: float | None
    """None where a curve is level."""

    pictures: int
    amounts: Amounts


Encode = Callable[[FloatArray, Pictures], Features]
"""Times and pictures to features: one encoder, fresh each time."""


def robustness(
    times_s: FloatArray, pictures: Pictures, encode: Encode, amounts: Amounts | None = None, seed: int = 0
) -> Robustness:
    """Change every picture of a programme a little and see what an encoder makes of it.

    Args:
        times_s: (n,) rising.
        pictures: (n, h, w, 3).
        encode: the encoder.
        amounts: how much to change; `Amounts()` when not given.
        seed: the same one changes the same.

    Raises:
        InputError: there are fewer than four pictures, or not one time each.
    """
    if pictures.ndim != 4 or len(pictures) != len(times_s) or len(pictures) < 4:
        raise InputError(
            f"{len(pictures)} pictures at {len(times_s)} times, expected four or more, one each."
        )
    amounts = amounts or Amounts()
    drawn = np.random.default_rng(seed)
    changes: tuple[Change, ...] = ("shift", "rotation", "brightness", "gamma")
    kinds = [changes[index] for index in drawn.integers(len(changes), size=len(pictures))]
    shares = drawn.uniform(-1, 1, (len(pictures), 2))
    changed = np.stack([_changed(*each, amounts) for each in zip(pictures, kinds, shares, strict=True)])
    before, after = encode(times_s, pictures), encode(times_s, changed)
    cosines = cosine(before.values, after.values)
    other = cosine(before.values, np.roll(before.values, len(pictures) // 2, axis=0))
    return Robustness(
        float(cosines.mean()), float(cosines.std()),
        {change: float(cosines[[kind == change for kind in kinds]].mean()) for change in sorted(set(kinds))},
        float(other.mean()), _curve_correlation(before, after), len(pictures), amounts,
    )  # fmt: skip


def _changed(picture: Pictures, kind: Change, shares: FloatArray, amounts: Amounts) -> Pictures:
    light = picture.astype(np.float64)
    match kind:
        case "shift":
            dy, dx = shares * amounts.shift_px
            light = ndimage.shift(light, (dy, dx, 0), order=1, mode="nearest")
        case "rotation":
            angle = float(shares[0]) * amounts.rotation_deg
            light = ndimage.rotate(light, angle, axes=(1, 0), reshape=False, order=1, mode="nearest")
        case "brightness":
            light = light + 255 * shares[0] * amounts.brightness
        case "gamma":
            light = 255 * (light / 255) ** (1 + shares[0] * amounts.gamma)
    return np.asarray(np.rint(np.clip(light, 0, 255)), np.uint8)


def _curve_correlation(before: Features, after: Features) -> float | None:
    duration_s = float(before.times_s[-1] - before.times_s[0])
    curves = [
        event_curve(
            Features(each.times_s - each.times_s[0], each.values, each.encoder), duration_s,
            rate_hz=_CURVE_RATE_HZ,
        ).values
        for each in (before, after)
    ]  # fmt: skip
    if min(np.ptp(curve) for curve in curves) == 0:
        return None
    return float(np.atleast_2d(np.corrcoef(np.stack(curves)))[0, 1])
