"""Features that were computed before, on disk, by the content of what was looked at.

Looking at a minute of film with a large vision transformer takes minutes without a GPU, and an editor scores
the same footage many times. A row is filed under the hash of the very picture (or clip, or span of sound)
that the network was given, in a folder of the encoder, its weights and its settings: moving a cut, adding a
shot or copying the media elsewhere finds what did not change.

Files: `CACHE/features/RECIPE/*.safetensors`, each with keys (n, 16) uint8 and rows (n, …) float32. A file is
written under another name and renamed, never changed after; so two processes may write at once, a crash
leaves nothing half, and a file that is damaged is passed over. The whole may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections import OrderedDict
from pathlib import Path
from typing import Final

import numpy as np
import platformdirs
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_arrays

FloatRows = NDArray[np.float32]

LIMIT_BYTES: Final = 4 << 30
"""Of all features together, the oldest files go first: some twelve hours of film at 24 rows a second of 1024
numbers each."""

FILE_BYTES: Final = 16 << 20
"""Of one file: 4096 rows of 1024 numbers, which are read as a whole in some milliseconds."""

_OPEN_FILES: Final = 4
"""Files whose rows are held in memory: a programme is read in the order in which it was written."""

_KEY_BYTES: Final = 16
"""Half of a SHA-256: two of 2^40 pictures share it with a chance of 2^-49."""


def cache_folder() -> Path:
    """Where features are kept; `Home.cache` of the daemon is its parent."""
    if root := os.environ.get("V2M_HOME"):
        return Path(os.path.abspath(root)) / "cache" / "features"
    return platformdirs.user_cache_path("v2m", appauthor=False) / "cache" / "features"


def key_of(*contents: NDArray[np.generic]) -> bytes:
    """The hash by which the features of some arrays are found."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(f"{content.shape} {content.dtype};".encode())
        whole.update(np.ascontiguousarray(content).reshape(-1).view(np.uint8).data)
    return whole.digest()[:_KEY_BYTES]


class FeatureStore:
    """The features of one recipe; without a folder that can be written it keeps nothing."""

    def __init__(self, recipe: str, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        """Open the features of a recipe: the encoder, hash of its weights, settings and arithmetic."""
        self._root = folder if folder is not None else cache_folder()
        self._folder = self._root / hashlib.sha256(recipe.encode()).hexdigest()[: 2 * _KEY_BYTES]
        self._limit_bytes = limit_bytes
        self._fresh: dict[bytes, FloatRows] = {}
        self._places: dict[bytes, tuple[Path, int]] = {}
        self._open: OrderedDict[Path, FloatRows] = OrderedDict()
        with contextlib.suppress(OSError):
            for path in sorted(self._folder.glob("*.safetensors")):
                self._note(path)

    def get(self, key: bytes) -> FloatRows | None:
        """The row of a key, None where it is not known."""
        if key in self._fresh:
            return self._fresh[key]
        if key not in self._places:
            return None
        path, index = self._places[key]
        rows = self._rows(path)
        return None if rows is None else rows[index]

    def put(self, key: bytes, row: FloatRows) -> None:
        """Keep a row; all rows of a recipe have one shape."""
        self._fresh[key] = np.array(row, dtype=np.float32)
        if len(self._fresh) * self._fresh[key].nbytes >= FILE_BYTES:
            self.save()

    def save(self) -> None:
        """Write what is new; a full disk or a folder of another user's costs the speed and nothing else."""
        if not self._fresh:
            return
        keys, rows = list(self._fresh), np.stack(list(self._fresh.values()))
        path = self._folder / f"{uuid.uuid4().hex}.safetensors"
        content = save_arrays(
            {"keys": np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _KEY_BYTES), "rows": rows}
        )
        draft = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return
        self._fresh.clear()
        self._places.update({key: (path, index) for index, key in enumerate(keys)})
        self._make_room()

    def _note(self, path: Path) -> None:
        with (
            contextlib.suppress(SafetensorError, OSError, KeyError, ValueError),
            safe_open(path, "np") as stored,
        ):
            keys = stored.get_tensor("keys")
            if keys.dtype == np.uint8 and keys.ndim == 2 and keys.shape[1] == _KEY_BYTES:
                self._places.update({key.tobytes(): (path, index) for index, key in enumerate(keys)})

    def _rows(self, path: Path) -> FloatRows | None:
        if path not in self._open:
            try:
                with safe_open(path, "np") as stored:
                    rows = np.asarray(stored.get_tensor("rows"), dtype=np.float32)
                if len(rows) < sum(place[0] == path for place in self._places.values()):
                    raise ValueError("fewer rows than keys")
            except (SafetensorError, OSError, KeyError, ValueError):
                self._places = {key: place for key, place in self._places.items() if place[0] != path}
                return None
            self._open[path] = rows
            while len(self._open) > _OPEN_FILES:
                self._open.popitem(last=False)
        self._open.move_to_end(path)
        return self._open[path]

    def _make_room(self) -> None:
        """Delete the oldest files of all recipes, until the rest is within the limit."""
        with contextlib.suppress(OSError):
            files = [(path, path.stat()) for path in self._root.glob("*/*.safetensors")]
            files.sort(key=lambda file: file[1].st_mtime)
            excess = sum(facts.st_size for _, facts in files) - self._limit_bytes
            for path, facts in files:
                if excess <= 0:
                    return
                path.unlink(missing_ok=True)
                excess -= facts.st_size
