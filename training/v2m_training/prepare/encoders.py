"""What music is heard with when its event curve is computed, by name."""

from __future__ import annotations

from functools import cache

from v2m.encoders import spectral
from v2m.encoders.protocol import SoundEncoder
from v2m.errors import UsageError

NAMES = ("spectral", "musicfm")


@cache
def sound_encoder(name: str) -> SoundEncoder:
    """An encoder of sound.

    Raises:
        UsageError: there is none of this name.
        MissingPartError: its weights or libraries are not here.
    """
    if name == "spectral":
        return spectral.encode
    if name == "musicfm":
        from v2m.encoders.musicfm.ear import MusicFMEncoder  # torch is loaded here and not before

        return MusicFMEncoder()
    raise UsageError(f"The sound encoder is {name!r}, expected one of {', '.join(NAMES)}.")


def identity(name: str) -> str:
    """What decides an encoder's answers: its name, and its weights where it has any."""
    weights = getattr(sound_encoder(name), "weights_sha256", "")
    return f"{name} {weights}".strip()
