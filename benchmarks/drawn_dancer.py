"""A drawn dancer whose motion beats are known: an articulated figure that arrives in a new pose on each beat.

Nothing is filmed and nothing fetched, so what is true of it is known to the last digit: between two poses all
joints travel along one minimum-jerk curve (Flash and Hogan 1985), whose speed is zero at both ends and
nowhere else. Tempo, clothing, background, camera and the poses come from the number of the dance.

Conventions: places in units of the picture's height, x to the right from its middle, y upwards from the
floor; times in seconds; pictures RGB uint8 (n, h, w, 3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32 = NDArray[np.float32]

TEMPI_BPM = (72, 80, 88, 95, 102, 110, 118, 126, 135, 145)
WIDTH, HEIGHT = 240, 136
RATE = Fraction(30)
DURATION_S = 16.0

_UPPER_ARM, _FOREARM, _THIGH, _SHIN, _TORSO, _HEAD = 0.13, 0.12, 0.19, 0.19, 0.25, 0.055
_LIMB_RADIUS, _TORSO_RADIUS = 0.026, 0.055


@dataclass(frozen=True)
class Dance:
    """What is true of one drawn dance."""

    number: int
    tempo_bpm: float
    beats_s: FloatArray  # (m,)
    """When the dancer arrives; all inside the film."""

    duration_s: float


def dance(number: int, duration_s: float = DURATION_S) -> Dance:
    """A dance by its number; the tempi take turns."""
    tempo_bpm = TEMPI_BPM[number % len(TEMPI_BPM)]
    first_s = 0.3 + 0.4 * np.random.default_rng(number).random()
    beats_s = np.arange(first_s, duration_s - 0.2, 60 / tempo_bpm)
    return Dance(number, tempo_bpm, beats_s, duration_s)


def joints(shown: Dance, times_s: FloatArray) -> FloatArray:
    """Places of hips, neck, head, elbows, hands, knees and feet, (t, 11, 2)."""
    drawn = np.random.default_rng([1, shown.number])
    count = len(shown.beats_s) + 2
    angles = drawn.uniform(-1, 1, (count, 10)) * np.array(
        [0.25, 2.2, 1.4, 2.2, 1.4, 0.5, 0.9, 0.5, 0.9, 0.10]
    )
    # no two poses are alike: each joint travels at least a third of its way, or a beat would not be seen
    for index in range(1, count):
        step = angles[index] - angles[index - 1]
        least = np.array([0.1, 0.8, 0.5, 0.8, 0.5, 0.2, 0.3, 0.2, 0.3, 0.04])
        angles[index] = angles[index - 1] + np.where(step < 0, -1, 1) * np.maximum(np.abs(step), least)
        angles[index] = np.clip(angles[index], -2.6, 2.6)
    return _placed(_between(shown, angles, times_s))


def _between(shown: Dance, poses: FloatArray, times_s: FloatArray) -> FloatArray:
    period_s = 60 / shown.tempo_bpm
    arrivals_s = np.concatenate(
        [[shown.beats_s[0] - period_s], shown.beats_s, [shown.beats_s[-1] + period_s]]
    )
    after = np.clip(np.searchsorted(arrivals_s, times_s, side="right"), 1, len(arrivals_s) - 1)
    share = (times_s - arrivals_s[after - 1]) / (arrivals_s[after] - arrivals_s[after - 1])
    share = np.clip(share, 0, 1)
    jerk = share**3 * (10 - 15 * share + 6 * share**2)  # minimum jerk
    return np.asarray(poses[after - 1] + jerk[:, None] * (poses[after] - poses[after - 1]))


def _placed(angles: FloatArray) -> FloatArray:
    lean, arm_l, fore_l, arm_r, fore_r, leg_l, shin_l, leg_r, shin_r, sway = angles.T
    hips = np.stack([sway, 0.42 - 0.05 * np.abs(leg_l - leg_r)], axis=1)
    neck = hips + _TORSO * _direction(lean)
    head = neck + 1.6 * _HEAD * _direction(lean)
    elbow_l, elbow_r = (
        neck - _UPPER_ARM * _direction(arm_l - 0.6),
        neck - _UPPER_ARM * _direction(arm_r + 0.6),
    )
    hand_l = elbow_l - _FOREARM * _direction(arm_l + fore_l - 0.6)
    hand_r = elbow_r - _FOREARM * _direction(arm_r + fore_r + 0.6)
    knee_l, knee_r = hips - _THIGH * _direction(leg_l - 0.25), hips - _THIGH * _direction(leg_r + 0.25)
    foot_l = knee_l - _SHIN * _direction(leg_l + 0.4 * shin_l - 0.1)
    foot_r = knee_r - _SHIN * _direction(leg_r + 0.4 * shin_r + 0.1)
    return np.stack(
        [hips, neck, head, elbow_l, hand_l, elbow_r, hand_r, knee_l, foot_l, knee_r, foot_r], axis=1
    )


def _direction(angle: FloatArray) -> FloatArray:
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


_BONES = (
    (0, 1, _TORSO_RADIUS, "shirt"), (1, 3, _LIMB_RADIUS, "shirt"), (3, 4, _LIMB_RADIUS * 0.8, "skin"),
    (1, 5, _LIMB_RADIUS, "shirt"), (5, 6, _LIMB_RADIUS * 0.8, "skin"), (0, 7, _LIMB_RADIUS * 1.3, "legs"),
    (7, 8, _LIMB_RADIUS, "legs"), (0, 9, _LIMB_RADIUS * 1.3, "legs"), (9, 10, _LIMB_RADIUS, "legs"),
    (2, 2, _HEAD, "skin"),
)  # fmt: skip
"""From joint to joint, half its width, what covers it."""


class Stage:
    """Background, clothing and camera of one dance; draws its pictures."""

    def __init__(self, number: int, width: int = WIDTH, height: int = HEIGHT) -> None:
        drawn = np.random.default_rng([2, number])
        self._colors = {name: drawn.uniform(30, 225, 3) for name in ("shirt", "legs")}
        self._colors["skin"] = drawn.uniform((90, 70, 60), (240, 180, 140))
        self._stripes = {"shirt": drawn.uniform(60, 180), "legs": drawn.uniform(45, 120), "skin": 0.0}
        self._light = drawn.uniform(60, 190, 3)
        self._waves = drawn.normal(0, 1, (5, 4)) * np.array([9, 9, 3, 1])
        self._pan, self._zoom, self._roll = drawn.uniform(-1, 1, 3) * (0.06, 0.12, 0.06)
        self._period_s, self._phase = drawn.uniform(5, 9), drawn.uniform(0, 2 * math.pi)
        self._tremble = 0.0015 * (number % 3)
        self._noise = np.random.default_rng([3, number])
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._x, self._y = (x - width / 2) / height, 0.5 - y / height

    def picture(self, time_s: float, places: FloatArray) -> NDArray[np.uint8]:
        """One picture of the joints (11, 2) at a time."""
        x, y = self._camera(time_s)
        tone = np.zeros_like(x)
        for across, up, phase, height in self._waves:
            tone += np.float32(18 * height) * np.sin(across * x + up * y + phase)
        canvas = np.empty((*x.shape, 3), np.float32)
        canvas[:] = self._light + tone[..., None]
        for start, end, radius, cover in _BONES:
            self._limb(canvas, x, y, (places[start], places[end]), radius, cover)
        canvas += self._noise.normal(0, 1.5, canvas.shape[:2])[..., None]
        return np.clip(canvas, 0, 255).astype(np.uint8)

    def _limb(
        self,
        canvas: Float32,
        x: Float32,
        y: Float32,
        ends: tuple[FloatArray, FloatArray],
        radius: float,
        cover: str,
    ) -> None:
        """Paint one limb on the part of the canvas that it can reach."""
        low, high = np.minimum(*ends) - 1.5 * radius, np.maximum(*ends) + 1.5 * radius
        near = (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])
        rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        if not len(rows):
            return
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        along, off = _along(x[part], y[part], *ends)
        edge = np.clip(0.5 + (radius - off) * len(x), 0, 1)[..., None]
        stripe = 18 * np.sin(self._stripes[cover] * along)[..., None]
        canvas[part] += edge * (self._colors[cover] + stripe - canvas[part])

    def _camera(self, time_s: float) -> tuple[Float32, Float32]:
        """Where each pixel looks."""
        wave = math.sin(2 * math.pi * time_s / self._period_s + self._phase)
        # a camera in the hand trembles a little about three times a second
        tremble = [self._tremble * math.sin(19 * time_s), self._tremble * math.sin(23 * time_s + 1)]
        scale, roll = 1 + self._zoom * wave, self._roll * wave
        cosine, sine = np.float32(scale * math.cos(roll)), np.float32(scale * math.sin(roll))
        x = self._x * cosine - self._y * sine + np.float32(self._pan * wave + tremble[0])
        y = self._x * sine + self._y * cosine + np.float32(0.5 + tremble[1])
        return x, y


def _along(x: Float32, y: Float32, start: FloatArray, end: FloatArray) -> tuple[Float32, Float32]:
    """Of each spot its place along a bone and its distance from it."""
    bone = end - start
    length = float(np.hypot(*bone))
    way = bone / length if length else np.zeros(2)
    along = np.clip((x - start[0]) * way[0] + (y - start[1]) * way[1], 0, length)
    return along, np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1])


def pictures(
    shown: Dance, rate: Fraction = RATE, width: int = WIDTH, height: int = HEIGHT
) -> Iterator[NDArray[np.uint8]]:
    """All pictures of a dance, (h, w, 3) each."""
    times_s = np.arange(round(shown.duration_s * float(rate))) / float(rate)
    stage = Stage(shown.number, width, height)
    for time_s, places in zip(times_s, joints(shown, times_s), strict=True):
        yield stage.picture(float(time_s), places)


def film(shown: Dance, path: Path, rate: Fraction = RATE) -> Path:
    """Write a dance as an H.264 film without sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures(shown, rate):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
