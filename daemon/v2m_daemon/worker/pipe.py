"""How parent and worker talk: JSON objects, each behind its length, over a pipe.

Conventions: four bytes of length, most significant first, then so many bytes of UTF-8. Nothing else ever
crosses: no pickle, so neither side can make the other run anything. A frame that is too long or no object
ends the conversation, for whatever follows it cannot be trusted either.
"""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from collections.abc import Mapping
from typing import IO, Any, Final

MOST_BYTES: Final = 32 << 20
"""Of one frame: an analysis of four hours, the longest there is, takes 4 MB."""

_LENGTH: Final = struct.Struct(">I")

Message = dict[str, Any]


class BadFrame(Exception):
    """What came over the pipe is no frame."""


def pack(message: Mapping[str, Any]) -> bytes:
    """One frame.

    Raises:
        BadFrame: it would be too long.
    """
    body = json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    if len(body) > MOST_BYTES:
        raise BadFrame(f"a message of {len(body)} bytes, expected at most {MOST_BYTES}")
    return _LENGTH.pack(len(body)) + body


async def read_message(stream: asyncio.StreamReader) -> Message | None:
    """The next message, None at the end; a frame that was cut short is the end too.

    Raises:
        BadFrame: it is too long or no JSON object.
    """
    try:
        length = _length(await stream.readexactly(_LENGTH.size))
        return _unpack(await stream.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


class Channel:
    """The worker's end, for several threads."""

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Write one message.

        Raises:
            BadFrame: it is too long.
            OSError: the parent has gone.
        """
        frame = pack(message)
        with self._lock:
            self._outgoing.write(frame)
            self._outgoing.flush()

    def receive(self) -> Message | None:
        """The next message, None when the parent has gone.

        Raises:
            BadFrame: it is too long or no JSON object.
        """
        head = self._incoming.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return None
        length = _length(head)
        body = self._incoming.read(length)
        return _unpack(body) if len(body) == length else None


def _length(head: bytes) -> int:
    (length,) = _LENGTH.unpack(head)
    if length > MOST_BYTES:
        raise BadFrame(f"a frame of {length} bytes, expected at most {MOST_BYTES}")
    return int(length)


def _unpack(body: bytes) -> Message:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"a frame that is no JSON: {error}") from error
    if not isinstance(message, dict):
        raise BadFrame(f"a frame that holds no object: {message!r:.100}")
    return message
