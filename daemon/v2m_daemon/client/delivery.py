"""The results of a job, brought from the daemon's machine to this one as they would have been made here.

Conventions: they lie in a hidden folder until all of them are whole, and are then renamed into place. What a
daemon says is not trusted with where to write: nothing leaves the folder that was named.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Final
from xml.sax.saxutils import escape

from v2m_otio.exchange.kinds import FORMATS

from v2m.errors import DataLossError, OutputExistsError, OutputWriteError
from v2m_daemon import durable
from v2m_daemon.client.client import Client
from v2m_daemon.jobs.view import JobView

SCORED_SUFFIXES: Final = tuple(dict.fromkeys(form.suffix for form in FORMATS))
_PATHS: Final = ("take", "wav", "timeline")
"""What in a result is a path."""


def check_free(folder: Path, stem: str, *, overwrite: bool) -> None:
    """Say before the work begins that its results could not be put into a folder.

    Raises:
        OutputExistsError: results of this name are there, and are not to be replaced.
        OutputWriteError: it is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputWriteError(f"{folder} is no folder.", hint="Name another one.")
    for name in (f"{stem}.v2m", f"{stem}-a.v2m", *(f"{stem}_scored{suffix}" for suffix in SCORED_SUFFIXES)):
        if not overwrite and os.path.lexists(folder / name):
            raise _exists(folder / name)


def deliver(client: Client, view: JobView, folder: Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Bring what a done job made; returns its result with the paths of this machine.

    Raises:
        OutputExistsError: something of the same name is there, and is not to be replaced.
        OutputWriteError: it cannot be written; nothing is left behind.
        DataLossError: what came is not what the daemon has.
        V2MError: what the daemon answered, or that it did not.
    """
    folder = folder.absolute()
    places = _places(view)
    tops = sorted({place.parts[0] for place in places.values()})
    for top in tops:
        if not overwrite and os.path.lexists(folder / top):
            raise _exists(folder / top)
    here = {view.outputs[name]: folder / place for name, place in places.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(durable.TEMPORARY_SUFFIX, durable.TEMPORARY_PREFIX, folder))
        try:
            for name, place in places.items():
                client.fetch(view.id, name, hidden / "new" / place)
            _point_here(hidden / "new", places, view.outputs, folder)
            _put(hidden, tops, folder)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise OutputWriteError(
            f"Cannot write in {folder}: {error.strerror or error}.", hint="Name another folder."
        ) from error
    return _result(view, folder, here)


def _places(view: JobView) -> dict[str, PurePath]:
    """Name of each output -> where it goes, below the folder; a file that has two names comes once."""
    out = _path(view.out_dir)
    places: dict[str, PurePath] = {}
    known = set()
    for name, path in view.outputs.items():
        if path in known:
            continue
        known.add(path)
        try:
            inside = _path(path).relative_to(out)
        except ValueError:
            inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or not inside.parts:
            raise DataLossError(
                f"The daemon says that {name!r:.100} lies at {path!r:.200}, which is no place."
            )
        places[name] = Path(*inside.parts)
    return places


def _path(text: str) -> PurePath:
    """A path in the way of the daemon's system."""
    windows = text[1:3] in (":\\", ":/") or text.startswith("\\\\")
    return PureWindowsPath(text) if windows else PurePosixPath(text)


def _point_here(new: Path, places: Mapping[str, PurePath], outputs: Mapping[str, str], folder: Path) -> None:
    """Let the timeline refer to the music on this machine, where its editor wants an absolute path."""
    if "timeline" not in places:
        return
    moved = {}
    for name, place in places.items():
        there = _path(outputs[name])
        moved[str(there)] = str(folder / place)
        if there.is_absolute():
            moved[there.as_uri()] = (folder / place).as_uri()
    path = new / places["timeline"]
    if path.suffix.lower() != ".otio":
        _replace_paths(path, moved)
        return
    content = json.loads(path.read_bytes())
    if _retarget(content, moved):
        path.write_text(json.dumps(content, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")


def _replace_paths(path: Path, moved: Mapping[str, str]) -> None:
    """The same in a format of text or XML; an AAF, which is neither, is left to its editor's relinking."""
    if path.suffix.lower() == ".aaf":
        return
    raw = path.read_bytes()
    for there, here in moved.items():
        for spelled in (str, escape):
            raw = raw.replace(spelled(there).encode(), spelled(here).encode())
    path.write_bytes(raw)


def _retarget(node: object, moved: Mapping[str, str]) -> bool:
    """Exchange every reference to a file that was brought; says whether there was one."""
    changed, waiting = False, [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            target = node.get("target_url")
            if isinstance(target, str) and target in moved:
                node["target_url"], changed = moved[target], True
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return changed


def _put(hidden: Path, tops: list[str], folder: Path) -> None:
    durable.sync_tree(hidden / "new")
    (hidden / "old").mkdir()
    for top in tops:
        if os.path.lexists(folder / top):  # a take is replaced as a whole: it may have had other stems
            os.replace(folder / top, hidden / "old" / top)
        durable.replace(hidden / "new" / top, folder / top)


def _result(view: JobView, folder: Path, here: Mapping[str, Path]) -> dict[str, Any]:
    out = _path(view.out_dir)
    tops = {path.relative_to(folder).parts[0] for path in here.values()}

    def local(there: object) -> object:
        if isinstance(there, str):
            try:
                inside = _path(there).relative_to(out)
            except ValueError:
                return there
            if inside.parts and inside.parts[0] in tops:
                return str(folder.joinpath(*inside.parts))
        return there

    def with_paths(plain: Mapping[str, Any]) -> dict[str, Any]:
        return {key: local(value) if key in _PATHS else value for key, value in plain.items()}

    result = with_paths(view.result or {})
    if "takes" in result:
        result["takes"] = [with_paths(take) for take in result["takes"]]
    return result


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(f"{path} is there already.", hint="Use --overwrite or another folder.")
