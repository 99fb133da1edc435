"""What can be added: a model, its files, and how it is told from others.

A file of which hashes are known is known by them alone. Of the others (a user's own training, a checkpoint of
a hub that is asked for its hashes when it is fetched) the census of the keys and the configuration say what
they are, and the hash that they had when they were added says later whether they still are it. Names of files
are relative, with `/` on every system; `*` stands for any run of signs that is no `/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from v2m.licences import Licence

Kind = Literal["soundfont", "backbone", "encoder", "text"]

_WEIGHTS: Final = frozenset({".safetensors", ".json", ".txt", ".model", ".jinja"})

SUFFIXES: Final[Mapping[Kind, frozenset[str]]] = {
    "soundfont": frozenset({".sf2", ".sf3"}),
    "backbone": _WEIGHTS,
    "encoder": _WEIGHTS,
    "text": _WEIGHTS,
}
"""What a file of each kind may be called; none of these formats can hold code that runs on loading."""

PICKLES: Final = frozenset({".pt", ".pth", ".ckpt", ".bin", ".pkl"})
"""Formats of torch.save: never kept, only converted, in a process that loads nothing but numbers."""


@dataclass(frozen=True)
class ModelFile:
    """One file of a model, or several that a `*` names."""

    name: str
    """What it is called in the store, `transformer/config.json`."""

    editions: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 in hexadecimal, and what edition it is; empty: any that passes the census."""

    url: str = ""
    """HTTPS, for a file that no hub has."""

    optional: bool = False
    converted_from: tuple[str, ...] = ()
    """Names under which its makers give it out as a pickle."""

    def names(self, path: str) -> bool:
        """Whether this is the file of a relative path."""
        return matches(path, self.name)


@dataclass(frozen=True)
class Census:
    """How to tell from its own content what a model is."""

    keys: tuple[str, ...] = ()
    """Each names at least one tensor; `*` for any run of signs."""

    config_file: str = "config.json"
    config: Mapping[str, Any] = field(default_factory=dict)
    """Values in the configuration, `a.b` for b in a."""

    variant: Mapping[str, Any] = field(default_factory=dict)
    """Values in the configuration that tell it from its siblings; others are a model of the user's own."""

    shapes: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    """Shapes of tensors that tell it from its siblings; None for any length."""


@dataclass(frozen=True)
class Model:
    """Something that can be added."""

    name: str
    kind: Kind
    summary: str
    """What it is and what it brings, as a sentence."""

    licence: Licence
    memory_bytes: int
    """What using it takes beyond what V2M takes anyway."""

    size_bytes: int
    """Of all its files, about."""

    files: tuple[ModelFile, ...]
    manual: str
    """How else to get it, as a sentence."""

    other_files: tuple[ModelFile, ...] = ()
    """Another layout that serves as well; empty: there is none."""

    repository: str = ""
    """Its name on the hub; empty where it is on none."""

    hub_folder: str = ""
    """The folder there that holds it; empty: it is the whole repository."""

    gated: bool = False
    """Whether the hub gives it only to those who accepted its conditions there."""

    needs: tuple[str, ...] = ()
    """Other models without which it does not run."""

    census: Census = field(default_factory=Census)
    system_names: tuple[str, ...] = ()
    """Beginnings of names, in lower case, under which systems install it."""

    def __post_init__(self) -> None:
        """Refuse a file that its kind does not have.

        Raises:
            ValueError: a suffix is none of the kind's.
        """
        wrong = [file.name for file in (*self.files, *self.other_files) if not self.may_hold(file.name)]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} is no file of a {self.kind}")

    def may_hold(self, path: str) -> bool:
        """Whether a file of this name has a format that its kind has."""
        return PurePosixPath(path).suffix in SUFFIXES[self.kind]


def matches(path: str, pattern: str) -> bool:
    """Whether a relative path is one that a pattern names."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
