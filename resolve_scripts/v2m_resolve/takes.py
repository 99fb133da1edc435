"""The takes of a timeline, in the file that the Lua entries keep too."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from v2m_resolve.daemon import Json, read, write


class Takes:
    """The takes of a timeline, in the file that the Lua entries keep too."""

    def __init__(self, folder: Path) -> None:
        """Nothing is made yet."""
        self.folder = folder

    def read(self) -> list[Json]:
        """Newest last."""
        return [take for take in (read(self.folder / "takes.json") or {}).get("takes") or [] if take]

    def add(self, takes: Iterable[Json]) -> None:
        """Add takes, the best last."""
        index = read(self.folder / "takes.json") or {}
        self.folder.mkdir(parents=True, exist_ok=True)
        pending = index.get("pending") or []
        write(self.folder / "takes.json", {"takes": [*self.read(), *takes], "pending": pending})

    def number(self, path: str) -> int:
        """Of the take whose music is that file, from 1; 0 for none."""
        return next((n for n, take in enumerate(self.read(), start=1) if take["wav"] == path), 0)


def takes_of(result: Json, first: int, rate: Fraction) -> list[Json]:
    """What a job made, the best last."""
    shared = {
        "first": first,
        "frames": max(1, round(Fraction(result["duration_s"]) * rate)),
        "hits": result.get("hits", []),
        "prompt": result.get("prompt", ""),
    }
    best = {"wav": result["wav"], "take": result.get("take"), **shared}
    others = [
        {"wav": other["wav"], "take": other["take"], **shared}
        for other in result.get("takes", [])
        if other["wav"] != best["wav"]
    ]
    return [*reversed(others), best]
