"""Brings the files of a model onto this machine: from a folder here, or over a line that may break.

What is fetched grows in `models/.NAME-DIGEST.part` and stays there when the line breaks, the disk fills or
the user stops: the next attempt goes on where this one ended. Sizes are known before anything is written.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from v2m.errors import DataLossError, InputError, OutputWriteError
from v2m_daemon.models.conversion import convert
from v2m_daemon.models.download import SECURE, download
from v2m_daemon.models.hub import Hub, HubFile
from v2m_daemon.models.intake import Wanted, choose
from v2m_daemon.models.model import Model, ModelFile

Progress = Callable[[float], None]

_SPARE_BYTES: Final = 200_000_000
"""Left free beside the model: a disk that is full to the brim stops other programs."""

_PIECE_BYTES: Final = 1 << 22


@dataclass(frozen=True)
class Brought:
    """A file that lies in the store's building folder."""

    name: str
    sha256: str
    """As it lies there, hexadecimal."""

    edition: str = ""
    converted_from: str = ""
    """SHA-256 of the pickle that it was; empty where it was none."""

    linked: bool = False
    """Whether it is the user's own file by another name, and no copy."""


def from_folder(
    model: Model, folder: Path, chosen: Iterable[Wanted], building: Path, on_progress: Progress, *, link: bool
) -> list[Brought]:
    """Take the chosen files of a folder here.

    Raises:
        InputError: one cannot be read, is another one, or cannot be converted.
        OutputWriteError: the disk has no room.
        DataLossError: one changed while it was copied.
    """
    chosen = list(chosen)
    sizes = [_size(folder / wanted.source) for wanted in chosen]
    if not link:
        require_room(building, sum(sizes))
    brought = []
    for index, wanted in enumerate(chosen):
        source, target = folder / wanted.source, building / wanted.name
        target.parent.mkdir(parents=True, exist_ok=True)
        sha256 = _hash(source)
        edition = _edition(model, wanted.file, source, sha256)
        if wanted.is_pickle:
            convert(source, target)
            brought.append(Brought(wanted.name, _hash(target), edition, converted_from=sha256))
        elif link:
            _link(source, target)
            brought.append(Brought(wanted.name, sha256, edition, linked=True))
        else:
            shutil.copyfile(source, target)
            if _hash(target) != sha256:
                raise DataLossError(f"{source} changed while it was copied.", hint="Try again.")
            brought.append(Brought(wanted.name, sha256, edition))
        on_progress(sum(sizes[: index + 1]) / max(1, sum(sizes)))
    return brought


def from_addresses(
    model: Model, parts: Path, building: Path, on_progress: Progress, schemes: tuple[str, ...] = SECURE
) -> list[Brought]:
    """Fetch the files of a model that has addresses of its own.

    Raises:
        UnfinishedError: the line broke; what came stays in `parts`.
        DataLossError: what came is something else.
    """
    fetched = []
    for file in model.files:
        part = parts / f".{model.name}-{file.name}.part"
        download(file.url, part, model.size_bytes, on_progress, manual=model.manual, schemes=schemes)
        sha256 = _hash(part)
        if sha256 not in file.editions:
            part.unlink()
            raise DataLossError(
                f"What came from {file.url} has the SHA-256 {sha256[:12]}…, expected {_known(file)}.",
                hint=f"It was thrown away; try again. {model.manual}",
            )
        fetched.append((file, part, sha256))
    for file, part, _ in fetched:
        os.replace(part, building / file.name)
    return [Brought(file.name, sha256, file.editions[sha256]) for file, _, sha256 in fetched]


def from_hub(model: Model, parts: Path, building: Path, on_progress: Progress) -> tuple[str, list[Brought]]:
    """Fetch a repository of the hub; returns its commit too.

    Raises:
        UnfinishedError: the hub cannot be reached, wants conditions accepted, or the line broke.
        OutputWriteError: the disk has no room.
        DataLossError: what came is something else.
    """
    hub = Hub(model.repository, model.manual)
    commit, names = hub.names()
    prefix = f"{model.hub_folder}/" if model.hub_folder else ""
    chosen = choose(model, [name.removeprefix(prefix) for name in names if name.startswith(prefix)])
    files = [(wanted, hub.file(commit, prefix + wanted.source)) for wanted in chosen]
    total = sum(file.size_bytes for _, file in files)
    require_room(parts, total - sum(_there(_part(model, file, parts)) for _, file in files))
    came, done = [], 0
    for _, file in files:
        share = partial(_share, on_progress, done, file.size_bytes, total)
        came.append(_fetch(hub, model, file, _part(model, file, parts), share))
        done += file.size_bytes
    return commit, [
        _settled(wanted, _part(model, file, parts), building, sha256)
        for (wanted, file), sha256 in zip(files, came, strict=True)
    ]


def _share(on_progress: Progress, done: int, size_bytes: int, total: int, fraction: float) -> None:
    """Tell the fraction of one file as one of the whole."""
    on_progress((done + fraction * size_bytes) / max(1, total))


def _fetch(hub: Hub, model: Model, file: HubFile, part: Path, on_progress: Progress) -> str:
    """Complete one file; returns its SHA-256."""
    if not (part.exists() and part.stat().st_size == file.size_bytes):
        download(file.url, part, file.size_bytes, on_progress, manual=model.manual, headers=hub.headers)
    sha256 = _hash(part)
    if not file.is_in(part, sha256):
        part.unlink()
        raise DataLossError(
            f"What came from {file.url} has another hash than the hub said, {file.digest[:12]}….",
            hint="It was thrown away; try again.",
        )
    on_progress(1.0)
    return sha256


def _settled(wanted: Wanted, part: Path, building: Path, sha256: str) -> Brought:
    target = building / wanted.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not wanted.is_pickle:
        os.replace(part, target)
        return Brought(wanted.name, sha256)
    convert(part, target)
    part.unlink()
    return Brought(wanted.name, _hash(target), converted_from=sha256)


def require_room(folder: Path, needed_bytes: int) -> None:
    """Refuse before the first byte what would not fit.

    Raises:
        OutputWriteError: says the numbers.
    """
    with contextlib.suppress(OSError):  # a file system that does not say is tried
        free = shutil.disk_usage(folder).free
        if free < needed_bytes + _SPARE_BYTES:
            raise OutputWriteError(
                f"{needed_bytes / 1e9:.1f} GB are needed in {folder}, and {free / 1e9:.1f} GB are free.",
                hint="Make room, set V2M_HOME to a disk that has it, or use --link for a model that is here.",
            )


def _part(model: Model, file: HubFile, parts: Path) -> Path:
    return parts / f".{model.name}-{file.digest[:20]}.part"


def _there(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def _link(source: Path, target: Path) -> None:
    """The same bytes under another name: a hard link where the disk is the same, else a symbolic one."""
    real = source.resolve()  # a hub's cache is full of links
    try:
        os.link(real, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES):
            raise
        target.symlink_to(real)


def _edition(model: Model, file: ModelFile, source: Path, sha256: str) -> str:
    if not file.editions:
        return ""
    if sha256 not in file.editions:
        raise InputError(
            f"{source} is not {file.name} as it is known: its SHA-256 is {sha256[:12]}…, "
            f"expected {_known(file)}.",
            hint="A SoundFont of your own needs no adding: use --soundfont FILE or V2M_SOUNDFONT."
            if model.kind == "soundfont" else model.manual,
        )  # fmt: skip
    return file.editions[sha256]


def _known(file: ModelFile) -> str:
    return " or ".join(f"{known[:12]}…" for known in file.editions)


def _hash(path: Path) -> str:
    """SHA-256, hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
