"""Prompts to embeddings, by a language model that is several times larger than the one that composes.

It is read from only once a prompt, so it is let go again where memory is short, and what it said is kept.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Final

from torch import Tensor

from v2m.backbones.sound.arithmetic import Arithmetic
from v2m.backbones.sound.text_encoder import TextEncoder
from v2m.errors import MissingPartError
from v2m.model.memory import free_bytes

SHARED_NAME: Final = "gemma-3-4b-it"
"""The folder of the store that the paper's text encoder lies in, for captions and for this."""

_REMEMBERED: Final = 16
"""Prompts whose embeddings are kept, 2.6 MB each at most."""


class Words:
    """A text encoder and what it said."""

    def __init__(self, folder: Path, arithmetic: Arithmetic, longest: int) -> None:
        self._folder, self._arithmetic, self._longest = folder, arithmetic, longest
        self._encoder: TextEncoder | None = None
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def of(self, prompt: str) -> Tensor:
        """(1, n, e) of a prompt; (1, 0, …) is never given: an empty prompt still has its beginning.

        Raises:
            CheckpointError: an InputError; the encoder's files are broken.
        """
        if prompt not in self._known:
            if self._encoder is None:
                self._encoder = TextEncoder(self._folder, self._arithmetic.device, self._arithmetic.dtype)
            self._known[prompt] = self._encoder(prompt, self._longest)
            self._let_go_if_short()
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(prompt)
        return self._known[prompt]

    def _let_go_if_short(self) -> None:
        size = sum(path.stat().st_size for path in self._folder.glob("*.safetensors"))
        free = free_bytes(str(self._arithmetic))
        if free is not None and free < size:  # as much again as it takes has to be left for composing
            self._encoder = None
            self._arithmetic.give_back()


def text_encoder_folder(root: Path) -> Path:
    """Where a model's text encoder lies: its own, or the one of the store.

    Raises:
        MissingPartError: in neither place.
    """
    for place in (root / "text_encoder", root.parent / SHARED_NAME):
        if (place / "config.json").is_file():
            return place
    raise MissingPartError(
        f"The model in {root} has no text_encoder, and there is no {SHARED_NAME} beside it.",
        hint=f"Add it with `v2m models add {SHARED_NAME}`.",
    )
