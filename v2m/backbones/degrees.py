"""Degrees of a key that was asked for: each is led to sound about as often as in music of its mode.

A key is heard by how long each degree sounds. The model writes in degrees, yet where it is not sure it stays
on two or three of them, and a C minor that dwells on its sixth is heard as A flat major. At every step of the
solver the degrees that are foreseen over a window are therefore counted, for each part; those that are rarer
than in composed music of the mode are raised a little and those that are more frequent lowered. Which of them
sound, and when, stays the model's. The listeners' ratings that `v2m.metrics.key` judges by are not looked at.

Conventions: degrees in semitones over the tonic, 0-11. Axes: t latent frame, c channel, n a part's pitch
channels. Source of the table: `python -m v2m_training.typical_degrees`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import torch
from torch import Tensor

from v2m.codecs.layout import HELD, STRIKE_THRESHOLD
from v2m.model.sampler import Lead

GAIN: Final = 0.25
"""What a degree is raised by that sounds e times too seldom; silence and sound are 1.1 to 2 apart. A key that
was asked for is then recognized in 64 of 64 pieces (`benchmarks/words.py`)."""

MOST: Final = 0.5
"""And at most."""

UNTIL: Final = 0.9
"""The last step is the model's own, so that it decides clearly what is half struck."""

_LEAST_SHARE: Final = 0.03
"""Rarer degrees of a mode are colour, which is left alone."""

_FLOOR: Final = 0.01
"""Added to shares, so that the logarithm of none is finite."""

_FEWEST_FRAMES: Final = 4
"""A part that sounds for less than a beat has no degrees to speak of."""

_PARTS: Final = ("bass", "harmony", "lead", "extras")
_IN_CHORDS: Final = 8.0
_IN_LINES: Final = 4.0
"""Steepness of the soft count: of a pitch that sounds or not, and of the one among twelve that does."""


@cache
def typical_degrees() -> dict[str, dict[str, list[float]]]:
    """By mode and part, the share of the time of its notes that each of the twelve degrees has."""
    file = resources.files("v2m.backbones") / "typical_degrees.json"
    table: dict[str, dict[str, list[float]]] = json.loads(file.read_text(encoding="utf-8"))
    return table


@dataclass(frozen=True)
class _PartDegrees:
    """The pitch channels of a part and how often its degrees should sound."""

    channels: list[int]
    degree: Tensor
    """(n, 12) one-hot: which degree each channel is of."""

    typical: Tensor  # (12,)
    hold: int | None
    """Channel that says whether a line sounds; None for the chords, whose pitches say it each by itself."""

    def change(self, foreseen: Tensor) -> Tensor:
        """(t, c) -> (n,) what is added to the part's pitch channels."""
        values = foreseen[:, self.channels]
        if self.hold is None:
            shown = torch.sigmoid(_IN_CHORDS * (values - (HELD - 1) / 2))
            counted = shown.sum(0) @ self.degree
        else:
            sounds = (foreseen[:, self.hold] > STRIKE_THRESHOLD).to(values.dtype)
            counted = (torch.softmax(_IN_LINES * values, dim=1) * sounds[:, None]).sum(0) @ self.degree
        if counted.sum() < _FEWEST_FRAMES:
            return torch.zeros_like(values[0])
        shares = counted / counted.sum()
        wish = GAIN * torch.log((self.typical + _FLOOR) / (shares + _FLOOR))
        return self.degree @ torch.where(self.typical < _LEAST_SHARE, 0.0, wish.clamp(-MOST, MOST))


def lead_to_degrees(mode: str, channels: tuple[str, ...], device: torch.device, then: Lead | None) -> Lead:
    """What keeps the degrees of a mode in their shares, after another lead.

    Args:
        mode: `major`, `minor`, `dorian` …; one that the table lacks is led nowhere.
        channels: names of what the model composes.
        device: that the sampler computes on.
        then: asked first, if given.
    """
    typical = typical_degrees().get(mode, {})
    parts = [_part(part, typical[part], channels, device) for part in _PARTS if part in typical]

    def lead(x: Tensor, velocity: Tensor, time: float) -> Tensor:
        velocity = velocity if then is None else then(x, velocity, time)
        if time >= UNTIL:
            return velocity
        foreseen = (x + (1 - time) * velocity.to(x.dtype))[0]  # (t, c)
        change = torch.zeros_like(foreseen[0])
        for part in parts:
            change[part.channels] = part.change(foreseen)
        return velocity + change / (1 - time)

    return lead


def _part(part: str, typical: list[float], channels: tuple[str, ...], device: torch.device) -> _PartDegrees:
    kind = f"{part}.roll." if part == "harmony" else f"{part}.pitch class."
    own = [i for i, name in enumerate(channels) if name.startswith(kind)]
    degree = torch.tensor([int(channels[i].removeprefix(kind)) % 12 for i in own])
    one_hot = torch.nn.functional.one_hot(degree, 12).to(device, torch.float32)
    hold = None if part == "harmony" else channels.index(f"{part}.hold")
    return _PartDegrees(own, one_hot, torch.tensor(typical, device=device), hold)
