"""Where the running daemon of a home listens: written by it once it does, removed when it stops in order.

After a crash the file stays and leads nowhere: who finds it must be ready to be refused.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass

from v2m_daemon.durable import write_json
from v2m_daemon.home import Home


@dataclass(frozen=True)
class Endpoint:
    """How to reach a daemon."""

    target: str
    """As gRPC names it: `unix:/…/v2m.sock` or `127.0.0.1:50051`."""

    pid: int
    version: str
    started_ms: int
    """Milliseconds since 1970 UTC."""

    is_tls: bool = False
    certificate: str = ""
    """PEM file with which the daemon identifies itself, to trust it; empty without TLS."""

    def write(self, home: Home) -> None:
        """Tell everybody who may enter the home.

        Raises:
            OutputWriteError: it cannot be written.
        """
        write_json(home.endpoint, asdict(self))

    @classmethod
    def read(cls, home: Home) -> Endpoint | None:
        """What the last daemon told; None where none did, or in words of another version."""
        try:
            return cls(**json.loads(home.endpoint.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    @staticmethod
    def remove(home: Home) -> None:
        """Tell that nobody listens any more."""
        with contextlib.suppress(OSError):
            home.endpoint.unlink()
