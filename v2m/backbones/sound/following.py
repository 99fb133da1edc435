"""What `--adapter` names: an event adapter, or a latent head for models that have none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from v2m.backbones import can_be_steered
from v2m.backbones.sound.adapter import EventAdapter, read_adapter
from v2m.errors import UsageError

if TYPE_CHECKING:
    from v2m.backbones.sound.head import StoredHead


@dataclass(frozen=True)
class Following:
    """How a model is told the event curve."""

    adapter: EventAdapter | None = None
    """Inside the model."""

    head: StoredHead | None = None
    """Beside it, while it composes."""

    recipe: dict[str, Any] = field(default_factory=dict)
    """How the curves were made that it was trained on."""


def read_following(name: str, path: Path) -> Following:
    """What a file holds, for a model of a name; whether it fits the model is seen when that is loaded.

    Raises:
        UsageError: it is not there, or the model cannot be steered by a head.
        CheckpointError: an InputError; the file is neither.
    """
    from v2m.backbones.sound.head import is_head, load_head

    if not path.is_file():
        raise UsageError(f"There is no adapter {path}.", hint="Check --adapter, or put it back.")
    if not is_head(path):
        adapter = read_adapter(path)
        return Following(adapter, None, dict(adapter.recipe))
    if not can_be_steered(name):
        raise UsageError(
            f"{path.name} is a latent head, which cannot lead {name}.",
            hint="Use an event adapter, or another --backbone.",
        )
    head = load_head(path)
    return Following(None, head, dict(head.recipe))


def column_file(path: Path) -> Path | None:
    """The file, if the model itself is to load it."""
    from v2m.backbones.sound.head import is_head

    return None if is_head(path) else path
