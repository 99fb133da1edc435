"""How much memory this machine has and how much is free, on Linux, macOS and Windows, with no package for it.

Conventions: bytes; free is what a new program can have without anything being paged out.
"""

from __future__ import annotations

import ctypes
import re
import subprocess  # asks macOS's own tools, at fixed paths
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Physical memory."""

    total_bytes: int
    free_bytes: int


def memory() -> Memory | None:
    """The machine's memory, or None where the system does not say."""
    try:
        if sys.platform == "win32":
            return _windows()
        if sys.platform == "darwin":
            return _macos()
        return _linux(Path("/proc/meminfo").read_text(encoding="ascii"))
    except (OSError, subprocess.SubprocessError, KeyError, ValueError, AttributeError):
        return None


def _linux(meminfo: str) -> Memory:
    kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", meminfo, re.MULTILINE)}
    return Memory(kib["MemTotal"] * 1024, kib["MemAvailable"] * 1024)


def _macos() -> Memory:
    def ask(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout  # noqa: S603

    total = int(ask("/usr/sbin/sysctl", "-n", "hw.memsize"))
    return Memory(total, _macos_free(ask("/usr/bin/vm_stat")))


def _macos_free(vm_stat: str) -> int:
    size = re.search(r"page size of (\d+) bytes", vm_stat)
    if size is None:
        raise ValueError("vm_stat names no page size")
    pages = {
        name: int(count) for name, count in re.findall(r"^Pages (\w+):\s+(\d+)\.$", vm_stat, re.MULTILINE)
    }
    return int(size[1]) * (pages["free"] + pages["inactive"] + pages.get("speculative", 0))


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load_percent", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("available_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended_virtual", ctypes.c_uint64),
    )


def _windows() -> Memory:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    kernel32 = getattr(ctypes, "windll").kernel32  # noqa: B009  other systems' ctypes lack the name
    if not kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        raise OSError("GlobalMemoryStatusEx failed")
    return Memory(status.total, status.available)
