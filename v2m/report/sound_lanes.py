"""The sound as a waveform and as a spectrum over time."""

from __future__ import annotations

import base64
from typing import Final

import numpy as np

from v2m.curves import FloatArray
from v2m.report.axis import WIDTH, stretched
from v2m.report.contents import Contents
from v2m.report.lane import Lane
from v2m.report.listening import BANDS, HIGH_HZ, LOW_HZ
from v2m.report.markup import tag
from v2m.report.png import paletted_png

_HEIGHT: Final = 200

_QUIET_RGB: Final = (86, 104, 214)
_MIDDLE_RGB: Final = (176, 62, 160)
_LOUD_RGB: Final = (226, 76, 72)
"""Middle tones that stand out from white and from black alike; silence is clear."""

_SHADES: Final = 64
"""Levels told apart: about 1 dB each, less than is seen."""


def waveform(contents: Contents) -> Lane:
    """The lane of the waveform."""
    heard = contents.listening
    outline = tag("path", d=_band(heard.lows, heard.highs), class_="peak")
    body = tag("path", d=_band(-heard.rms, heard.rms), class_="rms")
    peak = max(float(np.abs(heard.lows).max()), float(np.abs(heard.highs).max()))
    aside = [tag("span", f"peak {20 * np.log10(peak):.1f} dBFS" if peak > 0 else "silent")]
    loudness = contents.record.settings.get("loudness_lufs")
    if loudness is not None:
        aside.append(tag("span", f"asked {loudness:g} LUFS"))
    told = "The waveform of the music: peaks, and the root mean square within."
    return Lane("wave", "Waveform", told, stretched(_HEIGHT, outline, body), aside)


def _band(lows: FloatArray, highs: FloatArray) -> str:
    """The area between two curves, forth along the one and back along the other."""
    places = np.rint((np.arange(len(lows)) + 0.5) * WIDTH / len(lows)).astype(int).tolist()
    tops, bottoms = (
        np.rint(_HEIGHT / 2 * (1 - np.clip(values, -1, 1))).astype(int).tolist() for values in (highs, lows)
    )
    forth = "L".join(f"{x} {y}" for x, y in zip(places, tops, strict=True))
    back = "L".join(f"{x} {y}" for x, y in zip(reversed(places), reversed(bottoms), strict=True))
    return f"M{forth}L{back}z"


def spectrogram(contents: Contents) -> Lane:
    """The lane of the spectrum."""
    levels = np.clip(contents.listening.spectrum[::-1], 0, 1)
    png = paletted_png(np.rint(levels * (_SHADES - 1)).astype(np.uint8), spectrum_palette())
    picture = tag(
        "image", href="data:image/png;base64," + base64.b64encode(png).decode("ascii"), x=0, y=0, width=WIDTH,
        height=_HEIGHT, preserve_aspect_ratio="none",
    )  # fmt: skip
    lines = [
        tag("path", d=f"M0 {_height(hz):.0f}h{WIDTH}", class_="octave") for hz in (100.0, 1000.0, 10_000.0)
    ]
    told = f"The spectrum of the music from {LOW_HZ:.0f} Hz to {HIGH_HZ / 1000:.0f} kHz over time."
    aside = [
        tag("span", f"{LOW_HZ:.0f} Hz \N{EN DASH} {HIGH_HZ / 1000:.0f} kHz"),
        tag("span", "lines: 100, 1k, 10k"),
    ]
    return Lane("spectrum", "Spectrum", told, stretched(_HEIGHT, picture, lines), aside)


def _height(frequency_hz: float) -> float:
    edges = np.log([LOW_HZ, HIGH_HZ])
    return float(
        _HEIGHT * (1 - (np.log(frequency_hz) - edges[0]) / (edges[1] - edges[0]) * BANDS / (BANDS + 1))
    )


def spectrum_palette() -> list[tuple[int, int, int, int]]:
    """Colours and opacities of the levels."""
    at = np.linspace(0.0, 1.0, _SHADES)
    colors = [
        np.interp(at, [0.0, 0.6, 1.0], list(channel))
        for channel in zip(_QUIET_RGB, _MIDDLE_RGB, _LOUD_RGB, strict=True)
    ]
    alphas = np.clip(1.15 * at**2.4, 0.0, 1.0) * 255
    table = np.rint(np.stack([*colors, alphas], axis=1)).astype(int)
    return [(int(r), int(g), int(b), int(a)) for r, g, b, a in table]
