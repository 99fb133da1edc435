"""Answers of models that were given before, by the content of what they were asked.

    cache/watching/KEY.json   {"answer": text}

A key is a hash over the model's weights, the question and every byte that was shown or played, so an answer
is right wherever the file lies and whatever it is called. What cannot be read or written is asked again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import platformdirs
from numpy.typing import NDArray

_MOST_FILES: Final = 20_000
"""Some hundred bytes each; beyond that the oldest go."""


class Remembered:
    """A folder of answers."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder()

    def or_ask(self, key: str, ask: Callable[[], str]) -> str:
        """The answer of that key, asked for if it is not there."""
        path = self.folder / f"{key}.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_text(encoding="utf-8"))["answer"]
            if isinstance(found, str):
                return found
        answer = ask()
        with contextlib.suppress(OSError):
            self._keep(path, answer)
        return answer

    def _keep(self, path: Path, answer: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=self.folder, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"answer": answer}, file, ensure_ascii=False)
        os.replace(draft, path)
        files = list(self.folder.glob("*.json"))
        if len(files) > _MOST_FILES:
            for old in sorted(files, key=lambda file: file.stat().st_mtime)[: len(files) // 10]:
                old.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where answers are kept; `Home.cache` of the daemon is its parent."""
    if root := os.environ.get("V2M_HOME"):
        return Path(os.path.abspath(root)) / "cache" / "watching"
    return platformdirs.user_cache_path("v2m", appauthor=False) / "cache" / "watching"


def key_of(*parts: str | NDArray[np.generic]) -> str:
    """A hash over texts and arrays, in their order."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            content, kind = part.encode(), "text"
        else:
            content, kind = np.ascontiguousarray(part).tobytes(), f"{part.dtype}{part.shape}"
        digest.update(f"{kind} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
