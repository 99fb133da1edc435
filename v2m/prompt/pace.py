"""A modest prompt for a programme that nobody described, from the pace of its cutting alone."""

from __future__ import annotations

from typing import Final

from v2m.timeline import Timeline

_BY_SHOT_LENGTH: Final[tuple[tuple[float, str], ...]] = (
    (1.2, "high energy trailer, fast, drums"),
    (2.5, "rock, medium energy, hopeful, drums"),
    (5.0, "cinematic, medium energy, hopeful, strings and piano"),
    (12.0, "cinematic, calm, low energy, piano and strings"),
    (float("inf"), "ambient, calm, low energy, synth pad"),
)
"""Mean shot length in seconds up to which each prompt is taken: quick cutting asks for energy. Feature films
of today average 3 to 5 s a shot, trailers and sports about 1 to 2 (J. Cutting et al., "Quicker, faster,
darker", i-Perception 2011)."""


def prompt_from_pace(timeline: Timeline) -> str:
    """Words for the music, from the mean length of the shots."""
    mean_shot_s = float(timeline.duration_s) / (len(timeline.cuts) + 1)
    return next(text for limit_s, text in _BY_SHOT_LENGTH if mean_shot_s <= limit_s)
