"""What music there is: entries out of folders, tables and WebDataset shards, each with its words and licence.

    folder      sound files below it, each with NAME.json or NAME.txt (its words) beside it if there is one
    *.csv       a row each, with a header; *.jsonl: a line of JSON each; paths are relative to the table
    *.tar       a WebDataset shard: members KEY.SUFFIX that share a key are one sample (sound, json, txt)

Conventions: columns and keys are `audio`, `text`, `licence` and `work`, or the names that others use for them
(`_NAMES`); what else a row holds is passed over. Nothing is unpacked to the disk here.
Source: https://github.com/webdataset/webdataset, section "The WebDataset format".
"""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

from v2m.errors import InputError

SUFFIXES: Final = frozenset((".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff"))

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "audio": ("audio", "path", "file", "file_name", "filename", "audio_path", "location"),
    "text": ("text", "caption", "prompt", "description"),
    "licence": ("licence", "license", "rights"),
    "work": ("work", "song", "composition", "album"),
}

_LARGEST_FACTS: Final = 1_000_000  # bytes of a member that describes a sample: words, not a book


@dataclass(frozen=True)
class Entry:
    """One piece of music that may be learned from."""

    id: str
    """Unique in its sources, for people: the file's path or the sample's key."""

    path: Path
    """The sound file, or the shard that holds it."""

    text: str = ""
    licence: str = ""
    work: str = ""
    """What it is a recording, version or part of; its id where nothing is said."""

    member: str = ""
    """Name within the shard."""

    span: tuple[int, int] = (0, 0)
    """First byte and size within the shard."""


def read_sources(sources: Iterable[Path], licence: str = "") -> list[Entry]:
    """All entries of some sources, in order.

    Args:
        sources: folders, tables and shards.
        licence: of entries that name none.

    Raises:
        InputError: a source is not there, is no such thing, or two entries have one id.
    """
    entries = [entry for source in sources for entry in _read(source)]
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise InputError(f"{entry.id} is listed twice.", hint="Give each piece of music once.")
        seen.add(entry.id)
    if not entries:
        raise InputError("The sources hold no music.", hint=f"Known files are {', '.join(sorted(SUFFIXES))}.")
    return [replace(e, licence=e.licence or licence, work=e.work or e.id) for e in entries]


def _read(source: Path) -> Iterator[Entry]:
    try:
        if source.is_dir():
            yield from _folder(source)
        elif source.suffix in (".csv", ".jsonl"):
            rows = _csv(source) if source.suffix == ".csv" else _jsonl(source)
            yield from _table(source, rows)
        elif source.suffix == ".tar":
            yield from _shard(source)
        else:
            raise InputError(f"{source} is no folder, table (.csv, .jsonl) or shard (.tar) that is there.")
    except (OSError, ValueError, csv.Error, tarfile.TarError) as error:
        raise InputError(f"{source} cannot be read: {error}.") from error


def _folder(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield _entry(path.relative_to(folder).as_posix(), path, _beside(path))
        elif path.suffix == ".tar":
            yield from _shard(path)


def _beside(path: Path) -> dict[str, Any]:
    """What the files beside a sound file say of it."""
    facts: dict[str, Any] = {}
    if (words := path.with_suffix(".txt")).is_file():
        facts["text"] = words.read_text("utf-8").strip()
    if (described := path.with_suffix(".json")).is_file():
        facts |= _object(json.loads(described.read_text("utf-8")), described)
    return facts


def _table(source: Path, rows: Iterable[dict[str, Any]]) -> Iterator[Entry]:
    for number, row in enumerate(rows, 1):
        audio = _named(row, "audio")
        if not audio:
            raise InputError(f"{source}, entry {number}, names no file, expected a column `audio`.")
        yield _entry(audio, source.parent / audio, row)


def _csv(source: Path) -> Iterator[dict[str, Any]]:
    with source.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _jsonl(source: Path) -> Iterator[dict[str, Any]]:
    for line in source.read_text("utf-8").splitlines():
        if line.strip():
            yield _object(json.loads(line), source)


def _shard(source: Path) -> Iterator[Entry]:
    """Samples of a shard; its members are listed, and only what describes them is read."""
    sounds: dict[str, tarfile.TarInfo] = {}
    facts: dict[str, dict[str, Any]] = {}
    with tarfile.open(source, "r:") as tar:
        for member in tar:
            place = PurePosixPath(member.name)
            key = (place.parent / place.name.split(".", 1)[0]).as_posix()
            if not member.isfile():
                continue
            if place.suffix.lower() in SUFFIXES:
                sounds[key] = member
            elif place.suffix in (".json", ".txt") and member.size <= _LARGEST_FACTS:
                described = tar.extractfile(member)
                words = described.read().decode("utf-8") if described else ""
                told = (
                    {"text": words.strip()} if place.suffix == ".txt" else _object(json.loads(words), source)
                )
                facts[key] = {**facts.get(key, {}), **told}
    for key, member in sounds.items():
        entry = _entry(f"{source.name}:{key}", source, facts.get(key, {}))
        yield replace(entry, member=member.name, span=(member.offset_data, member.size))


def _entry(name: str, path: Path, row: Mapping[str, Any]) -> Entry:
    return Entry(name, path, _named(row, "text"), _named(row, "licence"), _named(row, "work"))


def _named(row: Mapping[str, Any], what: str) -> str:
    """The first value that a row has under one of the names of a thing."""
    for name in _NAMES[what]:
        value = row.get(name)
        if isinstance(value, list):  # several captions of one piece: the first
            value = next(iter(value), None)
        if value not in (None, ""):
            return str(value).strip()
    return ""


def _object(value: Any, source: Path) -> dict[str, Any]:  # noqa: ANN401 - JSON, checked here
    if not isinstance(value, dict):
        raise InputError(f"{source} holds {type(value).__name__} where an object with text was expected.")
    return value
