"""What can be added: each with its origin, licence and hashes.

Nothing here is part of the package or fetched by itself. A file is known by its hash alone, so wherever it
came from, it is the file that was tried; several hashes are several editions of it. Formats that can hold
code (pickles) have no place here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Literal

from v2m.errors import UsageError

Kind = Literal["soundfont", "checkpoint"]

SUFFIXES: Final[Mapping[Kind, frozenset[str]]] = {
    "soundfont": frozenset({".sf2", ".sf3"}),
    "checkpoint": frozenset({".safetensors", ".json"}),
}
"""What a file of each kind may be called."""


@dataclass(frozen=True)
class ModelFile:
    """One file of a model."""

    name: str
    """What it is called in the store."""

    size_bytes: int
    editions: Mapping[str, str]
    """SHA-256 in hexadecimal, and what edition it is; the first is the one at `url`."""

    url: str
    """HTTPS."""


@dataclass(frozen=True)
class Model:
    """Something that can be added."""

    name: str
    kind: Kind
    summary: str
    """What it is and what it brings, as a sentence."""

    licence: str
    """SPDX."""

    notice: str
    """What its user should know of the licence before accepting it."""

    territory: str
    """Where the licence holds; "worldwide", or what it leaves out."""

    memory_bytes: int
    """What using it takes beyond what V2M takes anyway."""

    files: tuple[ModelFile, ...]
    manual: str
    """How else to get it, as a sentence."""

    system_names: tuple[str, ...] = ()
    """Beginnings of names, in lower case, under which systems install it."""

    def __post_init__(self) -> None:
        """Refuse a file that its kind does not have.

        Raises:
            ValueError: a suffix is none of the kind's.
        """
        wrong = [file.name for file in self.files if PurePath(file.name).suffix not in SUFFIXES[self.kind]]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} is no file of a {self.kind}")

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(file.size_bytes for file in self.files)


MUSESCORE_GENERAL: Final = Model(
    name="musescore-general",
    kind="soundfont",
    summary="MuseScore General: recorded pianos, strings, brass, guitars and drum kits in place of the small "
    "General MIDI font that comes along.",
    licence="MIT",
    notice="Copyright 2000-2008 Frank Wen, 2014-2017 Michael Cowgill, 2018-2021 S. Christian Collins. MIT, "
    "parts CC0 or public domain: use it for anything; keep this notice with copies of the SoundFont itself.",
    territory="worldwide",
    memory_bytes=100_000_000,
    files=(
        ModelFile(
            name="MuseScore_General.sf3",
            size_bytes=39_900_972,
            editions={
                "5b85b6c2c61d10b2b91cddd41efcce7b25cd31c8271d511c73afafbef20b6fa3": "0.2, of its makers",
                "916aaca6b0eb9f9083eb42399614acb2ff4ec72ce28dffff1814592a9696b479": "0.2.1, of Debian",
            },
            url="https://ftp.osuosl.org/pub/musescore/soundfont/MuseScore_General/MuseScore_General.sf3",
        ),
    ),
    manual="On Debian and Ubuntu `apt install musescore-general-soundfont-small` puts it where V2M looks.",
    system_names=("musescore_general",),
)

CATALOGUE: Final[Mapping[str, Model]] = {model.name: model for model in (MUSESCORE_GENERAL,)}


def all_models() -> tuple[Model, ...]:
    """Everything that can be added."""
    return tuple(CATALOGUE.values())


def find_model(name: str) -> Model:
    """The model of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in CATALOGUE:
        raise UsageError(
            f"There is no model {name!r}, expected {' or '.join(CATALOGUE)}.",
            hint="`v2m models list` tells them all; a SoundFont of your own is used by --soundfont FILE.",
        )
    return CATALOGUE[name]
