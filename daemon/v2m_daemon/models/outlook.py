"""What each model that can be added would bring to this machine, and whether it would fit: for `v2m doctor`.

Conventions: plain data, sizes in bytes. Only names and sizes are looked at; `v2m models verify` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from v2m_daemon.models.catalogue import all_models
from v2m_daemon.models.model import Model
from v2m_daemon.models.store import ModelStore

LIBRARIES = ("transformers", "diffusers", "soxr")
"""What pretrained models need beside torch: the extra `models`."""


def outlook(store: ModelStore, memory_bytes: int | None) -> list[dict[str, Any]]:
    """Each model: what it brings, whether it is here, and whether it fits into so much memory."""
    return [_row(model, store, memory_bytes) for model in all_models()]


def _row(model: Model, store: ModelStore, memory_bytes: int | None) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "present": store.place(model) is not None,
        "brings": model.summary,
        "licence": model.licence.name,
        "commercial": model.licence.commercial,
        "size_bytes": model.size_bytes,
        "memory_bytes": model.memory_bytes,
        "fits": None if memory_bytes is None else model.memory_bytes <= memory_bytes,
        "lacks": list(store.lacks(model)),
        "damaged": list(store.damaged(model)),
    }


def outlook_words(rows: list[dict[str, Any]]) -> list[str]:
    """The same as a person reads it: what is here, and what is not with what it would bring."""
    here = [row["name"] for row in rows if row["present"]]
    lines = [f"{'models':<14}{', '.join(here) or 'none was added'}"]
    missing = [row for row in rows if not row["present"]]
    if missing:
        lines += ["", "What `v2m models add NAME` would bring:"]
    for row in missing:
        lines.append(f"  {row['name']:<27}{row['brings']}")
        fits = "" if row["fits"] is not False else ", more than there is here"
        terms = row["licence"] if row["commercial"] else f"{row['licence']}: not for commercial use"
        sizes = f"{row['size_bytes'] / 1e9:.1f} GB, {row['memory_bytes'] / 1e9:.1f} GB of memory{fits}"
        lines.append(f"  {'':<27}{sizes}; {terms}")
    return lines


def model_problems(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """What keeps models that are here from running: (what is wrong, what to do)."""
    pretrained = [row for row in rows if row["present"] and row["kind"] != "soundfont"]
    absent = [name for name in LIBRARIES if _version(name) is None]
    if pretrained and absent:
        yield (
            f"{pretrained[0]['name']} is here, and {' and '.join(absent)} to run it is not.",
            'pip install "v2m[models]"',
        )
    for row in rows:
        for file in row["damaged"]:
            fix = f"v2m models remove {row['name']}, then v2m models add {row['name']}"
            yield f"{file} of {row['name']} is missing or has another size than it had.", fix
    for row in pretrained:
        for name in row["lacks"]:
            yield f"{row['name']} needs {name}, which is not here.", f"v2m models add {name}"


def mismatched(versions: Mapping[str, str | None] | None = None) -> Iterator[tuple[str, str]]:
    """Companions of torch that were built for another torch: importing them breaks transformers too.

    Args:
        versions: of torch, torchaudio and torchvision; None: those that are installed.
    """
    names = ("torch", "torchaudio", "torchvision")
    found = {name: _version(name) for name in names} if versions is None else versions
    torch = found.get("torch")
    if torch is None:
        return
    for name, minor_of in (("torchaudio", _same), ("torchvision", _vision)):
        version = found.get(name)
        if version is not None and minor_of(version) != _minor(torch):
            yield (
                f"{name} {version} was built for another torch than {torch}, and breaks what imports it.",
                f"pip uninstall {name}  (V2M does not need it)",
            )


def _minor(version: str) -> tuple[int, int]:
    major, minor = [*version.split("+")[0].split("."), "0"][:2]
    return int(major), int("".join(filter(str.isdigit, minor)) or 0)


def _same(version: str) -> tuple[int, int]:
    """Of torchaudio, which has had torch's own numbers since 2.0."""
    return _minor(version)


def _vision(version: str) -> tuple[int, int]:
    """Of torchvision, of which 0.N is made for torch 2.(N - 15), as its table of releases says."""
    return 2, _minor(version)[1] - 15


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
