"""The models that a user added: a folder each under the home's `models`.

    models/NAME/...          the files, whole and checked, under the names that their makers gave them
    models/NAME/model.json   what they are, their hashes, which licence was accepted, where they came from
    models/.NAME-*.part      what has come of a file that is being fetched

A folder is renamed into place when it is whole, so a model is there or it is not.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

from v2m.codecs.soundfont import system_fonts
from v2m.errors import CheckpointError, OutputWriteError, UsageError
from v2m_daemon.durable import replace, sync_file, sync_folder, write_json
from v2m_daemon.home import make_private
from v2m_daemon.models import census
from v2m_daemon.models.catalogue import all_models
from v2m_daemon.models.download import SECURE
from v2m_daemon.models.fetching import Brought, Progress, from_addresses, from_folder, from_hub
from v2m_daemon.models.intake import from_path
from v2m_daemon.models.model import Model

RECORD: Final = "model.json"
OWN_PARTS: Final = ("text_encoder", "vae")
"""Folders in which a model may bring what it otherwise needs another for."""


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
        if self.owns(model):
            return self.folder / model.name
        if model.kind == "soundfont":
            for font in system_fonts():
                if font.name.lower().startswith(model.system_names):
                    return font
        return None

    def lacks(self, model: Model) -> tuple[str, ...]:
        """The models that it needs and that are neither here nor in its own folder."""
        own = self.folder / model.name
        inside = {
            name
            for name in model.needs
            for part in (name, *OWN_PARTS)
            if (own / part / "config.json").is_file()
        }
        here = {name for name in model.needs if (self.folder / name / RECORD).is_file()}
        return tuple(name for name in model.needs if name not in inside | here)

    def owns(self, model: Model) -> bool:
        """Whether it was added here, and can be removed."""
        return (self.folder / model.name / RECORD).is_file()

    def add(self, model: Model, source: Path | None, on_progress: Progress, *, link: bool = False) -> Path:
        """Take in a model, from a file or folder here or by fetching it; returns its folder.

        Args:
            model: which one.
            source: where it lies on this machine; None: it is fetched.
            on_progress: told the fraction that is there.
            link: take files that are here by another name for the same bytes, without a copy.

        Raises:
            UsageError: it is there already, or nobody gives it out.
            InputError: what was given is something else, damaged, or cannot be read.
            DataLossError: what came is not what was expected.
            UnfinishedError: it could not be fetched.
            OutputWriteError: it could not be written.
        """
        self._check_new(model, source, link=link)
        make_private(self.folder)
        building = self.folder / f".{model.name}.new"
        try:
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(mode=0o700)
            origin, brought = self._bring(model, source, building, on_progress, link=link)
            census.check(model, building, all_models())
            _make_stay(building, brought)
            write_json(building / RECORD, _record(model, building, brought, origin))
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
            CheckpointError: its record cannot be read.
        """
        checked = []
        for row in self.record(model)["files"]:
            path = self.folder / model.name / str(row["name"])
            sha256 = _hash(path) if path.is_file() else ""
            checked.append(Checked(path, sha256, sha256 == row["sha256"]))
        return tuple(checked)

    def damaged(self, model: Model) -> tuple[str, ...]:
        """Files of a model that was added here that are gone or have another size: what a glance tells."""
        if not self.owns(model):
            return ()
        try:
            rows = self.record(model)["files"]
        except CheckpointError:
            return (RECORD,)
        folder = self.folder / model.name
        return tuple(str(row["name"]) for row in rows if not _is_as_large(folder / row["name"], row))

    def record(self, model: Model) -> dict[str, Any]:
        """What was written down when it was added.

        Raises:
            UsageError: it was not added here.
            CheckpointError: it cannot be read.
        """
        self._require(model)
        path = self.folder / model.name / RECORD
        try:
            told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if not all({"name", "sha256"} <= row.keys() for row in told["files"]):
                raise ValueError("a file has no hash")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{path} cannot be read: {error}.", hint=f"Remove {path.parent} and add it again."
            ) from error
        return told

    def remove(self, model: Model) -> None:
        """Delete a model that was added here; files that were linked stay where they were.

        Raises:
            UsageError: it was not added here.
            OutputWriteError: it cannot be deleted.
        """
        self._require(model)
        try:
            shutil.rmtree(self.folder / model.name)
        except OSError as error:
            raise OutputWriteError(f"{model.name} cannot be removed: {error.strerror or error}.") from error

    def _check_new(self, model: Model, source: Path | None, *, link: bool) -> None:
        if self.owns(model):
            raise UsageError(
                f"{model.name} is there already, in {self.folder / model.name}.",
                hint=f"Check it with `v2m models verify {model.name}`.",
            )
        if source is None and link:
            raise UsageError("--link is for files that are here.", hint="Give their path.")
        if source is None and not model.repository and not any(file.url for file in model.files):
            raise UsageError(
                f"{model.name} is given out by nobody.",
                hint=f"Add yours: `v2m models add {model.name} PATH`. {model.manual}",
            )

    def _bring(
        self, model: Model, source: Path | None, building: Path, on_progress: Progress, *, link: bool
    ) -> tuple[str, list[Brought]]:
        if source is not None:
            folder, chosen = from_path(model, source)
            return str(source), from_folder(model, folder, chosen, building, on_progress, link=link)
        if model.repository:
            commit, brought = from_hub(model, self.folder, building, on_progress)
            return f"{model.repository}@{commit}", brought
        return "download", from_addresses(model, self.folder, building, on_progress, self._schemes)

    def _require(self, model: Model) -> None:
        if not self.owns(model):
            place = self.place(model)
            raise UsageError(
                f"{model.name} was not added to V2M" + (f"; the system has it as {place}." if place else "."),
                hint="`v2m models list` tells what was.",
            )


def _record(model: Model, folder: Path, brought: Sequence[Brought], source: str) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "licence": model.licence.name,
        "territory": model.licence.territory,
        "commercial": model.licence.commercial,
        "licence_accepted": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": source,
        "files": [
            {key: value for key, value in {
                "name": file.name, "size_bytes": (folder / file.name).stat().st_size, "sha256": file.sha256,
                "edition": file.edition, "converted_from": file.converted_from, "linked": file.linked,
            }.items() if value != ""}
            for file in brought
        ],
    }  # fmt: skip


def _make_stay(folder: Path, brought: Sequence[Brought]) -> None:
    """Let the files and names outlast a loss of power; what is linked was there before."""
    for file in brought:
        if not file.linked:
            sync_file(folder / file.name)
    for below in {(folder / file.name).parent for file in brought}:
        sync_folder(below)


def _is_as_large(path: Path, row: dict[str, Any]) -> bool:
    """Whether a file is there, of the size that was written down; older records say none."""
    return path.is_file() and path.stat().st_size == row.get("size_bytes", path.stat().st_size)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
