"""What every encoder is to the rest of the library: pictures or sound in, `Features` out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from v2m.curves import Features, FloatArray


class PictureEncoder(Protocol):
    """Takes the small pictures of one programme, batch by batch, and gives its features."""

    @property
    def name(self) -> str:
        """As `Features.encoder` and `--encoder` say it."""
        ...

    @property
    def max_rate_hz(self) -> float | None:
        """More pictures a second of programme than this need not come; None wants all.

        They are left out evenly: of 50 with a limit of 30 every other one.
        """
        ...

    @property
    def weights_sha256(self) -> str:
        """Hash of the pretrained weights and their configuration, empty for an encoder without any."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of a take that is made with it."""
        ...

    def size(self, aspect: float) -> tuple[int, int]:
        """Width and height in pixels of the pictures that it wants, of a programme of this shape."""
        ...

    def push(
        self, times_s: FloatArray, pictures: NDArray[np.uint8], shots: NDArray[np.intp] | None = None
    ) -> None:
        """Take pictures (n, h, w, 3) RGB, whole frames, with their programme times (n,); in any order.

        Args:
            times_s: when each begins to be seen.
            pictures: of the size that `size` says.
            shots: number of the shot that shows each, None where all belong to one.
        """
        ...

    def features(self) -> Features:
        """Features of all pictures so far, in order of time."""
        ...


class Sound(Protocol):
    """Samples (n,) or (n, channels) that are read span by span: an array, or a file too long for one."""

    def __len__(self) -> int:
        """Length in samples."""
        ...

    def __getitem__(self, span: slice, /) -> NDArray[np.floating]:
        """The samples of a span."""
        ...


class SoundEncoder(Protocol):
    """Gives the features of one piece of sound."""

    def __call__(self, samples: Sound, sample_rate_hz: int) -> Features:
        """Features of samples (n,) or (n, channels)."""
        ...
