"""What pretrained networks that look at pictures have in common: input, batches, memory.

Conventions: pictures (…, h, w, 3) RGB uint8 in, tensors (…, 3, h, w) normalised out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from v2m.errors import CheckpointError, MissingPartError, OutOfMemoryError
from v2m.model.device import is_out_of_memory

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)
"""Of red, green and blue over ImageNet, 0..1: what all networks here were trained with."""

T = TypeVar("T")


def normalised(pictures: NDArray[np.uint8], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Pictures as a network takes them, (…, 3, h, w)."""
    bytes_ = torch.from_numpy(np.ascontiguousarray(pictures)).to(device)  # a quarter of the bytes of floats
    mean = torch.tensor(IMAGENET_MEAN, device=device)
    deviation = torch.tensor(IMAGENET_DEVIATION, device=device)
    return ((bytes_.float() / 255 - mean) / deviation).movedim(-1, -3).to(dtype)


def transformers_of(what: str) -> Any:  # noqa: ANN401 - a module without types
    """The library transformers.

    Raises:
        MissingPartError: it is not installed.
    """
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise MissingPartError(
            f"{what} needs the library transformers, which is not installed.",
            hint='Install it with `pip install "v2m[models]"`.',
            detail=repr(error),
        ) from error


def transformers_model(kind: str, configuration: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - a class without types
    """A model of transformers with exactly these weights, which are named as on the hub.

    Its own attributes are called otherwise from version to version; the library knows how, so it is left to
    put the tensors in, and asked afterwards whether each had its place.

    Args:
        kind: `Dinov2` for `Dinov2Config` and `Dinov2Model`.
        configuration: content of `config.json`.
        tensors: content of `model.safetensors`.

    Raises:
        MissingPartError: transformers is not installed.
        CheckpointError: configuration and tensors do not fit together.
    """
    transformers = transformers_of(f"The encoder {kind}")
    try:
        config = getattr(transformers, f"{kind}Config")(**configuration)
        with _quiet(transformers):
            model, found = getattr(transformers, f"{kind}Model").from_pretrained(
                None, config=config, state_dict=dict(tensors), output_loading_info=True
            )
    except (TypeError, ValueError, RuntimeError, KeyError, ZeroDivisionError) as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            f"The weights and the configuration describe no {kind}: {reason or type(error).__name__}.",
            hint=_AGAIN,
        ) from error
    wrong = {
        what: sorted(map(str, found[f"{what}_keys"])) for what in ("missing", "unexpected", "mismatched")
    }
    if any(wrong.values()):
        told = ", ".join(f"{len(keys)} {what} ({keys[0]})" for what, keys in wrong.items() if keys)
        raise CheckpointError(f"The weights are of another model than {kind}: {told}.", hint=_AGAIN)
    return model


_AGAIN: Final = "Fetch the model's files again, or check them with `v2m models verify`."


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:  # noqa: ANN401 - a module without types
    """Without bars and reports of its own on stderr, which is for sentences of ours."""
    logging = transformers.utils.logging
    before, had_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if had_bar:
            logging.enable_progress_bar()


def halving(compute: Callable[[NDArray[np.uint8]], T], pictures: NDArray[np.uint8], what: str) -> list[T]:
    """The results for pictures (n, …) in order, in one call or in as many as the memory asks for.

    Raises:
        OutOfMemoryError: not even one fits.
    """
    try:
        return [compute(pictures)]
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if len(pictures) == 1:
            shape = " x ".join(map(str, pictures.shape[1:-1][::-1]))
            raise OutOfMemoryError(
                f"{what} does not fit into the memory: not even one input of {shape} can be computed.",
                hint="Close what else uses the device, or choose a smaller encoder.",
                detail=str(error),
            ) from error
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    middle = len(pictures) // 2
    return halving(compute, pictures[:middle], what) + halving(compute, pictures[middle:], what)
