"""Models that stay loaded from one use to the next, and give way to what needs their memory.

A worker that does one job after the other keeps what it loaded; a command that does one thing and ends keeps
nothing. Whoever is about to need memory asks for room first: models that nobody used for longest go, until it
suffices, and where it still does not, what is asked for is refused with the numbers before it is begun.

Conventions: bytes; devices as in `v2m.model.memory`. One thread works with models.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from v2m.errors import OutOfMemoryError
from v2m.model.memory import free_bytes

M = TypeVar("M")

_BESIDE_WEIGHTS: Final = 1.15
"""What computing keeps beside the weights, as a factor: states of a batch, keys and values of a text."""


@dataclass(frozen=True)
class Wanted:
    """A model that is about to be used."""

    name: str
    key: Hashable
    """Equal for the same weights in the same numbers on the same device."""

    device: str
    weights_bytes: int
    """Once it is loaded there."""

    hint: str
    """What to do where it does not fit."""


@dataclass(frozen=True)
class _Kept:
    model: Any
    device: str
    give_back: Callable[[], None]


class WarmModels:
    """Loaded models, the one that was used longest ago first."""

    def __init__(self, *, keeps: bool = False) -> None:
        """Begin with none.

        Args:
            keeps: whether what is loaded by `get` stays when whoever loaded it is done.
        """
        self.keeps = keeps
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def get(self, wanted: Wanted, load: Callable[[], M]) -> M:
        """The model, loaded unless it is warm.

        Raises:
            OutOfMemoryError: it would not fit; says the numbers.
            V2MError: whatever `load` raises.
        """
        if (found := self.find(wanted.key)) is not None:
            model: M = found
            return model
        needed = int(wanted.weights_bytes * _BESIDE_WEIGHTS)
        free = self.make_room(needed, wanted.device)
        if free is not None and needed > free:
            raise OutOfMemoryError(
                f"{wanted.name} needs about {needed / 1e9:.1f} GB on {wanted.device}, "
                f"{free / 1e9:.1f} GB are free.",
                hint=wanted.hint,
            )
        model = load()
        if self.keeps:
            self.keep(wanted.key, model, wanted.device)
        return model

    def find(self, key: Hashable) -> Any | None:  # noqa: ANN401 - whatever was kept under that key
        """The warm model of a key, None if there is none."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key].model

    def keep(
        self,
        key: Hashable,
        model: object,
        device: str,
        give_back: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep a model; `give_back` frees it where letting go of it is not enough."""
        self._kept[key] = _Kept(model, device, give_back)

    def make_room(self, needed: int, device: str, *, but: object = None) -> int | None:
        """Let go of models until so much is free on a device; of all there where it does not say.

        Args:
            needed: bytes.
            device: where.
            but: a model that stays, for it is what the room is for.

        Returns:
            What is free then; None where the system does not say.
        """
        free = free_bytes(device)
        there = [
            key
            for key, kept in self._kept.items()
            if kept.model is not but and _place(kept.device) == _place(device)
        ]
        for key in there:
            if free is not None and free >= needed:
                break
            self.let_go(key)
            free = free_bytes(device)
        return free

    def let_go(self, key: Hashable) -> None:
        """Give back the memory of a model; one that is not here is none."""
        if (kept := self._kept.pop(key, None)) is None:
            return
        kept.give_back()
        place = _place(kept.device)
        del kept
        give_back(place)


def give_back(device: str) -> None:
    """Return to a device what is no longer used."""
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()


def _place(device: str) -> str:
    return device.partition(" ")[0]


WARM: Final = WarmModels()
"""Of this process; a worker that stays sets `keeps`."""
