"""Readers of benchmarks, one a file: a folder laid out as published -> `Benchmark`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from v2m.errors import InputError, UsageError
from v2m.evaluation.clip import Benchmark
from v2m.evaluation.readers import aistpp, moviegenbench, oes_pub, own_folder

READERS: Final[Mapping[str, Callable[[Path], Benchmark]]] = {
    "oes-pub": oes_pub.read,
    "moviegenbench-music": moviegenbench.read,
    "aist++": aistpp.read,
    "folder": own_folder.read,
}


def read_benchmark(name: str, folder: Path) -> Benchmark:
    """Read a benchmark.

    Raises:
        UsageError: there is none of that name.
        InputError: the folder is not laid out as its makers publish it.
    """
    if name not in READERS:
        raise UsageError(f"There is no benchmark {name!r}, expected one of {', '.join(READERS)}.")
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.", hint="docs/peers.md tells where benchmarks come from.")
    return READERS[name](folder)
