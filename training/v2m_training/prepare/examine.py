"""One look at a piece of music: what it sounds like, its fingerprint, its sharp event curves.

Done in worker processes, without any model of sound. What was found lies in the cache under the content of
the file, so a piece that moved or was renamed is not heard again.
Conventions: as in `prepared`; facts in the file's header are those of `Sounding`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from v2m.curves import FINE_RATE_HZ, event_curve
from v2m.errors import InputError, MediaError
from v2m.frames.sound import read_sound
from v2m.timebase import SAMPLE_RATE_HZ
from v2m_training.prepare.cache import Cache
from v2m_training.prepare.checks import Sounding, measured
from v2m_training.prepare.encoders import identity, sound_encoder
from v2m_training.prepare.fingerprint import fingerprint
from v2m_training.prepare.manifest import Entry

_RECIPE: Final = 1
"""Of what is computed here; another number computes all of it again."""

_LONGEST_S: Final = 7200.0
"""Longer files are no pieces, whatever the limits say: two hours are 2.8 GB of samples."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Look:
    """What is asked of a worker."""

    entry: Entry
    encoders: tuple[str, ...]
    cache: Path


@dataclass(frozen=True)
class Examined:
    """What was found."""

    entry: Entry
    sha256: str = ""
    sounding: Sounding | None = None
    place: str = ""
    """Of the curves and the fingerprint in the cache."""

    error: str = ""
    """Why nothing was found: a file that is missing or broken."""


def examine(look: Look) -> Examined:
    """Look at a piece, or find what an earlier look found."""
    entry, cache = look.entry, Cache(look.cache)
    try:
        sha256 = with_file(entry, _sha256)
        recipe = {
            "recipe": _RECIPE,
            "encoders": [identity(name) for name in look.encoders],
            "rate_hz": FINE_RATE_HZ,
        }
        place = cache.place("curves", sha256, recipe)
        facts = cache.facts(place)
        if facts is None:
            samples = with_file(entry, _samples)
            facts = {"sounding": json.dumps(asdict(measured(samples, SAMPLE_RATE_HZ)))}
            cache.put(place, _heard(samples, look.encoders), facts)
    except (InputError, OSError) as error:
        return Examined(entry, error=getattr(error, "message", str(error)))
    return Examined(entry, sha256, Sounding(**json.loads(facts["sounding"])), place)


def with_file(entry: Entry, work: Callable[[Path], _Result]) -> _Result:
    """Do something with an entry's file; what lies in a shard is a file of its own for that long.

    Raises:
        MediaError: the file or the shard is not there.
        OSError: it cannot be read.
    """
    if not entry.path.is_file():
        raise MediaError(f"{entry.path} is not there.")
    if not entry.member:
        return work(entry.path)
    with entry.path.open("rb") as shard, tempfile.TemporaryDirectory(prefix="v2m-") as folder:
        shard.seek(entry.span[0])
        path = Path(folder) / f"member{Path(entry.member).suffix}"
        path.write_bytes(shard.read(entry.span[1]))
        return work(path)


def read_samples(entry: Entry) -> NDArray[np.float32]:
    """An entry's sound, (s, 2) at the library's rate.

    Raises:
        MediaError: it cannot be read.
    """
    return with_file(entry, _samples)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _samples(path: Path) -> NDArray[np.float32]:
    return read_sound(path, longest_s=_LONGEST_S)


def _heard(samples: NDArray[np.float32], encoders: tuple[str, ...]) -> dict[str, NDArray[np.generic]]:
    arrays: dict[str, NDArray[np.generic]] = {"fingerprint": fingerprint(samples, SAMPLE_RATE_HZ)}
    for name in encoders:
        features = sound_encoder(name)(samples, SAMPLE_RATE_HZ)
        sharp = event_curve(features, len(samples) / SAMPLE_RATE_HZ, rate_hz=FINE_RATE_HZ, kernel_s=0.0)
        arrays[name] = sharp.values.astype(np.float32)
    return arrays
