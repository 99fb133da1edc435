"""Event files that TensorBoard shows, written without it.

A file is a row of records (length, its checksum, content, its checksum); the content is a protocol buffer
`Event` {wall_time: double = 1, step: int64 = 2, file_version: string = 3, summary: Summary = 5}, a Summary a
list of `Value` = 1 {tag: string = 1, simple_value: float = 2, audio: Audio = 6}, an Audio {sample_rate: float
= 1, num_channels: int64 = 2, length_frames: int64 = 3, encoded_audio_string: bytes = 4, content_type: string
= 5}.
Sources: github.com/tensorflow/tensorboard, tensorboard/compat/proto/{event,summary}.proto; TFRecord format;
RFC 3720, appendix B.4 (CRC-32C).
"""

from __future__ import annotations

import os
import socket
import struct
import time
from functools import cache
from pathlib import Path
from typing import Final

_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5  # wire types of protocol buffers
_POLYNOMIAL: Final = 0x82F63B78  # CRC-32C, its bits reversed
_MASK_DELTA: Final = 0xA282EAD8  # checksums are stored turned and shifted, as TFRecord says


class EventFile:
    """One run's events, appended as they happen."""

    def __init__(self, folder: Path) -> None:
        """Begin a file of its own: a run that goes on adds one, and TensorBoard joins them."""
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{now:.0f}.{socket.gethostname()}.{os.getpid()}"
        self._path = folder / name
        self._append(_field(1, _DOUBLE, struct.pack("<d", now)) + _text(3, "brain.Event:2"))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Numbers under their tags."""
        entries = (
            _text(1, tag) + _field(2, _FLOAT, struct.pack("<f", value)) for tag, value in values.items()
        )
        self._write(step, b"".join(_text(1, entry) for entry in entries))

    def audio(self, step: int, tag: str, wav: bytes, sample_rate_hz: int, frames: int) -> None:
        """A stereo WAV file under its tag."""
        sound = _field(1, _FLOAT, struct.pack("<f", sample_rate_hz)) + _number(2, 2) + _number(3, frames)
        sound += _text(4, wav) + _text(5, "audio/wav")
        self._write(step, _text(1, _text(1, tag) + _text(6, sound)))

    def _write(self, step: int, summary: bytes) -> None:
        event = _field(1, _DOUBLE, struct.pack("<d", time.time())) + _number(2, step) + _text(5, summary)
        self._append(event)

    def _append(self, content: bytes) -> None:
        length = struct.pack("<Q", len(content))
        record = length + struct.pack("<I", _masked(length)) + content + struct.pack("<I", _masked(content))
        with self._path.open("ab") as file:
            file.write(record)


def _field(number: int, kind: int, content: bytes) -> bytes:
    return _varint(number << 3 | kind) + content


def _number(number: int, value: int) -> bytes:
    return _field(number, _VARINT, _varint(value))


def _text(number: int, value: str | bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return _field(number, _BYTES, _varint(len(content)) + content)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _masked(content: bytes) -> int:
    table, checksum = _table(), 0xFFFFFFFF
    for byte in content:
        checksum = checksum >> 8 ^ table[(checksum ^ byte) & 0xFF]
    checksum ^= 0xFFFFFFFF
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    def row(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        return value

    return tuple(row(value) for value in range(256))
