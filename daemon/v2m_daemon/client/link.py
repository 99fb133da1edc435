"""The connection to a daemon: one channel, the token on every call, a deadline on every call."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Final

import grpc

from v2m.errors import BusyError, UnreachableError, V2MError
from v2m.rpc.v1 import scoring_pb2_grpc
from v2m_daemon.access import HEADER, IS_NEW, bearer
from v2m_daemon.client.address import Address, Locate
from v2m_daemon.client.failures import error_of
from v2m_daemon.client.patience import Patience

DEADLINE_S: Final = 30.0
"""Of a call with one answer: as long as the daemon itself allows one; usually it takes milliseconds."""

_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment must not see calls to this machine
    ("grpc.max_receive_message_length", 64 << 20),  # the result of a 48 h timeline lists every beat
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),  # a daemon that was started again is found at once
)


class Link:
    """Calls a daemon, wherever it is just now; usable from several threads."""

    def __init__(self, locate: Locate, patience_s: float) -> None:
        """Connect when the first call is made.

        Args:
            locate: looks up the daemon's address.
            patience_s: how long a call is tried again.
        """
        self._locate, self._patience_s = locate, patience_s
        self._guard = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._connected: tuple[Any, Address] | None = None

    def call(
        self, method: str, request: Any, *, is_new: bool = False, deadline_s: float = DEADLINE_S  # noqa: ANN401
    ) -> Any:  # fmt: skip  # noqa: ANN401
        """Make a call with one answer; it must do no harm if it arrives twice.

        Args:
            method: of the service.
            request: its message.
            is_new: it makes a job that nobody has asked for before.
            deadline_s: of each try.

        Raises:
            V2MError: what the daemon answered, or that it did not.
        """
        patience = Patience(self._patience_s)
        while True:
            invoke, metadata = self.method(method)
            if is_new:
                metadata += ((IS_NEW, "1"),)
            try:
                return invoke(request, timeout=deadline_s, metadata=metadata)
            except grpc.RpcError as failure:
                error = error_of(failure)
            is_new = is_new and isinstance(error, BusyError)  # after any other it may have been taken in
            self.wait_after(error, patience)

    def wait_after(self, error: V2MError, patience: Patience) -> None:
        """Pause after a failed try, then look where the daemon is now.

        Raises:
            V2MError: the error itself, where there is no use in another try.
        """
        patience.wait_after(error)
        if isinstance(error, UnreachableError):
            with self._guard, contextlib.suppress(UnreachableError):  # it is not back yet
                self._connect(self._locate())

    def stream(self, method: str, request: Any, *, deadline_s: float) -> Iterator[Any]:  # noqa: ANN401
        """Make a call with many answers once; closing the iterator ends it.

        Raises:
            V2MError: what the daemon answered, or that it did not.
        """
        invoke, metadata = self.method(method)
        call = invoke(request, timeout=deadline_s, metadata=metadata)
        try:
            yield from call
        except grpc.RpcError as failure:
            raise error_of(failure) from None
        finally:
            call.cancel()

    def method(self, name: str) -> tuple[Any, tuple[tuple[str, str], ...]]:
        """A method of the service and the metadata that go with it.

        Raises:
            UnreachableError: there is no daemon to connect to.
        """
        with self._guard:
            stub, address = self._connected or self._connect(self._locate())
        return getattr(stub, name), ((HEADER, bearer(address.token)),)

    def _connect(self, address: Address) -> tuple[Any, Address]:
        """To where the daemon is, unless the channel leads there already and reconnects by itself."""
        if self._connected is None or address != self._connected[1]:
            self._close()
            self._channel = _open(address)
            self._connected = scoring_pb2_grpc.ScoringServiceStub(self._channel), address
        return self._connected

    def close(self) -> None:
        """Let go of the connection; the next call would connect anew."""
        with self._guard:
            self._close()

    def _close(self) -> None:
        if self._channel is not None:
            self._channel.close()
        self._channel = self._connected = None


def _open(address: Address) -> grpc.Channel:
    if not address.is_tls:
        return grpc.insecure_channel(address.target, _OPTIONS)
    trusted = grpc.ssl_channel_credentials(address.certificate or None)
    return grpc.secure_channel(address.target, trusted, _OPTIONS)
