"""The models that a user can choose to compose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from v2m.errors import UsageError

if TYPE_CHECKING:
    from v2m.backbones.base import RenewingBackbone

BACKBONES: Final = ("sketch",)


def load_backbone(name: str, arithmetic: str = "") -> RenewingBackbone:
    """The backbone of a name; its weights are read when it first composes.

    Args:
        name: one of `BACKBONES`.
        arithmetic: device and kind of numbers to compose with, as a take says it; by default the fastest.

    Raises:
        UsageError: there is no such backbone.
        MissingPartError: the device is not here.
    """
    if name not in BACKBONES:
        raise UsageError(f"There is no backbone {name!r}, expected one of {', '.join(BACKBONES)}.")
    from v2m.backbones.sketch import Sketch  # torch is loaded here and not before

    device, _, dtype = arithmetic.partition(" ")
    return Sketch(device=device or "auto", dtype=dtype)
