"""Metre: how patterns lie in a bar, and where inside a beat the four steps sound.

Conventions: a step is a quarter of a beat. A bar is 16 steps of 4/4, 12 of 3/4, 8 of 6/8, whose beat is a
dotted quarter: there a pattern is written in eighths, six a bar, and its beat a b c lies on the steps
0, 1 and 3, which sound at thirds. Patterns may span several bars.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m_training.compose.facts import BEATS_PER_BAR, Metre

Feel = tuple[float, float, float, float]
"""Where the steps of a beat sound, in beats from its beginning."""

_TERNARY: Final[Feel] = (0.0, 1 / 3, 1 / 2, 2 / 3)
"""Step 2 is where notes may end; none begins there."""

_SILENT: Final = ".?"
"""Signs after which there is nothing to hold."""


def bar_steps(metre: Metre) -> int:
    """Steps of a bar."""
    return BEATS_PER_BAR[metre] * STEPS_PER_BEAT


def feel(metre: Metre, swing: float, swing_steps: int) -> Feel:
    """Where the steps sound.

    Args:
        metre: 6/8 has thirds and swings by itself.
        swing: where the middle of a swung unit falls, 0.5 is straight.
        swing_steps: length of that unit in steps: 4 swings eighths, 2 sixteenths.
    """
    if metre == "6/8":
        return _TERNARY
    if swing_steps == STEPS_PER_BEAT:
        return (0.0, swing / 2, swing, swing + (1 - swing) / 2)
    return (0.0, swing / 2, 0.5, 0.5 + swing / 2)


@lru_cache(maxsize=1024)
def fit(pattern: str, metre: Metre, rest: str = "-") -> str:
    """A pattern as steps: of 6/8 spread, of other metres cut to the bar where it is longer, else filled up.

    Args:
        pattern: sixteenths, or eighths of 6/8.
        metre: what the pattern was written for, or anything where it is held throughout.
        rest: what stands between the last two eighths of a ternary beat, and fills up short patterns.
    """
    bar = bar_steps(metre)
    if set(pattern) == {"-"}:
        return "-" * bar
    if metre == "6/8":
        beats = (pattern[i : i + 3] for i in range(0, len(pattern), 3))
        return "".join(beat[:2] + ("." if beat[1] in _SILENT else rest) + beat[2] for beat in beats)
    if len(pattern) % bar == 0:
        return pattern
    return pattern[:bar] if len(pattern) > bar else pattern.ljust(bar, rest)


def beats_struck(pattern: str, signs_of_silence: str = "-.?") -> float:
    """Share of the beats of a fitted pattern that have an attack: what a listener's foot goes by."""
    beats = range(0, len(pattern), STEPS_PER_BEAT)
    return sum(pattern[beat] not in signs_of_silence for beat in beats) / max(1, len(beats))
