"""Windows to compose, as a test of one family usually asks for them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from v2m.backbones.sound.model import SoundWindow

Windows = Callable[..., SoundWindow]


def windows(**usual: Any) -> Windows:
    """Makes short windows with whatever a test wants otherwise; nothing is seen but what is `usual`."""

    def made(**other: Any) -> SoundWindow:
        asked: dict[str, Any] = {"prompt": "warm strings", "first_frame": 0, "seeds": (5,), **usual, **other}
        return SoundWindow(**{"curve": np.zeros(asked["frame_count"], np.float32), **asked})

    return made
