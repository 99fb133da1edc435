"""Hard cuts: moments where the picture is another one from a frame to the next.

PySceneDetect's AdaptiveDetector proposes them from differences of hue, saturation and lightness against the
frames around; in near black its hue is noise, so a proposal must also be a step in plain RGB.

Conventions: pictures RGB uint8 of one size in order of time; a cut is the number of the first picture of the
new shot. Source: B. Castellano, PySceneDetect, `detectors/adaptive_detector.py` (the only use of it here).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scenedetect import AdaptiveDetector, FrameTimecode

MIN_SHOT_S: Final = Fraction(1, 5)
"""Flash frames and strobes come faster than any shot is cut."""

MIN_STEP: Final = 5.0
"""Mean change of an RGB value, of 255. A cut between two night shots of a trailer measured 9.7; the flicker
of compressed black stays below 4."""

STEP_RATIO: Final = 3.0
"""A step stands this far above the median of its neighbours, as the detector asks of its own score."""

STEP_WINDOW: Final = 4
"""Neighbours on each side: fewer than `MIN_SHOT_S` holds, so the next cut is not among them."""


class HardCutDetector:
    """Takes all pictures of a programme in order and gives the cuts."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._detector = AdaptiveDetector(min_scene_len=max(1, round(rate * MIN_SHOT_S)))
        self._proposals: list[int] = []
        self._steps: list[float] = []
        self._last: NDArray[np.int16] | None = None

    def push(self, pictures: NDArray[np.uint8]) -> None:
        """Take the next pictures (n, h, w, 3)."""
        for picture in pictures:
            number = FrameTimecode(len(self._steps), fps=self._rate)
            # the detector expects OpenCV's order, blue first
            self._take(self._detector.process_frame(number, np.ascontiguousarray(picture[..., ::-1])))
            self._steps.append(self._step(picture))

    def _take(self, proposals: Iterable[FrameTimecode]) -> None:
        self._proposals.extend(int(proposal.frame_num) for proposal in proposals)

    def _step(self, picture: NDArray[np.uint8]) -> float:
        signed = picture.astype(np.int16)
        step = 0.0 if self._last is None else float(np.abs(signed - self._last).mean())
        self._last = signed
        return step

    def cuts(self) -> list[int]:
        """Numbers of the pictures that begin a shot, rising, without the first picture."""
        steps = np.array(self._steps)
        return sorted(number for number in set(self._proposals) if number and _is_step(steps, number))


def _is_step(steps: NDArray[np.float64], number: int) -> bool:
    around = np.r_[steps[max(1, number - STEP_WINDOW) : number], steps[number + 1 : number + 1 + STEP_WINDOW]]
    usual = float(np.median(around)) if len(around) else 0.0
    return bool(steps[number] >= max(MIN_STEP, STEP_RATIO * usual))
