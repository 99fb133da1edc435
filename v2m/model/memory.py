"""What memory is free where a model computes, and what a file of weights takes there.

Conventions: bytes; a device is named as by torch, `cuda:1`, or as a model's arithmetic, `cuda bfloat16`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open

_CGROUP: Final = Path("/sys/fs/cgroup")
"""Where Linux tells a container what it may use, which `/proc/meminfo` does not know of."""


def free_bytes(device: str) -> int | None:
    """What is free on a device; None where the system does not say."""
    kind = device.partition(" ")[0]
    if kind.startswith("cuda"):
        import torch

        free, _total = torch.cuda.mem_get_info(kind)
        return int(free)
    try:
        facts = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None  # not Linux: the system pages out, and says so late
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", facts, re.MULTILINE)
    return min([int(found[1]) * 1024, *_bounds(_CGROUP)]) if found else None


def _bounds(cgroup: Path) -> Iterator[int]:
    """What is left under the bounds that this process was given."""
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a bound ("max")
        most = int((cgroup / "memory.max").read_text(encoding="ascii"))
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        told = (cgroup / "memory.stat").read_text(encoding="ascii")
        stat = dict(line.split() for line in told.splitlines())
        yield most - used + int(stat.get("inactive_file", 0))  # read files are let go of
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        most, _hard = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            yield most - pages * resource.getpagesize()


def loaded_bytes(files: Iterable[Path], itemsize: int) -> int:
    """What safetensors take once they are loaded in numbers of so many bytes.

    A file that cannot be read counts nothing: what is wrong with it is said when it is loaded.
    """
    return itemsize * sum(map(numbers_in, files))


def numbers_in(file: Path, prefix: str = "") -> int:
    """How many numbers a file of safetensors holds under names that begin so; 0 for a damaged one."""
    try:
        with safe_open(file, framework="numpy") as stored:
            names = [name for name in stored.keys() if name.startswith(prefix)]  # noqa: SIM118 - no mapping
            return sum(prod(stored.get_slice(name).get_shape()) for name in names)
    except (SafetensorError, OSError, ValueError, RuntimeError):
        return 0
