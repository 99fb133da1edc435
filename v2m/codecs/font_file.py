"""A SoundFont file as data: which sample sounds where, and excerpts that hold one instrument alone.

A player decodes a whole font when it opens one: three seconds and 600 MB for a good compressed one, of which
a piece needs a twentieth. An excerpt has one preset and only those samples that are asked for.

Conventions: keys and velocities 0-127; positions in the sample chunk are in bytes where a sample is
compressed (SF3: one Ogg Vorbis stream each, loops counted from its beginning) and in 16-bit words where not.
Source: SoundFont Technical Specification 2.04, sections 5 to 8; the SF3 variant as MuseScore writes it.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.errors import InputError

Table = NDArray[Any]

_LAYOUTS: Final[dict[bytes, Any]] = {
    b"phdr": [("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")],
    b"pbag": [("gen", "<u2"), ("mod", "<u2")],
    b"pgen": [("oper", "<u2"), ("low", "u1"), ("high", "u1")],
    b"inst": [("name", "S20"), ("bag", "<u2")],
    b"ibag": [("gen", "<u2"), ("mod", "<u2")],
    b"igen": [("oper", "<u2"), ("low", "u1"), ("high", "u1")],
    b"shdr": [("name", "S20"), ("at", "<u4", 4), ("rate", "<u4"), ("tuning", "V4"), ("kind", "<u2")],
}
"""The tables' records; `at` is start, end, and the loop's start and end."""

_ORDER: Final = (b"phdr", b"pbag", b"pmod", b"pgen", b"inst", b"ibag", b"imod", b"igen", b"shdr")
"""In which they stand in a file."""

_KEY_RANGE, _VELOCITY_RANGE, _INSTRUMENT, _SAMPLE = 43, 44, 41, 53  # generator operators
_ENVELOPE_TO_PITCH, _ENVELOPE_TO_FILTER = 7, 11
_COMPRESSED = 0x30  # bits of a sample's kind that the SF3 variant sets
_WORD_BYTES = 2
_GUARD_WORDS = 46
"""Silence that the standard asks for behind every sample: players look ahead as they interpolate."""

Range = tuple[int, int]
_ALL: Final[Range] = (0, 127)


@dataclass(frozen=True, slots=True)
class Zone:
    """Keys and velocities at which a preset plays a sample; both ranges with their ends."""

    keys: Range
    velocities: Range
    sample: int
    shaped: bool = False
    """A second envelope bends its pitch or filter; how fast it does that goes with the velocity."""

    def sounds(self, key: int) -> bool:
        """Whether the key plays it at some velocity."""
        return self.keys[0] <= key <= self.keys[1]


class FontFile:
    """One .sf2 or .sf3, read as far as is asked for."""

    def __init__(self, path: Path) -> None:
        """Read the tables.

        Raises:
            InputError: the file cannot be read or is no SoundFont.
        """
        self._path = path
        self._tables: dict[bytes, Table] = {}
        self._samples = memoryview(b"")
        try:
            with path.open("rb") as file:
                self._data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            self._read()
        except (OSError, ValueError, struct.error) as error:
            raise self._unreadable(error) from error
        self._presets = {
            (int(row["bank"]), int(row["program"])): index
            for index, row in enumerate(self._tables[b"phdr"][:-1])
        }
        self.compressed = bool((self._tables[b"shdr"]["kind"] & _COMPRESSED).any())
        self.zones = lru_cache(maxsize=64)(self._zones)
        self._all_samples = lru_cache(maxsize=64)(self._samples_of)

    def has(self, bank: int, program: int) -> bool:
        """Whether the font has this preset."""
        return (bank, program) in self._presets

    def samples(self, bank: int, program: int, key: int, velocity: int) -> tuple[int, ...]:
        """What has to be decoded to play a note: of a font that is not compressed all that the preset has."""
        if not self.compressed:
            return self._all_samples(bank, program)
        return tuple(
            sorted(
                {
                    zone.sample
                    for zone in self.zones(bank, program)
                    if zone.sounds(key) and zone.velocities[0] <= velocity <= zone.velocities[1]
                }
            )
        )

    def playable_key(self, bank: int, program: int, key: int) -> int:
        """The key itself, or where no sample reaches it the nearest by octaves that one does."""
        zones = self.zones(bank, program)
        octaves = sorted(range(key % 12, 128, 12), key=lambda other: (abs(other - key), other))
        return next((other for other in octaves if any(zone.sounds(other) for zone in zones)), key)

    def velocity_layer(self, bank: int, program: int, key: int, velocity: int) -> tuple[Range, bool]:
        """The velocities around one at which a key sounds the same samples.

        And whether they differ in more than loudness.
        """
        low, high = _ALL
        shaped = False
        for zone in self.zones(bank, program):
            if zone.sounds(key):
                shaped |= zone.shaped
                for edge in (zone.velocities[0], zone.velocities[1] + 1):
                    if edge <= velocity:
                        low = max(low, edge)
                    else:
                        high = min(high, edge - 1)
        return (low, high), shaped

    def excerpt(self, bank: int, program: int, samples: Sequence[int]) -> bytes:
        """A SoundFont that holds one preset, able to play some of its samples; the others are silent.

        Without any sample it is still one that a player opens: keys that a drum kit leaves free are silent.
        """
        headers = self._tables[b"shdr"].copy()
        places = headers["at"].copy()
        headers["at"] = 0
        pieces: list[bytes] = []
        at = 0
        for sample in samples:
            piece, headers["at"][sample] = self._moved(places[sample], int(headers["kind"][sample]), at)
            pieces.append(piece)
            at += len(piece)
        preset = self._presets[bank, program]
        tables = {name: table.tobytes() for name, table in self._tables.items()} | {
            b"phdr": self._tables[b"phdr"][preset : preset + 2].tobytes(),  # the next one marks its end
            b"shdr": headers.tobytes(),
            # the player knows no modulators; an empty list of them is one end record
            b"pmod": bytes(10),
            b"imod": bytes(10),
        }
        body = b"sfbk" + _list(b"INFO", _chunk(b"ifil", struct.pack("<HH", 2, 4)))
        body += _list(b"sdta", _chunk(b"smpl", b"".join(pieces) or bytes(_GUARD_WORDS * _WORD_BYTES)))
        body += _list(b"pdta", b"".join(_chunk(name, tables[name]) for name in _ORDER))
        return _chunk(b"RIFF", body)

    def _moved(self, place: Table, kind: int, at: int) -> tuple[bytes, Table]:
        """A sample's bytes, and where it lies once they stand at byte `at`."""
        start, end = int(place[0]), int(place[1])
        if kind & _COMPRESSED:
            piece = bytes(self._samples[start:end])
            return piece + bytes(len(piece) % 2), np.array([at, at + len(piece), *place[2:]], np.uint32)
        piece = bytes(self._samples[start * _WORD_BYTES : end * _WORD_BYTES])
        moved = place.astype(np.int64) + at // _WORD_BYTES - start
        words = at // _WORD_BYTES + len(piece) // _WORD_BYTES  # loops of broken fonts leave their sample
        return piece + bytes(_GUARD_WORDS * _WORD_BYTES), np.clip(moved, 0, words).astype(np.uint32)

    def _samples_of(self, bank: int, program: int) -> tuple[int, ...]:
        return tuple(sorted({zone.sample for zone in self.zones(bank, program)}))

    def _zones(self, bank: int, program: int) -> tuple[Zone, ...]:
        tables = self._tables
        outer = _zones_of(
            self._presets[bank, program], tables[b"phdr"], tables[b"pbag"], tables[b"pgen"], _INSTRUMENT
        )
        return tuple(
            Zone(
                _both(zone.keys, inner.keys),
                _both(zone.velocities, inner.velocities),
                inner.sample,
                zone.shaped or inner.shaped,
            )
            for zone in outer
            if zone.sample < len(tables[b"inst"]) - 1
            for inner in _zones_of(zone.sample, tables[b"inst"], tables[b"ibag"], tables[b"igen"], _SAMPLE)
            if inner.sample < len(tables[b"shdr"])
        )

    def _read(self) -> None:
        if bytes(self._data[:4]) != b"RIFF" or bytes(self._data[8:12]) != b"sfbk":
            raise ValueError("no RIFF of the kind sfbk")
        for name, chunk in _chunks(self._data[12:]):
            if name == b"LIST":
                for inner, content in _chunks(chunk[4:]):
                    if inner == b"smpl":
                        self._samples = content
                    elif inner in _LAYOUTS:
                        self._tables[inner] = np.frombuffer(content, np.dtype(_LAYOUTS[inner]))
        missing = [name.decode() for name in _LAYOUTS if name not in self._tables]
        if missing:
            raise ValueError(f"no {', '.join(missing)}")

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(
            f"{self._path} could not be read as a SoundFont (.sf2 or .sf3).", detail=repr(error)
        )


