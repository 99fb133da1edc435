"""How many threads a small model computes with: one.

Its products are too short to be shared: two threads are as fast as one, and where other programs have the
cores, each product waits for the thread that does not get on. Composing a minute then took ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread(device: torch.device) -> Iterator[None]:
    """Compute by the caller's thread alone, where the device is a processor."""
    if device.type != "cpu":
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
