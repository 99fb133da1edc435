"""Which files a job may touch, and what a client's paths are called on this machine.

Conventions: with roots, every path of a job must lie under one of them or in the home's folders for uploads
and jobs, links followed; without, the user's own rights decide. A path map turns the beginning of a client's
path into a folder here. Only existence and place are looked at: what is in a file is the worker's business,
which looks again at what it opens, for a link can be exchanged between the two looks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from v2m.errors import InputError, PathRefusedError, UsageError
from v2m_daemon.home import Home
from v2m_daemon.jobs.spec import JobSpec

_WRITTEN: Final = ("out_dir", "in_place")
_FOLDERS_TOO: Final = ("document", "timeline", "path_map")
"""A document may be an .otiod, a retimed one is a take's folder."""


class Confinement:
    """The roots and the path map of one daemon."""

    def __init__(
        self, home: Home, roots: Sequence[str] = (), path_map: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Roots are resolved now: a root that is a link means where it leads.

        Args:
            home: its uploads, inbox and jobs are always allowed.
            roots: absolute folders; none: everything that the user may.
            path_map: (beginning of a client's path, folder here), tried in their order.

        Raises:
            UsageError: a root is no folder.
        """
        for root in roots:
            if not os.path.isdir(root):
                raise UsageError(f"The root {root} is no folder.", hint="Correct roots in the configuration.")
        self._path_map = tuple(path_map)
        self.roots = tuple(os.path.realpath(root) for root in roots)
        self._jobs = os.path.realpath(home.jobs)
        if roots:
            self.roots += (os.path.realpath(home.uploads), os.path.realpath(home.inbox), self._jobs)

    def here(self, path: str) -> str:
        """What a client's path is called on this machine."""
        for there, folder in self._path_map:
            if (rest := _below(path, there)) is not None:
                return os.path.join(folder, *rest) if rest else folder
        return path

    def check(self, spec: JobSpec) -> JobSpec:
        """Look whether a job may touch what it names; returns it with the daemon's path map added to its own.

        Raises:
            PathRefusedError: a path leads outside the roots, or to something that is no file.
            InputError: a file is not there.
        """
        for name, path in spec.paths():
            self.check_path(name, path)
        if spec.in_place:
            self._check_place("in_place", spec.result_dir(""))
        path_map = tuple(dict.fromkeys((*spec.path_map, *self._path_map)))
        return spec if path_map == spec.path_map else replace(spec, path_map=path_map)

    def check_path(self, name: str, path: str) -> None:
        """Look at one path.

        Args:
            name: the field of a job that it stands in.
            path: absolute, on this machine.

        Raises:
            PathRefusedError, InputError: as `check`.
        """
        self._check_place(name, path)
        if name in _WRITTEN:
            if os.path.lexists(path) and not os.path.isdir(path):
                raise PathRefusedError(f"{path} is no folder to put results in.", detail=name)
            return
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError) as error:
            raise InputError(f"There is no file {path}.", hint="Check the path.", detail=name) from error
        if not (stat.S_ISREG(mode) or (name in _FOLDERS_TOO and stat.S_ISDIR(mode))):
            raise PathRefusedError(f"{path} is no regular file.", detail=name)

    def _check_place(self, name: str, path: str) -> None:
        """Links are followed, so what does not exist yet lies where its parents lead."""
        if not os.path.isabs(path):
            raise PathRefusedError(
                f"{path} is no absolute path on this machine.", hint="Map it by a path map.", detail=name
            )
        if not self.roots:
            return
        place = Path(os.path.realpath(path))
        # jobs may read what earlier jobs made, not write among it
        roots = [root for root in self.roots if name not in _WRITTEN or root != self._jobs]
        if not any(place.is_relative_to(root) for root in roots):
            raise PathRefusedError(
                f"{path} lies outside the folders that this daemon may touch.",
                hint="Put it under one of the roots of its configuration, or send it with PutMedia.",
                detail=name,
            )


def _below(path: str, folder: str) -> tuple[str, ...] | None:
    r"""The parts of a path below a folder, written in the way of whatever system; None if it lies elsewhere.

    A client on Windows writes `D:\Edit\a.otio`, and means no other file by `d:/edit/a.otio`.
    """
    parts, above = list(_parts(path)), list(_parts(folder))
    if _is_windows(folder):
        same = [part.casefold() for part in parts[: len(above)]] == [part.casefold() for part in above]
    else:
        same = parts[: len(above)] == above
    rest = tuple(parts[len(above) :])
    if not same or len(parts) < len(above) or ".." in rest:
        return None
    return rest


def _parts(path: str) -> Iterator[str]:
    text = path.replace("\\", "/") if _is_windows(path) else path
    yield "/" if text.startswith("/") else ""
    yield from (part for part in text.split("/") if part not in ("", "."))


def _is_windows(path: str) -> bool:
    return path[1:3] in (":\\", ":/") or path.startswith("\\\\")
