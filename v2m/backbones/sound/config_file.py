"""The small JSON beside a model's weights: read whole, its keys checked, never run.

Conventions: keys that begin with an underscore are notes of the library that wrote the file and are passed
over; every other key has to be known, for an unknown one means another model.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from v2m.errors import CheckpointError

_LARGEST_BYTES: Final = 10_000_000
"""What is larger describes no model."""

MOST_LAYERS: Final = 1000
"""Far beyond any model: a damaged file must not have millions built before a weight is looked at."""


def read_config(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        CheckpointError: an InputError; missing, no JSON, no object, or larger than a configuration is;
            or it describes a network without end.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise CheckpointError(f"{path} has more than {_LARGEST_BYTES} bytes, expected a configuration.")
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise CheckpointError(
            f"The configuration {path} cannot be read: {error.strerror}.",
            hint="Add the model's folder again with `v2m models add`.",
        ) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is no JSON: {error}.", hint="Fetch the file again.") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path} holds {type(values).__name__}, expected an object.")
    _check_layers(path, values)
    return values


def _check_layers(path: Path, values: Mapping[str, Any]) -> None:
    """Refuse a network without end, also in a configuration within this one."""
    for name, value in values.items():
        if isinstance(value, dict):
            _check_layers(path, value)
        counts = name == "depth" or name.endswith("layers")
        if counts and isinstance(value, int | float) and not abs(value) <= MOST_LAYERS:
            raise CheckpointError(
                f"{path} says {name} {value}, which is beyond any model.", hint="Fetch the file again."
            )


def known_keys(path: Path, values: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The values of a configuration without the notes of libraries.

    Raises:
        CheckpointError: there is a key that is not in `names`.
    """
    said = {name: value for name, value in values.items() if not name.startswith("_")}
    if unknown := sorted(set(said) - set(names)):
        raise CheckpointError(
            f"{path} says {', '.join(unknown[:4])}, which this kind of model does not have.",
            hint="Check that the folder holds the model that it is named after.",
        )
    return said
