"""The cosine between vectors, row by row: what CLAP and robustness are told in."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_LEAST: Final = 1e-8
"""Lengths below this count as this, as in torch.nn.functional.cosine_similarity: a zero row has cosine 0."""


def cosine(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cosine of the rows of two arrays (n, d): (n,) in -1..1."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(axis=1) / np.maximum(lengths, _LEAST))
