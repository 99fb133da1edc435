"""FAD: how far a body of generated music lies from a body of reference music, in VGGish's space.

Lower is nearer. A FAD says nothing without the number of patches it stands on (`v2m.metrics.frechet`), so
both numbers of patches and the value extrapolated to endlessly many are told with it. Which reference is
meant is part of the name: the paper's FAD* is against SongDescriber, its FAD against the benchmark's own.

Conventions: files of any format and rate, mixed to mono and resampled to 16 kHz; a file that is shorter than
one patch is counted, not silently dropped. Source: Kilgour et al., "Fréchet Audio Distance" (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from v2m.errors import InputError
from v2m.metrics.beats import read_mono
from v2m.metrics.frechet import Gaussian, Infinity, frechet_distance, frechet_infinity
from v2m.metrics.vggish_input import RATE_HZ

RESAMPLER: Final = "soxr_hq"


class Embedder(Protocol):
    """Sound (s,) at 16 kHz in, (n, d) out; `VGGish` is one."""

    def embed(self, mono: NDArray[np.floating]) -> NDArray[np.float32]:
        """Vectors of some sound."""
        ...


@dataclass(frozen=True)
class FAD:
    """A distance and what it stands on."""

    value: float
    infinity: Infinity | None
    """None with fewer than 20 patches."""

    patches: int
    reference_patches: int
    files: int
    reference_files: int
    too_short: int
    """Files of either body without a whole patch."""

    resampler: str = RESAMPLER


@dataclass(frozen=True)
class Body:
    """The vectors of a body of music."""

    vectors: NDArray[np.float32]  # (n, d)
    files: int
    too_short: int


def embed_files(
    paths: Iterable[Path], network: Embedder, on_file: Callable[[Path], None] = lambda path: None
) -> Body:
    """Embed every file; nothing is left out in silence.

    Raises:
        MediaError: a file cannot be read.
    """
    vectors, short = [], 0
    for path in paths:
        found = network.embed(read_mono(path, RATE_HZ))
        short += len(found) == 0
        vectors.append(found)
        on_file(path)
    if not vectors:
        raise InputError("No sound files are given, expected some music.")
    return Body(np.concatenate(vectors), len(vectors), short)


def audio_distance(reference: Body, judged: Body) -> FAD:
    """The FAD of one body to another.

    Raises:
        InputError: a body has fewer than two patches.
    """
    value = frechet_distance(Gaussian.of(reference.vectors), Gaussian.of(judged.vectors))
    enough = len(judged.vectors) >= 20
    return FAD(
        value=value,
        infinity=frechet_infinity(reference.vectors, judged.vectors) if enough else None,
        patches=len(judged.vectors),
        reference_patches=len(reference.vectors),
        files=judged.files,
        reference_files=reference.files,
        too_short=reference.too_short + judged.too_short,
    )
