"""The music as a format needs it: a file, and a span in whole frames of the programme.

Conventions: frames count from the programme's first; `zero_frame` is what its timecode shows there.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

NAME: Final = "V2M music"
"""What our clip is called in every format; by it our older music is found again after an editor saved it."""


@dataclass(frozen=True)
class Music:
    """Our one clip."""

    wav: Path
    """Where it will stand, absolute."""

    rate: Fraction
    """Frames a second of the programme."""

    start_frame: int
    frame_count: int
    sample_count: int
    sample_rate_hz: int
    zero_frame: int = 0
    drop_frame: bool = False

    @property
    def end_frame(self) -> int:
        """The frame after its last."""
        return self.start_frame + self.frame_count

    @property
    def ntsc(self) -> bool:
        """Whether the rate is a whole one slowed by 1000/1001."""
        return self.rate.denominator == 1001

    @property
    def nominal_rate(self) -> int:
        """The whole number that timecode counts to."""
        return round(self.rate)
