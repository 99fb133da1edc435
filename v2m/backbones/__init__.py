"""The models that a user can choose to compose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from v2m.errors import UsageError

if TYPE_CHECKING:
    from v2m.backbones.base import RenewingBackbone

BACKBONES: Final = ("sketch",)


def load_backbone(name: str) -> RenewingBackbone:
    """The backbone of a name; its weights are read when it first composes.

    Raises:
        UsageError: there is no such backbone.
    """
    if name not in BACKBONES:
        raise UsageError(f"There is no backbone {name!r}, expected one of {', '.join(BACKBONES)}.")
    from v2m.backbones.sketch import Sketch  # torch is loaded here and not before

    return Sketch()
