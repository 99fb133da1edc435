"""How hard notes are struck: what the model leaves between silence and a stroke is heard as a stroke.

Where the model is not sure whether a note is struck it writes something between, which read as it stands is
a note that nobody hears; and the guidance that follows the curve drives others beyond the loudest. Order is
what can be trusted: of two notes the one that the model strikes harder is the louder. So the strengths of a
part's strokes are brought, by their rank among what the model usually writes, to those of composed music.

Conventions: axes t latent frame, c channel. Source of the table: `python -m v2m_training.typical_strengths`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from v2m.codecs.layout import DRUMS, HARMONY, LINES, STRIKE_THRESHOLD

STROKES: Final[Mapping[str, tuple[slice, ...]]] = {
    "drums": (DRUMS.voices, DRUMS.seconds),
    "harmony": (slice(HARMONY.attack, HARMONY.attack + 1),),
    **{part: (slice(line.attack, line.attack + 1),) for part, line in LINES.items()},
}
"""By part, the channels that say how hard it strikes."""


@cache
def typical_strengths() -> dict[str, dict[str, list[float]]]:
    """By part, quantiles of the strokes that the weights that ship write and of those of composed pieces."""
    file = resources.files("v2m.backbones") / "typical_strengths.json"
    table: dict[str, dict[str, list[float]]] = json.loads(file.read_text(encoding="utf-8"))
    return table


def as_composed(latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """Latents (t, c) whose strokes are as hard as in composed music; what is no stroke stays."""
    struck = latents.copy()
    for part, channels in STROKES.items():
        known = typical_strengths()[part]
        for channel in channels:
            codes = struck[:, channel]
            heard = np.interp(codes, known["written"], known["composed"])
            struck[:, channel] = np.where(codes > STRIKE_THRESHOLD, heard, codes)
    return struck
