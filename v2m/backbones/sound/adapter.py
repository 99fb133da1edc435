"""Event adapters: how a pretrained model of sound is told the event curve, in a file of at most 1 MB.

The curve joins the model's input as one more channel, as in the paper. That is the same as adding
`curve[..., None] * column` to what the input projection gives, so the base weights stay as they are and a
column of zeros is the base model exactly. Where the projection is a convolution over k frames, the column
has k taps: tap j weighs the frame that the convolution's own tap j sees.

Conventions: safetensors with one tensor `column`, (d,) or (d, k) float32; metadata strings `format`,
`base_sha256`, `latent_rate_hz` as a fraction, `recipe` and `trained_range` as JSON.
Sources: V2M-Zero, section 3.3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_tensors

from v2m.backbones.sound.model import LatentGrid
from v2m.errors import CheckpointError, OutputWriteError

FORMAT: Final = "v2m-event-adapter-1"

LARGEST_BYTES: Final = 1_000_000
"""What is larger is no column: the widest model here has 4,096 numbers."""

_METADATA: Final = ("format", "base_sha256", "latent_rate_hz", "recipe", "trained_range")


@dataclass(frozen=True)
class EventAdapter:
    """What fine-tuning on event curves taught a model."""

    column: NDArray[np.float32]
    """(d,) of the model's width, or (d, k) of a convolution over k frames."""

    base_sha256: str
    """`weights_sha256` of the model that it was trained on, without an adapter."""

    latent_rate_hz: Fraction
    """Latent frames a second of that model."""

    recipe: dict[str, Any] = field(default_factory=dict)
    """How the curve was made: encoder, layer, offset, kernel_s, ddof …"""

    trained_range: tuple[float, float] = (-4.0, 8.0)
    """Lowest and highest value of the curves in the training, in standard deviations."""


def load_adapter(path: Path, *, base_sha256: str, grid: LatentGrid, width: int) -> EventAdapter:
    """Read an adapter for a model.

    Args:
        path: the file.
        base_sha256: of the model as it is here.
        grid: of the model.
        width: channels that its input projection gives.

    Raises:
        CheckpointError: an InputError; the file is no adapter, or is for another model; says which and why.
    """
    adapter = read_adapter(path)
    if adapter.column.shape[0] != width or adapter.column.ndim not in (1, 2):
        raise _refusal(path, f"its column is {adapter.column.shape}, but the model is {width} wide")
    if adapter.latent_rate_hz != grid.rate_hz:
        seen, expected = float(adapter.latent_rate_hz), float(grid.rate_hz)
        raise _refusal(path, f"it is for {seen:.4f} latent frames a second, the model has {expected:.4f}")
    if adapter.base_sha256 != base_sha256:
        raise _refusal(
            path, f"it was trained on weights {adapter.base_sha256[:12]}…, here are {base_sha256[:12]}…"
        )
    return adapter


def read_adapter(path: Path) -> EventAdapter:
    """Read an adapter, for whatever model it is.

    Raises:
        CheckpointError: an InputError; the file is no adapter.
    """
    return _adapter(path, *_read(path))


def save_adapter(path: Path, adapter: EventAdapter) -> None:
    """Write an adapter, whole or not at all.

    Raises:
        CheckpointError: its column is no column of a model.
        OutputWriteError: the folder or the disk does not take the file.
    """
    header = {
        "format": FORMAT,
        "base_sha256": adapter.base_sha256,
        "latent_rate_hz": str(adapter.latent_rate_hz),
        "recipe": json.dumps(adapter.recipe, sort_keys=True),
        "trained_range": json.dumps(adapter.trained_range),
    }
    content = save_tensors({"column": np.ascontiguousarray(adapter.column, np.float32)}, header)
    if len(content) > LARGEST_BYTES:
        raise _refusal(path, f"{len(content)} bytes are more than {LARGEST_BYTES}")
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise OutputWriteError(f"{path} could not be written: {error.strerror}.") from error


def _read(path: Path) -> tuple[NDArray[np.float32], Mapping[str, str]]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise _refusal(path, f"it is larger than {LARGEST_BYTES} bytes")
        with safe_open(path, framework="numpy") as file:
            names, header = sorted(file.keys()), file.metadata() or {}
            if names != ["column"]:
                raise _refusal(path, f"it holds {names[:4]}, expected one tensor `column`")
            return np.asarray(file.get_tensor("column")), header
    except OSError as error:
        raise CheckpointError(f"The adapter {path} cannot be read: {error.strerror or error}.") from error
    except (SafetensorError, ValueError, TypeError) as error:
        raise _refusal(path, "it is no whole safetensors file", detail=repr(error)) from error


def _adapter(path: Path, column: NDArray[np.float32], header: Mapping[str, str]) -> EventAdapter:
    missing = [name for name in _METADATA if name not in header]
    if missing or header["format"] != FORMAT:
        raise _refusal(path, f"its header lacks {missing or FORMAT}")
    if column.dtype != np.float32 or not np.isfinite(column).all():
        raise _refusal(path, "its column holds numbers that are not finite float32")
    try:
        recipe, span = json.loads(header["recipe"]), json.loads(header["trained_range"])
        rate_hz = Fraction(header["latent_rate_hz"])
        low, high = (float(value) for value in span)
    except (ValueError, TypeError, ZeroDivisionError, RecursionError) as error:
        raise _refusal(path, "its header makes no sense", detail=repr(error)) from error
    if not isinstance(recipe, dict):
        raise _refusal(path, f"its recipe is {recipe!r}")
    return EventAdapter(column, header["base_sha256"], rate_hz, recipe, (low, high))


def _refusal(path: Path, why: str, *, detail: str = "") -> CheckpointError:
    return CheckpointError(
        f"{path.name} is no event adapter for this model: {why}.",
        hint="Name the model that the adapter was trained on, or train one for this model.",
        detail=detail,
    )
