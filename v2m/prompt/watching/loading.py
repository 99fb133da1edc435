"""Models of language from a local folder, by transformers: whole, finite, within the memory, or not at all.

Nothing is ever asked of a hub, no code of a model's folder is run, and only safetensors are read.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import torch

from v2m.backbones.sound.checkpoint import folder_hash
from v2m.backbones.sound.config_file import read_config
from v2m.errors import CheckpointError, MissingPartError, OutOfMemoryError, V2MError
from v2m.model.device import choose_device, fast_dtype, is_out_of_memory
from v2m.model.warm import WARM, Wanted, give_back

Foreign: TypeAlias = Any
"""Of transformers, which has no types."""

_DECIDING: Final = ("*.safetensors", "*.json", "*.model", "*.jinja", "*.txt")
"""Files that decide what a model answers."""

INSTALL: Final = 'Install it with: pip install "v2m[models]"'


class LocalModel:
    """A folder with a pretrained model, loaded when it is first asked and let go of on `unload`."""

    def __init__(self, folder: Path, name: str) -> None:
        """Look at the folder, and read nothing but its configuration.

        Raises:
            MissingPartError: there is no model in it.
            CheckpointError: its configuration is damaged.
        """
        self.folder, self.name = folder, name
        self.device = choose_device()
        self._model: Foreign = None
        if not any(folder.glob("*.safetensors")):
            raise MissingPartError(
                f"{name} is not here: there are no weights in {folder}.",
                hint=f"Add it with `v2m models add {name}`.",
            )
        told = read_config(folder / "config.json")
        if "model_type" not in told:
            raise CheckpointError(
                f"The configuration of {name} does not say its model_type.", hint=f"Add {name} again."
            )
        self.kind = str(told["model_type"])

    @property
    def sha256(self) -> str:
        """Hash of all that decides its answers."""
        return folder_hash(
            path for pattern in _DECIDING for path in self.folder.glob(pattern) if path.name != "model.json"
        )

    def loaded(self, auto: str) -> Foreign:
        """The model in evaluation mode, loaded by a class of transformers.

        Raises:
            MissingPartError: transformers is not installed.
            CheckpointError: files are damaged, of another model, or hold numbers that are not finite.
            OutOfMemoryError: it would not fit; says the numbers.
        """
        if self._model is None:
            wanted = Wanted(
                name=self.name,
                key=(self.name, self.sha256, str(self.device)),
                device=str(self.device),
                weights_bytes=sum(path.stat().st_size for path in self.folder.glob("*.safetensors")),
                hint="Close other programs, or give the words yourself with --prompt.",
            )
            self._model = WARM.get(wanted, lambda: self._load(transformers(auto)))
        return self._model

    def part(self, auto: str) -> Foreign:
        """A tokenizer or another reader of small files, by a class of transformers.

        Raises:
            MissingPartError: transformers is not installed.
            CheckpointError: its files are missing or damaged.
        """
        kind = transformers(auto)
        try:
            return kind.from_pretrained(self.folder, local_files_only=True)
        except Exception as error:  # the library raises whatever its parsers raise
            raise CheckpointError(
                f"{self.name} cannot be read by {auto}: its folder lacks files, or they are damaged.",
                hint=f"Add {self.name} again, with all of its small files.",
                detail=repr(error),
            ) from error

    def unload(self) -> None:
        """Be done with it: it stays warm where models are kept, else its memory is given back."""
        self._model = None
        give_back(str(self.device))

    def _load(self, kind: Foreign) -> Foreign:
        # on a CPU as stored: the official ones are bfloat16, and would take twice the memory in float32
        dtype = fast_dtype(self.device) if self.device.type == "cuda" else "auto"
        try:
            model, told = kind.from_pretrained(
                self.folder, local_files_only=True, use_safetensors=True, dtype=dtype,
                output_loading_info=True,
            )  # fmt: skip
            self._check(model, told)
            return model.to(self.device).eval()
        except V2MError:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemoryError(
                    f"{self.name} did not fit into the memory of {self.device}."
                ) from error
            raise CheckpointError(
                f"{self.name} cannot be loaded: its files are damaged or cut short, or of another model.",
                hint=f"Check them with `v2m models verify {self.name}`.",
                detail=repr(error)[:500],
            ) from error

    def _check(self, model: Foreign, told: Foreign) -> None:
        missing = sorted(told["missing_keys"])
        if missing:
            raise CheckpointError(
                f"{self.name} lacks {len(missing)} tensors, such as {missing[0]}.",
                hint=f"Add {self.name} again, from its whole folder.",
            )
        for name, value in model.state_dict().items():
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                raise CheckpointError(f"{self.name}: {name} holds numbers that are not finite.")


def transformers(name: str) -> Foreign:
    """A class of transformers.

    Raises:
        MissingPartError: it is not installed.
    """
    try:
        library: Any = import_module("transformers")
    except ImportError as error:
        raise MissingPartError("The library transformers is not installed.", hint=INSTALL) from error
    library.utils.logging.set_verbosity_error()  # its bars and advice would stand between our own words
    library.utils.logging.disable_progress_bar()
    return getattr(library, name)
