"""Everything that can be added, by name.

Nothing here is part of the package or fetched by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from v2m.errors import UsageError
from v2m_daemon.models.backbones import BACKBONES
from v2m_daemon.models.encoders import ENCODERS
from v2m_daemon.models.model import Model
from v2m_daemon.models.readers import READERS
from v2m_daemon.models.soundfonts import SOUNDFONTS

CATALOGUE: Final[Mapping[str, Model]] = {
    model.name: model for model in (*SOUNDFONTS, *BACKBONES, *ENCODERS, *READERS)
}


def all_models() -> tuple[Model, ...]:
    """Everything that can be added."""
    return tuple(CATALOGUE.values())


def find_model(name: str) -> Model:
    """The model of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in CATALOGUE:
        raise UsageError(
            f"There is no model {name!r}, expected {' or '.join(CATALOGUE)}.",
            hint="`v2m models list` tells them all; a SoundFont of your own is used by --soundfont FILE.",
        )
    return CATALOGUE[name]
