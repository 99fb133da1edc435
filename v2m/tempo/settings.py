"""What a user may wish of the tempo, and how the wish becomes the costs and limits of the planner."""

from __future__ import annotations

from dataclasses import dataclass

from v2m.errors import UsageError
from v2m.tempo.nearness import CLOSE, Nearness


@dataclass(frozen=True)
class TempoSettings:
    """The tempo wish, and how far music may bend from it to reach the hits."""

    wish_bpm: float | None = None
    """The tempo to stay near; None lets the planner choose the one in `nominal_range_bpm` that suits best."""

    nominal_range_bpm: tuple[float, float] = (84.0, 132.0)
    """Where a tempo is chosen when none is wished: what the style allows."""

    bpm_range: tuple[float, float] = (60.0, 180.0)
    """No beat is ever slower or faster."""

    freedom: float = 0.6
    """0 a steady click, 1 free rubato."""

    max_step: float = 0.03
    """Largest change of tempo from a beat to the next: 0.03 is 3 percent, hardly heard as a lurch."""

    hit_weight: float = 1.0
    """How much a hit counts against an even tempo: 0 none, 1 as tuned, more for a map that spares no bend."""

    beats_per_bar: int = 4
    nearness: Nearness = CLOSE
    """What a beat beside a hit is worth."""

    def __post_init__(self) -> None:
        """Refuse wishes that contradict each other.

        Raises:
            UsageError: a value is out of range.
        """
        low, high = self.bpm_range
        if not 20 <= low < high <= 400 or high < 1.5 * low:
            raise UsageError(f"The tempo range is {low:g}-{high:g} BPM, expected 20 to 400, 1:1.5 wide.")
        if self.wish_bpm is not None and not low <= self.wish_bpm <= high:
            raise UsageError(f"The tempo is {self.wish_bpm:g} BPM, expected {low:g} to {high:g}.")
        slow, fast = self.nominal_range_bpm
        if not low <= slow <= fast <= high:
            raise UsageError(f"The nominal tempo range {slow:g}-{fast:g} BPM leaves {low:g}-{high:g} BPM.")
        if not 0 <= self.freedom <= 1:
            raise UsageError(f"The tempo freedom is {self.freedom:g}, expected 0 (steady) to 1 (free).")
        if not 0.001 <= self.max_step <= 0.25:
            raise UsageError(f"The largest tempo step is {self.max_step:g}, expected 0.001 to 0.25.")
        if not 0 <= self.hit_weight <= 100:
            raise UsageError(f"The weight on hits is {self.hit_weight:g}, expected 0 to 100.")
        if not 1 <= self.beats_per_bar <= 16:
            raise UsageError(f"A bar has {self.beats_per_bar} beats, expected 1 to 16.")


@dataclass(frozen=True)
class TempoCosts:
    """The planner's costs and limits about one nominal tempo; a unit is a missed hit of weight 1.

    Intervals are written `1 + e` in units of the nominal interval: e is the deviation.
    """

    interval_s: float
    """The nominal beat."""

    deviation: float
    """Cost of e² of each beat."""

    change: float
    """Cost of (e' - e)² from each beat to the next."""

    max_step: float
    low: float
    """Smallest e allowed: the fastest beat."""

    high: float
    """Largest e allowed: the slowest beat."""

    beat: float = 0.0
    """Cost of a beat, whatever its length: above 0 the programme has fewer, below 0 more."""

    nearness: Nearness = CLOSE

    @property
    def tail(self) -> float:
        """Cost of e² for ever after a beat at e when nothing holds it: the fixed point of one step more.

        Minimising deviation·x² + change·(x - e)² + tail·x² over x gives tail·e² again.
        """
        half = self.deviation / 2
        return float((half**2 + self.deviation * self.change) ** 0.5 - half)


def costs_about(bpm: float, settings: TempoSettings) -> TempoCosts:
    """What the wish means about a nominal tempo.

    The knob runs the price of bending down by about a decade from 0.25 to 1, and opens the room about the
    nominal tempo from 8 percent, which a listener takes for the same tempo, to 45, which is another.

    At the default a beat 10 percent off costs 0.01 of a hit, a step of 2 percent 0.012. Tried on cuts as in
    `benchmarks/tempo.py` (0.7-7 s): a deviation at half this price lets the mean tempo drift 5 percent from
    a wish, at four times it reaches 0.04 less of the hits; the price of steps matters little from 24 to 60.
    """
    interval_s = 60.0 / bpm
    price = 10.0 ** (1.5 * (0.6 - settings.freedom)) / max(settings.hit_weight, 1e-3)
    room = 1.0 + 0.08 + 0.37 * settings.freedom
    low_bpm, high_bpm = settings.bpm_range
    return TempoCosts(
        interval_s=interval_s,
        deviation=price,
        change=30.0 * price,
        max_step=settings.max_step * min(1.0, 0.2 + settings.freedom * 1.6),
        low=max(1.0 / room, bpm / high_bpm) - 1.0,
        high=min(room, bpm / low_bpm) - 1.0,
        nearness=settings.nearness,
    )
