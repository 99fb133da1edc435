"""The mixing desk: how loud each part is, where it stands, and how much room it gets.

Conventions: gains are linear amplitude; pan is -1 left to 1 right. Levels are those of one note at full
calibration velocity, so that the balance is the same whichever instrument plays a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from v2m.codecs.arrangement import Part

CALIBRATION_VELOCITY: Final = 100

CALIBRATION_PITCHES: Final[Mapping[Part, int]] = {"bass": 40, "harmony": 60, "lead": 72, "extras": 67}
"""The middle of each part's range."""

DRUM_LEVELS_DB: Final[Mapping[str, float]] = {
    # kick and snare carry the beat, and a tracker as a listener follows what is loud: hats stay far below
    "kick": -9.0,
    "snare": -10.0,
    "clap": -12.0,
    "rim": -15.0,
    "closed hat": -25.0,
    "open hat": -26.0,
    "low tom": -12.0,
    "high tom": -12.0,
    "crash": -18.0,
    "ride": -26.0,
    "shaker": -25.0,
    "big drum": -10.0,
}
"""K-weighted level of a calibration stroke in its loudest 50 ms, dB of full scale: one balance in every kit
and font. As recorded an electronic kit's hats stand 10 dB above an acoustic one's, and kicks differ by 9."""

MAX_CALIBRATION: Final = 5.0
"""A sound is raised or lowered by at most this factor (14 dB): a breathy one must not turn into hiss."""


@dataclass(frozen=True)
class Channel:
    """One part's strip on the desk."""

    level: float
    """RMS of a calibration note in its loudest 200 ms; for drums a factor on their own levels."""

    pan: float
    room_send: float
    """Share of the part that excites the room."""


def _plain_desk() -> dict[Part, Channel]:
    return {
        "drums": Channel(level=1.0, pan=0.0, room_send=0.10),
        # low notes carry most energy and stay dry and in the middle, else the bottom turns to mud
        "bass": Channel(level=0.13, pan=0.0, room_send=0.0),
        # per note; a chord has four
        "harmony": Channel(level=0.048, pan=-0.15, room_send=0.22),
        "lead": Channel(level=0.095, pan=0.08, room_send=0.25),
        "extras": Channel(level=0.080, pan=0.30, room_send=0.25),
    }


@dataclass(frozen=True)
class Desk:
    """All strips."""

    channels: Mapping[Part, Channel] = field(default_factory=_plain_desk)
    room_s: float = 0.9
    """Time in which the room dies away by 60 dB; at most a second."""
