"""The event curve of a picture whose moments were moved: every change comes when its moment comes now.

Conventions: as in `v2m.curves`; a curve as `take.json` holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

_FRESH_HEIGHT: Final = 2.0
"""A new hit stands out of the curve by as much as a plain cut, in standard deviations."""


def warped(
    curve: dict[str, Any], warp_s: Sequence[tuple[float, float]], fresh_s: Sequence[float], duration_s: float
) -> dict[str, Any]:
    """The curve after an edit.

    Args:
        curve: `rate_hz`, `values`, `encoder`, `kernel_s`.
        warp_s: (now, before) of moments in order; time runs evenly between them, and as before outside.
        fresh_s: moments that are new.
        duration_s: of the programme now.
    """
    rate_hz, values = curve["rate_hz"], np.asarray(curve["values"], np.float64)
    now_s = np.arange(max(1, int(np.ceil(duration_s * rate_hz - 1e-6)))) / rate_hz
    at, was = np.array(warp_s).T
    was_s = np.interp(now_s, at, was)
    was_s = np.where(now_s < at[0], now_s - at[0] + was[0], was_s)
    was_s = np.where(now_s > at[-1], now_s - at[-1] + was[-1], was_s)
    follows = np.interp(was_s, np.arange(len(values)) / rate_hz, values)
    for fresh in fresh_s:
        near = np.clip((now_s - fresh) / curve["kernel_s"], -0.5, 0.5)
        follows += _FRESH_HEIGHT * np.cos(np.pi * near) ** 2
    return {**curve, "values": (np.round(follows, 4) + 0.0).tolist()}
