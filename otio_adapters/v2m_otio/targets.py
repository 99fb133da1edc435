r"""Where a reference's `target_url` points, however the editor spelled it, and the map between machines.

Editors write bare paths of their own system (`C:\Users\a b\x.mov`, `\\server\share\x.mov`, `/Volumes/x.mov`),
`file:` URLs with percent-encoding (Premiere: `file://localhost/D%3a/x.mov`) and without (`file:///a b.mov`),
and paths relative to the document. URL parsers lose drive letters and cut at `#`, so none is used.

Conventions: a Windows or network path is kept with backslashes, any other with slashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from v2m.errors import UsageError

_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_LOCAL_HOSTS: Final = ("", "localhost", "127.0.0.1")


@dataclass(frozen=True)
class PathMap:
    """Folders that have other names on this machine, tried in order; the first that fits is taken."""

    pairs: tuple[tuple[str, str], ...] = ()
    r"""(from, to): `("C:\Projects", "/mnt/projects")`. Windows prefixes fit in any case and slash."""

    def __post_init__(self) -> None:
        """Refuse a prefix that fits everything.

        Raises:
            UsageError: a prefix is empty.
        """
        if any(not prefix.strip() for prefix, _ in self.pairs):
            raise UsageError(
                "A path map has an empty prefix, expected the folder's name on the other machine."
            )

    def mapped(self, path: str) -> str | None:
        """The path on this machine, or None where no prefix fits."""
        for prefix, replacement in self.pairs:
            rest = _after_prefix(path, prefix)
            if rest is not None:
                return _joined(replacement, rest)
        return None


def _after_prefix(path: str, prefix: str) -> str | None:
    """What follows a prefix that ends at a folder's border, with slashes; None where it does not fit."""
    path, prefix = path.replace("\\", "/"), prefix.replace("\\", "/").rstrip("/")
    windows = prefix.startswith("//") or re.match(r"[A-Za-z]:", prefix) is not None
    head = path[: len(prefix)]
    fits = head.casefold() == prefix.casefold() if windows else head == prefix
    rest = path[len(prefix) :]
    return rest.lstrip("/") if fits and (not rest or rest.startswith("/")) else None


def _joined(folder: str, rest: str) -> str:
    separator = "\\" if "\\" in folder else "/"
    return folder.rstrip("\\/") + separator + rest.replace("/", separator)


NO_MAP: Final = PathMap()


class TargetError(ValueError):
    """A target that leads to no local file; the text is half a sentence that follows its name."""


@dataclass(frozen=True)
class Target:
    """A target taken apart."""

    spellings: tuple[str, ...]
    """The paths it may mean, likeliest first: with percent-encoding undone, and as written."""

    network: bool = False
    """On a network share: looking at it would open a connection."""

    windows: bool = False

    @property
    def relative(self) -> bool:
        """Counted from the document's folder."""
        return not self.windows and not self.network and not self.spellings[0].startswith("/")


def parse_target(text: str) -> Target:
    """Take a `target_url` apart.

    Raises:
        TargetError: it is empty, holds control characters, or is of another scheme than `file:`.
    """
    if not text.strip():
        raise TargetError("is an empty path")
    if any(ord(character) < 32 or "\ud800" <= character <= "\udfff" for character in text):
        raise TargetError("holds characters that no path has")
    scheme = _SCHEME.match(text)
    if _DRIVE.match(text) or scheme is None:
        return _target(text, _both(text, url=False))
    if scheme[1].lower() != "file":
        raise TargetError(f"is a {scheme[1].lower()}: address, only local files are opened")
    return _target(text, _both(_path_of_file_url(text[len(scheme[0]) :]), url=True))


def _path_of_file_url(rest: str) -> str:
    """`//host/path`, `/path` or `path`, as a path."""
    if not rest.startswith("//") or rest.startswith("///"):
        path = "/" + rest.lstrip("/") if rest.startswith("/") else rest
    else:
        host, _, tail = rest[2:].partition("/")
        if re.fullmatch(r"[A-Za-z](:|%3[Aa]|\|)", host):
            path = f"/{host[0]}:/{tail}"
        elif host.lower() in _LOCAL_HOSTS:
            path = "/" + tail
        else:
            return f"//{host}/{tail}"
    drive = re.match(r"/([A-Za-z])(:|%3[Aa]|\|)(/|\\|%5[Cc])", path)
    return f"{drive[1]}:/{path[drive.end() :]}" if drive else path


def _both(path: str, *, url: bool) -> tuple[str, ...]:
    """With the percent-encoding undone, and as written: a URL means the first, a bare path the second."""
    decoded = unquote(path)
    if decoded == path or any(ord(character) < 32 for character in decoded):
        return (path,)
    return (decoded, path) if url else (path, decoded)


def _target(text: str, spellings: tuple[str, ...]) -> Target:
    first = spellings[0].replace("\\", "/")
    network = first.startswith("//")
    windows = _DRIVE.match(first) is not None
    if network or windows:
        spellings = tuple(path.replace("/", "\\") for path in spellings)
    elif "/" not in text and "\\" in text:  # a relative path of Windows
        spellings = (*spellings, *(path.replace("\\", "/") for path in spellings))
    return Target(spellings, network, windows)
