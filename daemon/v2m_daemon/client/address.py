"""Where a daemon is, and what it takes to be let in: looked up at home, or told by the user.

Conventions: a token never leaves this machine unencrypted. Beyond loopback there is TLS or nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from v2m.errors import UnreachableError, UsageError
from v2m_daemon.access import read_token
from v2m_daemon.endpoint import Endpoint
from v2m_daemon.home import Home


@dataclass(frozen=True)
class Address:
    """A daemon, as it is called."""

    target: str
    """As gRPC names it: `unix:/…/v2m.sock` or `host:50051`."""

    token: str = field(repr=False)
    is_tls: bool = False
    certificate: bytes = field(default=b"", repr=False)
    """PEM of whom to trust; empty: whom this machine trusts."""


Locate = Callable[[], Address]
"""Looks up an address anew: a daemon that was started again may listen elsewhere."""


def at_home(home: Home) -> Address:
    """The running daemon of this user.

    Raises:
        UnreachableError: none has said where it listens.
    """
    endpoint = Endpoint.read(home)
    if endpoint is None:
        raise UnreachableError(
            f"No daemon runs here: there is no {home.endpoint}.",
            hint="Start one with `v2m serve`, or set V2M_HOME to where it runs.",
        )
    certificate = _read("certificate", Path(endpoint.certificate)) if endpoint.certificate else b""
    return Address(endpoint.target, read_token(home), endpoint.is_tls, certificate)


def elsewhere(server: str, token_file: Path | None, certificate: Path | None, home: Home) -> Address:
    """A daemon at `HOST:PORT`, on another machine or behind a tunnel.

    Args:
        server: host and port; an IPv6 address stands in brackets.
        token_file: a copy of the daemon's token; None: this home's own.
        certificate: PEM of whom to trust; None: whom this machine trusts, and no TLS on loopback.
        home: where the token is looked for.

    Raises:
        UsageError: the address makes no sense, or a file cannot be read.
        UnreachableError: there is no token.
    """
    host, colon, port = server.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise UsageError(f"--server is {server!r:.100}, expected HOST:PORT such as studio.lan:50051.")
    token = _token(token_file) if token_file else read_token(home)
    pem = _read("certificate", certificate) if certificate else b""
    return Address(server, token, bool(pem) or not _is_loopback(host), pem)


def _token(path: Path) -> str:
    text = _read("token", path).strip()
    if not text or not text.isascii() or not text.decode("ascii").isprintable():
        raise UsageError(f"The file {path} holds no token.", hint="Copy the daemon's file `token` to it.")
    return text.decode("ascii")


def _read(what: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"Cannot read the {what} {path}: {error.strerror}.", hint="Check the path."
        ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
