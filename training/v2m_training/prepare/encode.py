"""The latents of a piece, by the very model that will be fine-tuned.

Conventions: float16 (t, c): the latents of an autoencoder are about standard normal, of which that keeps
three digits; a rounding of 0.0005 is far below the noise at which training ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from v2m.backbones import SOUND_BACKBONES, added_folder
from v2m.backbones.sound.model import SoundModel
from v2m.errors import UsageError
from v2m.timebase import SAMPLE_RATE_HZ
from v2m_training.prepare.cache import Cache
from v2m_training.prepare.examine import read_samples
from v2m_training.prepare.manifest import Entry
from v2m_training.prepare.sound import resampled

ModelSource = Callable[[], SoundModel]
"""Makes the model; goes to worker processes, so it must be importable by name."""

_RECIPE = 1


def load_model(name: str, weights: Path | None, device: str) -> SoundModel:
    """The model of a name, from a folder or from the store.

    Raises:
        UsageError: there is no such model.
        MissingPartError: it was not added, or a library is not here.
    """
    if name not in SOUND_BACKBONES:
        raise UsageError(
            f"There is no model of sound {name!r}, expected one of {', '.join(SOUND_BACKBONES)}."
        )
    folder = weights or added_folder(name)
    module, _, kind = SOUND_BACKBONES[name].partition(":")
    family: Any = getattr(import_module(module), kind)
    model: SoundModel = family(folder, name=name, device=device)
    return model


@dataclass(frozen=True)
class Encoding:
    """What is asked of a worker."""

    entry: Entry
    sha256: str
    model: ModelSource
    weights_sha256: str
    cache: Path


def latents_place(cache: Cache, sha256: str, weights_sha256: str) -> str:
    """Where a piece's latents lie in the cache."""
    return cache.place("latents", sha256, {"recipe": _RECIPE, "weights": weights_sha256})


def encode(work: Encoding) -> tuple[str, int]:
    """Encode a piece, or find what was encoded before: the latents' place in the cache, and their frames.

    Raises:
        MediaError: the file is no longer what it was.
        UnfinishedError: memory did not suffice.
    """
    cache = Cache(work.cache)
    place = latents_place(cache, work.sha256, work.weights_sha256)
    facts = cache.facts(place)
    if facts is not None:
        return place, int(facts["frames"])
    model = _model(work.model)
    samples = resampled(read_samples(work.entry), SAMPLE_RATE_HZ, model.grid.sample_rate_hz)
    latents = model.encode(samples).astype(np.float16)
    cache.put(place, {"latents": latents}, {"frames": str(len(latents))})
    return place, len(latents)


_loaded: tuple[ModelSource, SoundModel] | None = None
"""One a process: reading the weights takes longer than encoding a piece."""


def _model(source: ModelSource) -> SoundModel:
    global _loaded
    if _loaded is None or _loaded[0] != source:
        _loaded = (source, source())
    return _loaded[1]
