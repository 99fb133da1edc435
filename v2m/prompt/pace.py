"""A modest prompt for a programme that nobody described: from the pace of its cutting, its light and colour.

    mean length of the shots, motion -> how lively the music is
    light, colour                    -> its mood

Nothing of what is shown is understood, so the words stay few and general. All of them are words that the
embedded model knows, and the same picture has the same ones.
Conventions: light, colour and motion on a scale of 0 to 1, gamma-coded values as they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from v2m.timeline import Timeline

Tone = Literal["dark", "grey", "cool", "plain", "warm", "bright"]

_LONGEST_SHOTS_S: Final = (12.0, 5.0, 2.5, 1.2)
"""A mean shot length below the first is livelier than ambient music, and so on: quick cuts ask for energy.
Feature films of today average 3 to 5 s a shot, trailers and sports about 1 to 2 (J. Cutting et al.,
"Quicker, faster, darker", i-Perception 2011)."""

_STYLES: Final = (
    ("ambient", "low energy, synth pad"),
    ("cinematic", "low energy, piano and strings"),
    ("cinematic", "medium energy, strings and piano"),
    ("rock", "medium energy, drums"),
    ("trailer", "high energy, fast, drums"),
)
"""Style and means of each level of liveliness."""

_SUNNY_STYLES: Final = {"rock": "indie rock", "trailer": "indie rock"}
"""Quick cutting in bright light is a feast rather than a threat."""

_MOODS: Final[dict[Tone, tuple[str, str]]] = {
    "dark": ("mysterious, minor", "tense, minor"),
    "grey": ("melancholic", "nostalgic"),
    "cool": ("dreamy", "hopeful"),
    "plain": ("calm", "hopeful"),
    "warm": ("peaceful, major", "uplifting, major"),
    "bright": ("bright, peaceful, major", "joyful, major"),
}
"""Mood of each tone, in calm music and in lively music."""

_LIVELY_FROM: Final = 2
"""Levels from this on have the second mood."""

_DARK, _BRIGHT = 0.2, 0.55
"""Mean luma: night exteriors of films lie about 0.1, interiors about 0.3, daylight about 0.45."""

_GREY: Final = 0.06
"""Mean difference of the largest and the smallest colour below which a picture is nearly black and white."""

_TINTED: Final = 0.05
"""Mean difference of red and blue from which a picture is warm, and below its negative cool."""

_STILL, _MOVING = 0.01, 0.06
"""Mean change of luma in a quarter of a second: a locked-off camera, and a hand-held one that runs."""

_BLACK: Final = 0.02
"""Pictures darker than this are leader or fades, and say nothing of the film's light."""

_LUMA: Final = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""ITU-R BT.709."""

_NEAR_S: Final = 0.6
"""Pictures further apart than this are not taken as one movement."""


@dataclass(frozen=True)
class PictureLook:
    """What can be measured of a picture without understanding it."""

    light: float
    colour: float
    """How far the colours are from grey."""

    warmth: float
    """-1 blue to 1 red."""

    motion: float | None
    """Change of luma in a quarter of a second within shots; None where the pictures lie too far apart."""

    @property
    def tone(self) -> Tone:
        """The light and colour in a word."""
        if self.light < _DARK:
            return "dark"
        if self.light > _BRIGHT:
            return "bright"
        if self.colour < _GREY:
            return "grey"
        return "warm" if self.warmth > _TINTED else "cool" if self.warmth < -_TINTED else "plain"


def picture_look(
    timeline: Timeline, times_s: tuple[float, ...], pictures: NDArray[np.uint8]
) -> PictureLook | None:
    """Measure some pictures of a programme; None where all of them are black.

    Args:
        timeline: the programme, for its cuts.
        times_s: when each begins to be seen, rising.
        pictures: (n, h, w, 3) RGB.
    """
    colours = pictures.astype(np.float32) / 255
    luma = np.asarray(colours @ _LUMA, dtype=np.float32)  # (n, h, w)
    light = luma.mean(axis=(1, 2))
    seen = light > _BLACK
    if not seen.any():
        return None
    spread = (colours.max(axis=3) - colours.min(axis=3)).mean(axis=(1, 2))
    warmth = (colours[..., 0] - colours[..., 2]).mean(axis=(1, 2))
    return PictureLook(
        light=float(np.median(light[seen])),
        colour=float(np.median(spread[seen])),
        warmth=float(np.median(warmth[seen])),
        motion=_motion(timeline, np.array(times_s), luma),
    )


def _motion(timeline: Timeline, times_s: NDArray[np.float64], luma: NDArray[np.float32]) -> float | None:
    cuts_s = np.array([float(cut.time_s) for cut in timeline.cuts])
    shot = np.searchsorted(cuts_s, times_s + 1e-3)  # a picture that a cut begins with belongs to it
    apart_s = np.diff(times_s)
    together = (np.diff(shot) == 0) & (apart_s > 0) & (apart_s <= _NEAR_S)
    if not together.any():
        return None
    change = np.abs(np.diff(luma, axis=0)).mean(axis=(1, 2))[together] * (0.25 / apart_s[together])
    return float(np.median(change))


def prompt_from_pace(timeline: Timeline, look: PictureLook | None = None) -> str:
    """Words for the music, from the mean length of the shots and, where it was seen, the picture."""
    mean_shot_s = float(timeline.duration_s) / (len(timeline.cuts) + 1)
    level = sum(mean_shot_s <= limit_s for limit_s in _LONGEST_SHOTS_S)
    if look is not None and look.motion is not None:
        level += (look.motion > _MOVING) - (look.motion < _STILL)
    level = min(max(level, 0), len(_STYLES) - 1)
    tone: Tone = look.tone if look is not None else "plain"
    style, means = _STYLES[level]
    if tone in ("warm", "bright"):
        style = _SUNNY_STYLES.get(style, style)
    mood = _MOODS[tone][level >= _LIVELY_FROM]
    return f"{style}, {mood}, {means}"
