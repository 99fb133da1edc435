"""The devices of this machine, found without torch: each gets a worker of its own.

Conventions: a device is known by what its worker finds in its environment, so that every worker sees one
device and calls it its first.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # asks the driver's own tool
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"

_ASK_WITHIN_S: Final = 5.0
"""The driver's tool takes half a second, on a machine with eight cards three."""


@dataclass(frozen=True)
class Device:
    """Something that a worker computes on."""

    name: str
    """For a person."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """What makes a worker see this device alone."""


def devices(environment: Mapping[str, str] = os.environ) -> tuple[Device, ...]:
    """The graphics cards that CUDA may use here, else the one device that torch will choose by itself."""
    cards = _cards()
    if (visible := environment.get(VISIBLE)) is not None:
        wanted = [part.strip() for part in visible.split(",") if part.strip()]
        cards = [(name, uuid, index) for name, uuid, index in cards if uuid in wanted or index in wanted]
    if not cards:
        return (Device(""),)
    return tuple(Device(name, {VISIBLE: uuid}) for name, uuid, _ in cards)


def _cards() -> list[tuple[str, str, str]]:
    """(name, UUID, index) of every card that NVIDIA's driver knows."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        listed = subprocess.run(  # noqa: S603
            [tool, "--query-gpu=index,uuid,name", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=_ASK_WITHIN_S, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[cell.strip() for cell in line.split(",", 2)] for line in listed.splitlines()]
    return [(row[2], row[1], row[0]) for row in rows if len(row) == 3]
