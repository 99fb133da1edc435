"""A groove: a beat in a drummer's notation, one character a sixteenth (an eighth of 6/8).

    X  accent    x  stroke    o  soft stroke    g  ghost note    ?  ghost note now and then    .  rest

Conventions: sixteen characters are a bar of 4/4, twelve one of 3/4, six (eighths) one of 6/8, and a pattern
may span two bars; voices as in `DRUM_VOICES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Groove:
    """A beat and what a drummer leaves out or adds."""

    voices: Mapping[str, str]
    """Pattern by drum voice."""

    light: frozenset[str]
    """The voices that stay when the groove is thinned out."""

    lift: Mapping[str, str]
    """Patterns added, or put in place of the same voice, when everybody plays."""

    @property
    def varies(self) -> bool:
        """Whether a drummer adds kicks to it: not where the kick itself is the pulse."""
        return self.voices.get("kick", "").count(".") > len(self.voices.get("kick", "")) * 2 // 3 and set(
            self.voices["kick"]
        ) != set("g.")


def groove(text: str, light: str, **lift: str) -> Groove:
    """A groove from lines of voice and pattern, the voices that are light, and the patterns of its lift."""
    voices = {}
    for line in text.strip().splitlines():
        voice, _, pattern = line.rpartition(" ")
        voices[voice.strip()] = pattern
    return Groove(
        voices, frozenset(light.split(", ")), {name.replace("_", " "): p for name, p in lift.items()}
    )
