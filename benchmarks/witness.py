"""Who sees what should not happen: a call on loopback, the reading of a file."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from pathlib import Path


class Listener:
    """Somebody on loopback who counts whoever calls, by TCP or UDP."""

    def __init__(self) -> None:
        """Listens at once."""
        self.heard = 0
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._sockets = (self._tcp, self._udp)
        for listening in self._sockets:
            threading.Thread(target=self._listen, args=(listening,), daemon=True).start()

    def _listen(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                if listening is self._tcp:
                    listening.accept()[0].close()
                else:
                    listening.recvfrom(1)
                self.heard += 1

    def close(self) -> None:
        """Listen no more."""
        for listening in self._sockets:
            listening.close()


def can_see_readings(folder: Path) -> bool:
    """Whether this disk tells that a file was read."""
    path = folder / "probe"
    path.write_bytes(b"1")
    os.utime(path, (0, time.time()))
    path.read_bytes()
    return path.stat().st_atime > 0
