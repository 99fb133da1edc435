"""A text encoder from a local folder, by transformers: words to embeddings, one text at a time.

Each text is encoded alone and without padding, so no mask is needed and a text's embeddings do not depend
on its neighbours. Nothing is ever asked of a hub.

Conventions: n token, e embedding width; embeddings are (1, n, e), the last hidden state.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from v2m.backbones.sound.config_file import read_config
from v2m.errors import CheckpointError, MissingPartError
from v2m.model.device import is_out_of_memory


class TextEncoder:
    """A language model that is only read from, with its tokenizer."""

    def __init__(
        self, folder: Path, device: torch.device, dtype: torch.dtype, *, tokenizer_folder: Path | None = None
    ) -> None:
        """Load it.

        Args:
            folder: with `config.json` and safetensors, and the tokenizer unless it lies elsewhere.
            device: to compute on.
            dtype: to compute in.
            tokenizer_folder: where the tokenizer's files are.

        Raises:
            CheckpointError: an InputError; the files are missing, broken or of another model.
            MissingPartError: transformers is not installed.
        """
        self.device = device
        read_config(folder / "config.json")  # the library would build whatever it says
        self._tokenizer = _tokenizer(tokenizer_folder or folder)
        self._model = _model(folder, dtype).to(device).eval()

    @torch.no_grad()
    def __call__(self, text: str, longest: int) -> Tensor:
        """(1, n, e) of a text's first `longest` tokens.

        Raises:
            CheckpointError: an InputError; its configuration makes no sense, or the weights give numbers that
                are not finite.
        """
        tokens = self._tokens(text, longest)
        try:
            embeddings: Tensor = self._model(input_ids=tokens).last_hidden_state
        except Exception as error:  # whatever a library raises that was configured to what cannot be
            if is_out_of_memory(error):
                raise
            raise CheckpointError(
                "The text encoder cannot compute as its configuration says.",
                hint="Fetch its config.json again.",
                detail=repr(error),
            ) from error
        if not bool(torch.isfinite(embeddings).all()):
            raise CheckpointError(
                "The text encoder gives numbers that are not finite.", hint="Fetch its weights again."
            )
        return embeddings

    @torch.no_grad()
    def table(self, text: str, longest: int) -> Tensor:
        """(1, n, e): only the tokens' rows of the table, with no context."""
        rows: Tensor = self._model.get_input_embeddings()(self._tokens(text, longest))
        return rows

    def _tokens(self, text: str, longest: int) -> Tensor:
        tokens = self._tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")
        ids: Tensor = tokens.input_ids.to(self.device)
        return ids


def _tokenizer(folder: Path) -> Any:  # noqa: ANN401 - of transformers, which has no types
    auto = _transformers("AutoTokenizer")
    try:
        return auto.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the library raises whatever its parsers raise
        raise CheckpointError(
            f"The tokenizer in {folder} cannot be read.",
            hint="Its folder needs tokenizer.json and tokenizer_config.json; add the model again.",
            detail=repr(error),
        ) from error


def _model(folder: Path, dtype: torch.dtype) -> Any:  # noqa: ANN401 - of transformers, which has no types
    auto = _transformers("AutoModel")
    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(
            f"There are no safetensors in {folder}, expected the text encoder's weights.",
            hint="Add the model again; files of torch.save are converted by `v2m models add`.",
        )
    try:
        model, report = auto.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True,
            ignore_mismatched_sizes=True,
        )  # fmt: skip
    except Exception as error:  # the library raises whatever its parsers raise
        raise CheckpointError(
            f"The text encoder in {folder} cannot be read: {str(error).partition(chr(10))[0]}",
            hint="Add the model again.",
            detail=repr(error),
        ) from error
    if others := sorted(str(key) for key, *_ in report.get("mismatched_keys", ())):
        raise CheckpointError(
            f"The text encoder in {folder} has not the shape that its configuration says "
            f"({', '.join(others[:4])}).",
            hint="Check that the weights and their configuration belong together.",
        )
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            f"The text encoder in {folder} lacks {len(missing)} tensors ({', '.join(missing[:4])}).",
            hint="Check that the weights and their configuration belong together.",
        )
    return getattr(model, "language_model", model)  # of a model that also sees pictures, the part that reads


def _transformers(name: str) -> Any:  # noqa: ANN401 - of transformers, which has no types
    try:
        import transformers
    except ImportError as error:
        raise MissingPartError(
            "Reading the words needs transformers, which is not installed.",
            hint='Run pip install "v2m[models]".',
        ) from error
    messages: Any = transformers.utils.logging
    messages.disable_progress_bar()  # stderr is for what a person has to know
    return getattr(transformers, name)
