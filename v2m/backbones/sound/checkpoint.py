"""Official weights on disk: whole safetensors files and nothing else, loaded key for key.

Nothing is read by pickle, ever; files of `torch.save` are converted apart (`v2m models add`).
Sources: https://github.com/huggingface/safetensors, section Format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from v2m.errors import CheckpointError

_PICKLE_STARTS: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
"""How files of torch.save begin: a pickle protocol, or the zip archive around one."""

_CHECKED_AT_ONCE: Final = 1 << 24
"""Numbers that are looked at together: the mask of a whole embedding would take as much memory again."""

_NAMED: Final = 4
"""Keys that an error names; the rest is counted."""

_AGAIN: Final = "Fetch the file again, or check it with `v2m models verify`."


def read_safetensors(path: Path, *, prefix: str = "") -> dict[str, Tensor]:
    """The tensors of a file, on the CPU, in the number formats in which they are stored.

    Args:
        path: the file.
        prefix: only those whose names begin so are read, where a file holds more than is wanted.

    Raises:
        CheckpointError: an InputError; the file is missing, truncated, a pickle, or holds numbers that are
            not finite.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise CheckpointError(f"The weights {path} cannot be read: {error.strerror}.", hint=_AGAIN) from error
    if start.startswith(_PICKLE_STARTS):
        raise CheckpointError(
            f"{path.name} is a pickle, which can run code and is never loaded.",
            hint="Convert it to safetensors with `v2m models add`.",
        )
    try:
        with safe_open(path, framework="pt", device="cpu") as stored:
            names = [name for name in stored.keys() if name.startswith(prefix)]  # noqa: SIM118 - no mapping
            tensors = {name: stored.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path.name} is damaged or cut short: {error}.", hint=_AGAIN) from error
    for name, value in tensors.items():
        if not _is_finite(value):
            raise CheckpointError(f"{path.name}: {name} holds numbers that are not finite.", hint=_AGAIN)
    return tensors


def load_strict(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    *,
    allowed_missing: Iterable[str] = (),
    allowed_unexpected: Iterable[str] = (),
) -> None:
    """Put tensors into a module, key for key and shape for shape.

    A module on the meta device takes the tensors as they are, without a copy; another converts them to its
    own number format.

    Args:
        module: whose `state_dict` names them.
        tensors: by the same names.
        allowed_missing: names, or patterns with `*`, that need not be there and stay as they are.
        allowed_unexpected: names, or patterns with `*`, that are passed over.

    Raises:
        CheckpointError: an InputError naming the keys that are missing, unknown or of another shape.
    """
    expected = module.state_dict()
    allowed_missing, allowed_unexpected = tuple(allowed_missing), tuple(allowed_unexpected)
    missing = [name for name in expected if name not in tensors and not _is_like(name, allowed_missing)]
    unknown = [name for name in tensors if name not in expected and not _is_like(name, allowed_unexpected)]
    if missing or unknown:
        raise CheckpointError(
            f"The weights are of another model: {_told(missing)} missing, {_told(unknown)} unknown.",
            hint="Check that the weights and their configuration belong together.",
        )
    taken = {name: value for name, value in tensors.items() if name in expected}
    for name, value in taken.items():
        if value.shape != expected[name].shape:
            raise CheckpointError(
                f"{name} has the shape {tuple(value.shape)}, expected {tuple(expected[name].shape)}.",
                hint="Check that the weights and their configuration belong together.",
            )
    is_meta = any(value.is_meta for value in expected.values())
    module.load_state_dict(taken, strict=False, assign=is_meta)
    if hollow := [name for name, value in module.state_dict().items() if value.is_meta]:
        raise CheckpointError(f"The weights do not say {_told(hollow)}.")


def folder_hash(paths: Iterable[Path]) -> str:
    """One SHA-256, hexadecimal, of files by name and content; their order and folder do not matter.

    Raises:
        CheckpointError: a file cannot be read.
    """
    whole = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        try:
            facts = path.stat()
            content = _file_hash(path, facts.st_size, facts.st_mtime_ns)
        except OSError as error:
            raise CheckpointError(
                f"The weights {path} cannot be read: {error.strerror}.", hint=_AGAIN
            ) from error
        whole.update(f"{path.name}\0{content}\n".encode())
    return whole.hexdigest()


@lru_cache(maxsize=64)
def _file_hash(path: Path, _size: int, _mtime_ns: int) -> str:
    """Of a file as it was then: gigabytes are not read twice for a batch of jobs."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_finite(value: Tensor) -> bool:
    if not value.is_floating_point() or value.dtype.itemsize < 2:
        return True  # whole numbers, and eight-bit formats, which torch cannot ask
    return all(bool(torch.isfinite(part).all()) for part in value.reshape(-1).split(_CHECKED_AT_ONCE))  # type: ignore[no-untyped-call]


def _is_like(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _told(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{len(names)} ({shown}{', …' if len(names) > _NAMED else ''})" if names else "none"
