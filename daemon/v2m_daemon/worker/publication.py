"""Results put in place: all of them or none, once, whoever dies in between.

Everything is brought into a hidden folder beside its place, so that each last step is a rename; then
`publish.json` says which renames will be; then they are done. Before `publish.json` is there nothing has
happened, and the hidden folder may go. From then on whoever finds it does the renames that are still to do:
the next attempt, or the parent of a worker that died. At last it becomes `result.json` itself, by a rename
that needs no room on the disk (see `v2m_daemon.jobs.folder`). Parent and worker share this module, so it
knows nothing of media or documents.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from v2m.errors import OutputExistsError, OutputWriteError
from v2m_daemon import durable
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.worker.executor import Done

HIDDEN_PREFIX: Final = ".v2m-"
HIDDEN_SUFFIX: Final = ".part"


@dataclass(frozen=True)
class Move:
    """One thing that is put in place."""

    source: Path
    """In the hidden folder."""

    target: Path
    replaces: bool = False
    """Whether what stands there gives way."""

    @property
    def is_lost(self) -> bool:
        """Whether it is neither here nor there: its disk is away, or somebody took it."""
        return not (os.path.lexists(self.source) or os.path.lexists(self.target))

    @property
    def aside(self) -> Path:
        """Where that waits until all is in place."""
        return self.source.with_name(f"{self.source.name}.old")


def hidden_folder(place: Path, job_id: str) -> Path:
    """Where results wait for their last step; the same for every attempt at a job."""
    return place / f"{HIDDEN_PREFIX}{job_id}{HIDDEN_SUFFIX}"


def open_hidden(place: Path, job_id: str) -> Path:
    """The hidden folder, empty, and the place made where it is missing.

    Raises:
        OutputWriteError: the place cannot be written to.
    """
    hidden = hidden_folder(place, job_id)
    try:
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir(parents=True)
    except OSError as error:
        raise _unwritable(place, error) from error
    return hidden


def bring(built: Path, hidden: Path) -> Path:
    """Move something whole into the hidden folder, from whatever disk it lies on.

    Raises:
        OutputWriteError: the disk is full.
    """
    target = hidden / built.name
    try:
        try:
            built.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.copytree(built, target) if built.is_dir() else shutil.copy2(built, target)
    except OSError as error:
        raise _unwritable(hidden.parent, error) from error
    return target


def publish(
    folder: JobFolder,
    hidden: Path,
    moves: Sequence[Move],
    result: Mapping[str, Any],
    outputs: Mapping[str, str],
) -> Done:
    """Put everything in place.

    Raises:
        OutputExistsError: a place was taken meanwhile; all is as it was before.
        OutputWriteError: the disk is full; all is as it was before.
    """
    try:
        durable.sync_tree(hidden)
        durable.sync_folder(hidden.parent)
    except OSError as error:
        raise _unwritable(hidden.parent, error) from error
    durable.write_json(
        folder.publish,
        {
            "hidden": str(hidden),
            "moves": [[str(move.source), str(move.target), move.replaces] for move in moves],
            "result": dict(result),
            "outputs": dict(outputs),
        },
    )
    return finish(folder)


def finish(folder: JobFolder) -> Done:
    """Do what `publish.json` says, as far as it is not done.

    Raises:
        OutputExistsError: a place was taken meanwhile; all is as it was before, `publish.json` gone.
        OutputWriteError: a rename failed; all is as it was before, `publish.json` gone. Where the disk went
            away, `publish.json` stays for when it is back.
    """
    if (known := folder.read_result()) is not None:
        return Done(*known)
    plan = json.loads(folder.publish.read_bytes())
    moves = _moves(plan)
    try:
        for move in moves:
            _do(move)
    except BaseException:
        undo(folder)
        raise
    shutil.rmtree(plan["hidden"], ignore_errors=True)
    try:
        durable.replace(folder.publish, folder.result)
    except OSError as error:
        raise _unwritable(folder.path, error) from error
    return Done(plan["result"], plan["outputs"])


def is_begun(folder: JobFolder) -> bool:
    """Whether results are being put in place: then they will be."""
    return folder.publish.exists()


def undo(folder: JobFolder) -> None:
    """Take back what was put in place of a publication that cannot be finished."""
    moves = _moves(json.loads(folder.publish.read_bytes()))
    if any(move.is_lost for move in moves):
        return  # nothing can be taken back on a disk that is away
    for move in reversed(moves):
        with contextlib.suppress(OSError):
            if not os.path.lexists(move.source):
                durable.replace(move.target, move.source)
            if os.path.lexists(move.aside) and not os.path.lexists(move.target):
                durable.replace(move.aside, move.target)
    with contextlib.suppress(OSError):
        folder.publish.unlink()
        durable.sync_folder(folder.path)


def abandon(folder: JobFolder, place: Path, job_id: str) -> None:
    """Leave nothing in the place of a job that is given up; one that is done keeps all."""
    if folder.read_result() is not None:
        return
    if is_begun(folder):
        undo(folder)
    shutil.rmtree(hidden_folder(place, job_id), ignore_errors=True)


def _moves(plan: Mapping[str, Any]) -> tuple[Move, ...]:
    return tuple(Move(Path(source), Path(target), replaces) for source, target, replaces in plan["moves"])


def _do(move: Move) -> None:
    if not os.path.lexists(move.source) and os.path.lexists(move.target):
        return  # an earlier attempt came so far
    try:
        if os.path.lexists(move.target):
            if not move.replaces:
                raise OutputExistsError(
                    f"{move.target} has appeared meanwhile.", hint="Submit the job again."
                )
            durable.replace(move.target, move.aside)
        durable.replace(move.source, move.target)
    except OSError as error:
        raise _unwritable(move.target.parent, error) from error


def _unwritable(place: Path, error: OSError) -> OutputWriteError:
    return OutputWriteError(
        f"Cannot write in {place}: {error.strerror or error}.", hint="Make room or check the folder's rights."
    )
