"""What music is heard with when its event curve is computed, by name."""

from __future__ import annotations

from v2m.encoders import spectral
from v2m.encoders.protocol import SoundEncoder
from v2m.errors import UsageError

NAMES = ("spectral", "musicfm")


def sound_encoder(name: str) -> SoundEncoder:
    """An encoder of sound.

    Raises:
        UsageError: there is none of this name.
        MissingPartError: its weights or libraries are not here.
    """
    if name == "spectral":
        return spectral.encode
    raise UsageError(f"The sound encoder is {name!r}, expected one of {', '.join(NAMES)}.")
