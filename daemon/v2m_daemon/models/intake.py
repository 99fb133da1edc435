"""Which of the files that somebody has are the files of a model.

A folder may be a model's own, a copy of its repository on a hub, or one that holds it among other things;
names are looked for at their place first and then anywhere below, the shallowest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Final

from v2m.errors import InputError
from v2m_daemon.models.model import PICKLES, Model, ModelFile, matches

_DEEPEST: Final = 6
"""Levels below the given folder: a hub's cache is four deep, a home folder would be bottomless."""

_MOST_FOLDERS: Final = 2000
"""So many are looked at, which takes a second."""


@dataclass(frozen=True)
class Wanted:
    """A file of a model, where it comes from."""

    name: str
    """What it will be called in the store."""

    source: str
    """What it is called where it comes from: relative, with `/`."""

    file: ModelFile

    @property
    def is_pickle(self) -> bool:
        """Whether it has to be converted."""
        return PurePosixPath(self.source).suffix in PICKLES


def choose(model: Model, names: Sequence[str]) -> tuple[Wanted, ...]:
    """Those of some relative names that are the model's files.

    Raises:
        InputError: one that it needs is missing.
    """
    try:
        return _choose(model, model.files, names)
    except InputError:
        if not model.other_files:
            raise
        return _choose(model, model.other_files, names)


def _choose(model: Model, files: Iterable[ModelFile], names: Sequence[str]) -> tuple[Wanted, ...]:
    chosen: dict[str, Wanted] = {}
    missing = []
    for file in files:
        found = list(_for(file, names))
        for wanted in found:
            chosen.setdefault(wanted.name, wanted)
        if not found and not file.optional:
            missing.append(" or ".join((file.name, *file.converted_from)))
    if missing or not chosen:
        raise InputError(
            f"{model.name} needs {', '.join(missing) or 'files of its own'}, and there is none.",
            hint=model.manual,
        )
    return tuple(chosen.values())


def _for(file: ModelFile, names: Sequence[str]) -> Iterator[Wanted]:
    direct = [name for name in names if file.names(name)]
    if direct:
        yield from (Wanted(name, name, file) for name in direct)
        return
    for pattern in file.converted_from:  # one pickle stands for all of the weights
        for name in names:
            if matches(name, pattern):
                stem = str(PurePosixPath(name).with_suffix(".safetensors"))
                yield Wanted(stem if "*" in file.name else file.name, name, file)
                return


def from_path(model: Model, path: Path) -> tuple[Path, tuple[Wanted, ...]]:
    """The folder that the names are relative to, and the files of a model in it.

    Args:
        model: what is looked for.
        path: a folder, or the one file that a model has.

    Raises:
        InputError: there is nothing at the path, or not what the model needs.
    """
    if path.is_file():
        return path.parent, _single(model, path)
    if not path.is_dir():
        raise InputError(f"{path} is no file and no folder.", hint=model.manual)
    problem: InputError | None = None
    for folder in islice(chain([path], _folders(path)), _MOST_FOLDERS):
        try:
            return folder, choose(model, sorted(_names(folder)))
        except InputError as error:
            problem = problem or error
    raise problem or InputError(f"{path} is empty.")


def _single(model: Model, path: Path) -> tuple[Wanted, ...]:
    """A file alone, under whatever name: it stands for the one that the model needs."""
    needed = [file for file in model.files if not file.optional]
    if len(needed) != 1:
        names = ", ".join(file.name for file in needed)
        raise InputError(
            f"{model.name} is more than one file ({names}), and one was given.",
            hint="Give the folder that holds them.",
        )
    file = needed[0]
    ours = PurePosixPath(file.name).suffix
    if path.suffix not in PICKLES and path.suffix != ours and not file.editions:
        raise InputError(f"{path} has no suffix that {model.name} has, expected {ours}.", hint=model.manual)
    if path.suffix in PICKLES and not file.converted_from:
        raise InputError(f"{path.name} is a pickle, expected {ours}.", hint=model.manual)
    name = f"{path.stem}{ours}" if "*" in file.name else file.name
    return (Wanted(name, path.name, file),)


def _names(folder: Path) -> Iterator[str]:
    """Relative names of the files in a folder and the folders right in it; all layouts are so flat."""
    for path in (*folder.glob("*"), *folder.glob("*/*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(folder).as_posix()


def _folders(path: Path) -> Iterator[Path]:
    level = [path]
    for _ in range(_DEEPEST):
        level = [child for folder in level for child in _inside(folder)]
        yield from level


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir() and not child.is_symlink())
    except OSError:
        return []  # a folder that may not be entered holds nothing for us
