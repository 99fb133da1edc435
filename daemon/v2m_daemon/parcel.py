"""A job's files, sent to a daemon that cannot see them: the timeline, the media that it shows, and the rest.

Conventions: each file lies there under its own content, so none is sent twice; the document names its media
as it does here, and the job's path map says of each where it lies there. References relative to the document
are made absolute first where the scored copy will not lie beside it.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from v2m_otio.documents import timeline_content
from v2m_otio.read import Document, read_document
from v2m_otio.relink import relinked
from v2m_otio.targets import PathMap, parse_target

from v2m.errors import InputError
from v2m_daemon.client import Client, JobSpec

Report = Callable[[float], None]

LONGEST_NAME_BYTES: Final = 200
"""File systems take 255; the results are called after the document, with something behind."""

LONGEST_SUFFIX_BYTES: Final = 16
"""What is longer is no suffix but a sentence with a dot in it."""

_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Devices of Windows, with any suffix."""

_UNSAFE: Final = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]|^\.+|[. ]+$')
"""What a daemon on another system would not take in a name."""


def send(client: Client, spec: JobSpec, out: Path | None, report: Report) -> JobSpec:
    """Send the files of a job; returns the job in the daemon's words, its results in the job's own folder.

    Args:
        client: the daemon.
        spec: a job with paths of this machine.
        out: the folder here to which the results will come; None: not known yet.
        report: called with the fraction that was sent.

    Raises:
        InputError: a file cannot be read.
        V2MError: what the daemon answered, or that it did not.
    """
    picture, soundfont, adapter = (
        Path(path) if path else None for path in (spec.picture, spec.soundfont, spec.adapter)
    )
    with tempfile.TemporaryDirectory(prefix="v2m-", ignore_cleanup_errors=True) as folder:
        document, media = _opened(Path(spec.document), PathMap(spec.path_map), out, Path(folder))
        beside = (picture, soundfont, adapter)
        files = [path for path in (document, *beside, *media.values()) if path is not None]
        there = dict(zip(files, _sent(client, files, report), strict=True))
    return replace(
        spec,
        document=there[document],
        picture=there[picture] if picture else None,
        soundfont=there[soundfont] if soundfont else None,
        adapter=there[adapter] if adapter else None,
        path_map=tuple((target, there[path]) for target, path in media.items()),
        in_place=False,
        out_dir=None,
    )


def _opened(path: Path, path_map: PathMap, out: Path | None, folder: Path) -> tuple[Path, Mapping[str, Path]]:
    """The file to send for a document or video; and its media, as it names them -> where they lie here."""
    if path.suffix.lower() not in (".otio", ".otiod"):
        return path, {}  # a video, a bundle with its media inside, or what the daemon will refuse
    document = read_document(path, path_map=path_map)
    content = json.loads(document.text)
    changed = relinked(timeline_content(content, path.name), document, (out or folder) / path.name)
    if changed or path.is_dir():
        path = folder / f"{path.stem}.otio"
        path.write_text(json.dumps(content), encoding="utf-8")
        document = read_document(path, path_map=path_map)
    return path, dict(_media(document))


def _media(document: Document) -> Iterator[tuple[str, Path]]:
    for shot in document.timeline.shots:
        if shot.media is not None and shot.media.path is not None:
            yield parse_target(shot.media.target).spellings[0], shot.media.path


def _sent(client: Client, files: Sequence[Path], report: Report) -> Iterator[str]:
    """Where each of the files lies on the daemon's machine once it is there."""
    try:
        sizes = [path.stat().st_size for path in files]
    except OSError as error:
        raise InputError(
            f"Cannot read {error.filename}: {error.strerror}.", hint="Check the path."
        ) from error
    total, before = max(1, sum(sizes)), 0
    for path, size in zip(files, sizes, strict=True):

        def told(fraction: float, before: int = before, size: int = size) -> None:
            report((before + fraction * size) / total)

        yield client.upload(path, name=safe_name(path.name), report=told)
        before += size


def safe_name(name: str) -> str:
    """A name that every system takes for a file, with the same suffix."""
    name = _UNSAFE.sub("_", name)
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > LONGEST_SUFFIX_BYTES:
        stem, dot, suffix = name, "", ""
    short = stem.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore")
    name = _UNSAFE.sub("_", f"{short}{dot}{suffix}")
    return f"_{name}" if _RESERVED.match(name) else name
