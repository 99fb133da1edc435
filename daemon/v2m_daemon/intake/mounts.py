"""Whether a folder lies on another machine, where the system hears nothing of what others write.

Sources: proc_pid_mountinfo(5); mount(8) of macOS; GetDriveTypeW of Windows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

NETWORK_TYPES: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "afpfs", "ceph", "glusterfs", "lustre",
     "gpfs", "beegfs", "9p", "v9fs", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "ncpfs", "coda", "webdav",
     "davfs", "drvfs")
)  # fmt: skip
"""And every FUSE file system: what is behind it is not the kernel's business, and most are remote."""

_REMOTE_DRIVE: Final = 4
"""What GetDriveTypeW calls DRIVE_REMOTE."""

Mount = tuple[str, str]
"""(mount point, type)."""


def is_network(folder: Path) -> bool:
    """Whether changes made elsewhere can reach a folder unheard; where it cannot be told, no."""
    real = os.path.realpath(folder)
    if sys.platform == "win32":
        return _is_remote_drive(real)
    return is_network_type(type_of(real, _mounts()))


def is_network_type(kind: str) -> bool:
    """Whether a file system of this type may be written by other machines."""
    kind = kind.lower()
    return kind in NETWORK_TYPES or kind.startswith(("fuse", "macfuse", "osxfuse"))


def type_of(path: str, mounts: Iterable[Mount]) -> str:
    """The type of the file system that holds a path: that of the longest mount point above it."""
    kind, longest = "", -1
    for point, mounted in mounts:
        below = path == point or path.startswith(point.rstrip("/") + "/")
        if below and len(point) >= longest:  # of two mounts on one point the later hides the earlier
            kind, longest = mounted, len(point)
    return kind


def linux_mounts(mountinfo: str) -> list[Mount]:
    """The mounts that `/proc/self/mountinfo` lists."""
    found = []
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split()
        if dash and len(fields) > 4 and after.split():
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
            found.append((point, after.split()[0]))
    return found


def macos_mounts(listing: str) -> list[Mount]:
    """The mounts that `mount` of macOS prints."""
    lines = re.findall(r"^.* on (/.*) \(([^,)]+)", listing, re.MULTILINE)
    return [(point, kind.strip()) for point, kind in lines]


def _mounts() -> list[Mount]:
    try:
        if sys.platform == "darwin":
            done = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=True)
            return macos_mounts(done.stdout)
        return linux_mounts(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace"))
    except (OSError, subprocess.SubprocessError):
        return []


def _is_remote_drive(path: str) -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    drive = os.path.splitdrive(path)[0]
    remote = ctypes.windll.kernel32.GetDriveTypeW(drive + "\\") == _REMOTE_DRIVE
    return drive.startswith("\\\\") or remote
