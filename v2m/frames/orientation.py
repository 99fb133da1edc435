"""How a stored picture is turned before it is shown: one of the eight ways a phone can be held.

Conventions: `degrees` are clockwise, as a person says it. Source: the display matrix of ISO/IEC 14496-12
(tkhd), of which FFmpeg hands nine 16.16 numbers a b u c d v x y w that send (x, y) to (ax + cy, bx + dy).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """Swap rows and columns first, then flip."""

    transposed: bool = False
    flipped_x: bool = False
    flipped_y: bool = False

    @classmethod
    def from_matrix(cls, matrix: bytes) -> Orientation:
        """The nearest of the eight orientations to a display matrix; upright for one that is malformed."""
        if len(matrix) != 36:
            return cls()
        a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(transposed=False, flipped_x=a < 0, flipped_y=d < 0)
        return cls(transposed=True, flipped_x=c < 0, flipped_y=b < 0)

    @property
    def mirrored(self) -> bool:
        """Whether text reads backwards in the stored picture."""
        return self.transposed ^ self.flipped_x ^ self.flipped_y

    @property
    def degrees(self) -> int:
        """Clockwise turn of the stored picture: 0, 90, 180 or 270, after a left-right flip if `mirrored`."""
        return _DEGREES[self.transposed, self.flipped_x, self.flipped_y]

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (h, w, 3) as a viewer sees it, as a view where that is possible."""
        if self.transposed:
            picture = picture.swapaxes(0, 1)
        return picture[:: -1 if self.flipped_y else 1, :: -1 if self.flipped_x else 1]


_DEGREES: Final = {
    (False, False, False): 0,
    (True, True, False): 90,
    (False, True, True): 180,
    (True, False, True): 270,
    # mirrored
    (False, True, False): 0,
    (True, True, True): 90,
    (False, False, True): 180,
    (True, False, False): 270,
}