def _zones_of(index: int, heads: Table, bags: Table, gens: Table, target: int) -> list[Zone]:
    """The zones of a preset, whose `sample` is an instrument, or of an instrument.

    Its first zone, if it has no target, holds what the others do not say themselves. Places beyond the
    tables of a broken font are empty.
    """
    zones: list[Zone] = []
    default: dict[int, Range] = {}
    first, last = int(heads["bag"][index]), int(heads["bag"][index + 1])
    for bag in range(first, min(last, len(bags) - 1)):
        span = gens[int(bags["gen"][bag]) : int(bags["gen"][bag + 1])].tolist()
        own = default | {oper: (low, high) for oper, low, high in span}
        if target in own:
            low, high = own[target]
            shaped = any(
                own.get(bend, (0, 0)) != (0, 0) for bend in (_ENVELOPE_TO_PITCH, _ENVELOPE_TO_FILTER)
            )
            zones.append(
                Zone(own.get(_KEY_RANGE, _ALL), own.get(_VELOCITY_RANGE, _ALL), low + 256 * high, shaped)
            )
        elif bag == first:
            default = own
    return zones


def _both(a: Range, b: Range) -> Range:
    return max(a[0], b[0]), min(a[1], b[1])


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > len(data):
            raise ValueError(f"the chunk {name!r} ends beyond the file")
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size
        if size % 2 and at < len(data) and data[at] == 0:  # not every writer keeps chunks on even places
            at += 1


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)


def _list(kind: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", kind + content)
