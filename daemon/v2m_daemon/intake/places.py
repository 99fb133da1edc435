"""The folders for results beside the documents of a watch folder, and what is put there.

    Output/STEM.wav, STEM.otio, STEM.status.json, STEM.v2m/    Failed/STEM.error.txt    Done/, Failed/

Conventions: files are whole or absent; nothing is ever replaced but our own status and error files; every
step may be done again after a crash. All methods touch the disk.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final

from v2m_daemon import durable
from v2m_daemon.intake.anchor import read_anchor
from v2m_daemon.intake.names import DONE, FAILED, OUTPUT

_MODE: Final = 0o644
"""Others who share the folder may read what came out."""


LONGEST_STEM_BYTES: Final = 200
"""A name has at most 255 bytes, endings and hidden names beside it included."""


class Places:
    """The folders in one watch folder; made when something is put there."""

    def __init__(self, folder: Path, identity: str) -> None:
        """Nothing is touched.

        Args:
            folder: the watch folder.
            identity: what its anchor says.
        """
        self.folder = folder
        self._identity = identity
        self.output = folder / OUTPUT
        self.done = folder / DONE
        self.failed = folder / FAILED

    def check(self) -> None:
        """See that the folder is there and no empty mount point.

        Raises:
            OSError: it is away.
        """
        if read_anchor(self.folder) != self._identity:
            raise OSError(errno.ENODEV, "The folder is away", str(self.folder))

    def free_stem(self, document: str, taken: Collection[str]) -> str:
        """What the results of a document are called: its stem, with a number where results of it are there.

        Args:
            document: the name of the file.
            taken: stems of what is under way.
        """
        base = Path(document).stem.encode()[:LONGEST_STEM_BYTES].decode(errors="ignore")
        here = {Path(name).stem for name in self._results()}  # timelines come back in several formats
        for number in count(1):
            stem = base if number == 1 else f"{base}-{number}"
            if stem not in here and stem not in taken:
                return stem
        raise AssertionError  # numbers do not end

    def publish(self, stem: str, outputs: Mapping[str, str]) -> dict[str, str]:
        """Give the results of a job the names that they have here; returns where they lie then.

        Args:
            stem: what they are called.
            outputs: what the job made ("take", "wav", "timeline") -> path.

        Raises:
            FileNotFoundError: one is there neither under its old name nor under its new one.
        """
        self.check()
        placed = dict(outputs)
        for what, path in outputs.items():
            if what not in ("wav", "timeline"):
                continue
            source = Path(path)
            target = self.output / f"{stem}{source.suffix}"
            take = outputs.get("take")
            if target.exists():
                pass  # put there before a crash
            elif take is not None and source.is_relative_to(take):
                _copy(source, target)  # a take stays whole
            else:
                durable.replace(source, target)
            placed[what] = str(target)
        return placed

    def write_status(self, stem: str, status: Mapping[str, Any]) -> None:
        """Rewrite `STEM.status.json`.

        Raises:
            OutputWriteError: disk full, folder not writable or away.
        """
        self._make(self.output)
        text = json.dumps(status, ensure_ascii=False, indent=2) + "\n"
        durable.write_whole(self.output / f"{stem}.status.json", text.encode(), mode=_MODE)

    def remove_status(self, stem: str) -> None:
        """Take `STEM.status.json` away."""
        (self.output / f"{stem}.status.json").unlink(missing_ok=True)

    def write_error(self, stem: str, sentence: str) -> None:
        """Write `STEM.error.txt`, where it does not say so already.

        Raises:
            OutputWriteError: disk full, folder not writable or away.
        """
        self._make(self.failed)
        path = self.failed / f"{stem}.error.txt"
        text = (" ".join(sentence.split()) + "\n").encode("utf-8", "replace")
        if not path.is_file() or path.read_bytes() != text:
            durable.write_whole(path, text, mode=_MODE)

    def clear_error(self, stem: str) -> None:
        """Take `STEM.error.txt` away, which told of an earlier try."""
        (self.failed / f"{stem}.error.txt").unlink(missing_ok=True)

    def put_away(self, document: str, folder: Path) -> None:
        """Move a document into `Done/` or `Failed/`; one that is gone already is none to be moved."""
        source = self.folder / document
        if not os.path.lexists(source):
            return
        self._make(folder)
        name = Path(document)
        for number in count(1):
            target = folder / (document if number == 1 else f"{name.stem}-{number}{name.suffix}")
            if not os.path.lexists(target):
                durable.replace(source, target)
                return

    def _results(self) -> list[str]:
        """Names in `Output`, but for status files, which are rewritten, and takes, which have numbers."""
        names = os.listdir(self.output) if self.output.is_dir() else []
        return [name for name in names if not name.endswith((".status.json", ".v2m"))]

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self.check()
            folder.mkdir(exist_ok=True)

    def sweep(self) -> None:
        """Remove files that an earlier process began to write."""
        pattern = f"{durable.TEMPORARY_PREFIX}*{durable.TEMPORARY_SUFFIX}"
        for folder in (self.folder, self.output, self.failed):
            for path in folder.glob(pattern):
                if path.is_file():  # a worker's folder is the worker's
                    with contextlib.suppress(OSError):
                        path.unlink()


def _copy(source: Path, target: Path) -> None:
    handle, name = tempfile.mkstemp(durable.TEMPORARY_SUFFIX, durable.TEMPORARY_PREFIX, target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        shutil.copyfile(source, temporary)
        shutil.copymode(source, temporary)
        durable.sync_file(temporary)
        durable.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
