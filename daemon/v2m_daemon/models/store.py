"""The models that a user added: a folder each under the home's `models`.

    models/NAME/FILE        the files, whole and of a known hash
    models/NAME/model.json  what they are, which licence was accepted, where they came from
    models/.NAME-FILE.part  what has come of one that is being fetched

A folder is renamed into place when it is whole, so a model is there or it is not.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from v2m.codecs.soundfont import system_fonts
from v2m.errors import DataLossError, InputError, OutputWriteError, UsageError
from v2m_daemon.durable import replace, sync_tree
from v2m_daemon.home import make_private
from v2m_daemon.models.catalogue import Model, ModelFile
from v2m_daemon.models.download import SECURE, download

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Checked:
    """A file of a model as it lies there now."""

    path: Path
    sha256: str
    intact: bool


class ModelStore:
    """The models under one folder; it is made when the first is added."""

    def __init__(self, folder: Path, schemes: tuple[str, ...] = SECURE) -> None:
        self.folder = folder
        self._schemes = schemes

    def place(self, model: Model) -> Path | None:
        """Where the model lies: its folder here, or the file that the system installed; None if nowhere."""
        own = self.folder / model.name
        if (own / "model.json").is_file():
            return own
        if model.kind == "soundfont":
            for font in system_fonts():
                if font.name.lower().startswith(model.system_names):
                    return font
        return None

    def owns(self, model: Model) -> bool:
        """Whether it was added here, and can be removed."""
        return (self.folder / model.name / "model.json").is_file()

    def add(self, model: Model, source: Path | None, on_progress: Progress) -> Path:
        """Take in a model, from a file here or by fetching it; returns its folder.

        Raises:
            UsageError: it is there already, or a file was given for one that has several.
            InputError: the given file is another one, or cannot be read.
            DataLossError: what came is not what was expected.
            UnfinishedError: it could not be fetched.
            OutputWriteError: it could not be written.
        """
        if self.owns(model):
            raise UsageError(
                f"{model.name} is there already, in {self.folder / model.name}.",
                hint=f"Check it with `v2m models verify {model.name}`.",
            )
        if source is not None and len(model.files) > 1:
            raise UsageError(f"{model.name} has {len(model.files)} files, and one was given.")
        make_private(self.folder)
        building = self.folder / f".{model.name}.new"
        try:
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(mode=0o700)
            hashes = {
                file.name: (
                    self._fetched(model, file, building, on_progress)
                    if source is None
                    else _copied(file, source, building)
                )
                for file in model.files
            }
            record = _record(model, hashes, "download" if source is None else str(source))
            (building / "model.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
            sync_tree(building)
            shutil.rmtree(self.folder / model.name, ignore_errors=True)  # what has no record is a ruin
            replace(building, self.folder / model.name)
        except OSError as error:
            raise OutputWriteError(
                f"{model.name} could not be kept in {self.folder}: {error.strerror or error}.",
                hint="Make room, or set V2M_HOME to a folder that has it.",
            ) from error
        finally:
            with contextlib.suppress(OSError):
                shutil.rmtree(building, ignore_errors=True)
        return self.folder / model.name

    def verify(self, model: Model) -> tuple[Checked, ...]:
        """Every file of a model that was added here, with its hash as it is now.

        Raises:
            UsageError: it was not added here.
        """
        self._require(model)
        checked = []
        for file in model.files:
            path = self.folder / model.name / file.name
            sha256 = _sha256(path) if path.is_file() else ""
            checked.append(Checked(path, sha256, sha256 in file.editions))
        return tuple(checked)

    def remove(self, model: Model) -> None:
        """Delete a model that was added here, and what was fetched of it.

        Raises:
            UsageError: it was not added here.
            OutputWriteError: it cannot be deleted.
        """
        self._require(model)
        try:
            shutil.rmtree(self.folder / model.name)
        except OSError as error:
            raise OutputWriteError(f"{model.name} cannot be removed: {error.strerror or error}.") from error

    def _require(self, model: Model) -> None:
        if not self.owns(model):
            place = self.place(model)
            raise UsageError(
                f"{model.name} was not added to V2M" + (f"; the system has it as {place}." if place else "."),
                hint="`v2m models list` tells what was.",
            )

    def _fetched(self, model: Model, file: ModelFile, building: Path, on_progress: Progress) -> str:
        part = self.folder / f".{model.name}-{file.name}.part"
        download(
            file.url, part, file.size_bytes, on_progress, manual=model.manual, schemes=self._schemes
        )  # fmt: skip
        sha256 = _sha256(part)
        if sha256 not in file.editions:
            part.unlink()
            raise DataLossError(
                f"What came from {file.url} has the SHA-256 {sha256[:12]}…, "
                f"expected {' or '.join(f'{known[:12]}…' for known in file.editions)}.",
                hint=f"It was thrown away; try again. {model.manual}",
            )
        replace(part, building / file.name)
        return sha256


def _copied(file: ModelFile, source: Path, building: Path) -> str:
    if not source.is_file():
        raise InputError(f"{source} is no file.")
    try:
        sha256 = _sha256(source)
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or error}.") from error
    if sha256 not in file.editions:
        raise InputError(
            f"{source} is not {file.name} as it is known: its SHA-256 is {sha256[:12]}…, "
            f"expected {' or '.join(f'{known[:12]}…' for known in file.editions)}.",
            hint="A SoundFont of your own needs no adding: use --soundfont FILE or V2M_SOUNDFONT.",
        )
    shutil.copyfile(source, building / file.name)
    if _sha256(building / file.name) != sha256:
        raise DataLossError(f"{source} changed while it was copied.", hint="Try again.")
    return sha256


def _record(model: Model, hashes: dict[str, str], source: str) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "licence": model.licence,
        "territory": model.territory,
        "licence_accepted": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": source,
        "files": [
            {"name": file.name, "sha256": hashes[file.name], "edition": file.editions[hashes[file.name]]}
            for file in model.files
        ],
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
