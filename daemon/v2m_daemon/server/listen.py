"""Where the server listens, and who may reach it there.

A Unix socket lies in a folder that only its owner may enter; TCP stays on loopback unless a certificate makes
it safe to leave it. Nothing speaks HTTP/1.1, so no page in a browser can talk to it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from v2m.errors import UnfinishedError, UsageError
from v2m_daemon.config import ServerSettings
from v2m_daemon.home import Home
from v2m_daemon.server.auth import Door

LARGEST_REQUEST_BYTES: Final = 4 << 20
"""A spec takes a kilobyte, a chunk of media one MiB; a path map of a thousand lines 200 KB."""

SOCKET: Final = "unix:"


@dataclass(frozen=True)
class Address:
    """An address to listen at."""

    host: str
    """Empty: the home's Unix socket."""

    port: int = 0
    """0: any that is free."""

    @property
    def is_unix(self) -> bool:
        """Whether it is the home's socket."""
        return not self.host

    @property
    def is_local(self) -> bool:
        """Whether it can be reached from this machine alone."""
        if self.is_unix or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False  # a name may lead anywhere

    @classmethod
    def of(cls, settings: ServerSettings) -> Address:
        """The address that the configuration names.

        Raises:
            UsageError: it is none, or it needs a certificate and there is none.
        """
        listen = settings.listen or ("127.0.0.1:0" if sys.platform == "win32" else SOCKET)
        if listen == SOCKET:
            return cls("")
        host, colon, port = listen.rpartition(":")
        if not (host and colon and port.isascii() and port.isdigit() and int(port) < 1 << 16):
            raise UsageError(f"Cannot listen at {listen!r}, expected unix: or such as 127.0.0.1:0.")
        address = cls(host.strip("[]"), int(port))
        if bool(settings.tls_cert) != bool(settings.tls_key):
            raise UsageError("TLS needs both tls_cert and tls_key, but only one of them is set.")
        if not (address.is_local or settings.tls_cert):
            raise UsageError(
                f"{listen} can be reached from other machines, which needs TLS.",
                hint="Set tls_cert and tls_key, or listen at 127.0.0.1:0 and use an SSH tunnel.",
            )
        return address


def new_server(settings: ServerSettings, door: Door) -> grpc.aio.Server:
    """A server that listens nowhere yet and leads every call through the door."""
    server = grpc.aio.server(
        maximum_concurrent_rpcs=settings.calls_at_once,
        options=(
            ("grpc.max_receive_message_length", LARGEST_REQUEST_BYTES),
            ("grpc.max_send_message_length", -1),  # what jobs made is as large as it is
            ("grpc.so_reuseport", 0),  # else a second program could share the port
        ),
    )
    server.add_generic_rpc_handlers((door,))
    return server


def bind(server: grpc.aio.Server, address: Address, settings: ServerSettings, home: Home) -> str:
    """Let a server listen; returns its target for clients.

    Raises:
        UsageError: the certificate cannot be read.
        UnfinishedError: the address is taken or cannot be had.
    """
    if address.is_unix:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(home.socket)  # of a daemon that was killed: the lock is ours
        where, target = f"unix:{home.socket}", f"unix:{home.socket}"
    else:
        host = f"[{address.host}]" if ":" in address.host else address.host
        where, target = f"{host}:{address.port}", host
    try:
        port = _bind(server, where, settings)
    except RuntimeError as error:
        raise UnfinishedError(
            f"Cannot listen at {where}.", hint="Choose another port, or 0 for any.", detail=str(error)
        ) from error
    return target if address.is_unix else f"{target}:{port}"


def bind_door(server: grpc.aio.Server, home: Home) -> str:
    """Let a server listen for this machine's user alone, too; returns its target.

    An address such as 0.0.0.0 stands in no certificate, so by it who is at home would not be let in.

    Raises:
        UnfinishedError: as `bind`.
    """
    local = ServerSettings()
    return bind(server, Address.of(local), local, home)


def _bind(server: grpc.aio.Server, where: str, settings: ServerSettings) -> int:
    if not settings.tls_cert or where.startswith(SOCKET):
        return int(server.add_insecure_port(where))
    try:
        pair = (Path(settings.tls_key).read_bytes(), Path(settings.tls_cert).read_bytes())
    except OSError as error:
        raise UsageError(
            f"Cannot read {error.filename}: {error.strerror}.", hint="Correct tls_cert and tls_key."
        ) from error
    return int(server.add_secure_port(where, grpc.ssl_server_credentials([pair])))
