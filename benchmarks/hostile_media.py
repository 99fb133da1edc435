"""Media as nobody should send them: broken copies of real files, and files that only point at other ones.

Conventions: a broken copy follows from a generator of random numbers alone. A trick is a file whose reader
would have to open another file, or a connection; every one of them must be refused or read as what it holds
itself. Tricks point at a port of this machine where somebody listens, and at a video outside of their folder.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

Case = tuple[str, bytes]

LARGEST_SEED_BYTES: Final = 600_000
"""A few seconds each: reading them is most of the time that this takes."""

SUFFIXES: Final = (".mp4", ".mov", ".mkv", ".webm", ".ogg", ".mpg")


def seeds_in(folder: Path) -> list[Case]:
    """The short real files of a folder of media."""
    return [
        (path.suffix, path.read_bytes())
        for path in sorted(folder.glob("*/*"))
        if path.suffix in SUFFIXES and path.stat().st_size <= LARGEST_SEED_BYTES
    ]


def broken(chance: random.Random, seeds: Sequence[Case]) -> Case:
    """One of the seeds, broken."""
    suffix, data = chance.choice(seeds)
    changed = bytearray(data)
    match chance.randrange(8):
        case 0:  # a copy that stalled, down to nothing
            del changed[chance.choice((0, 1, 8, 64, chance.randrange(len(data)))) :]
        case 1 | 2:  # single bits, in the header as often as elsewhere
            for _ in range(chance.choice((1, 4, 32, 256))):
                at = chance.randrange(min(len(data), chance.choice((4096, len(data)))))
                changed[at] ^= 1 << chance.randrange(8)
        case 3:  # a hole
            at = chance.randrange(len(data))
            length = min(chance.choice((16, 512, 65_536)), len(data) - at)
            changed[at : at + length] = bytes(length)
        case 4:  # a piece of it out of place
            at, to = sorted(chance.randrange(len(data)) for _ in range(2))
            changed[chance.randrange(len(data)) :] = data[at:to]
        case 5:  # another file's head or tail
            other = chance.choice(seeds)[1]
            cut = chance.choice((64, 1024, len(other) // 2))
            changed[:cut] = other[:cut]
        case 6:  # sizes and counts that lie
            for _ in range(chance.choice((1, 3, 10))):
                at = chance.randrange(max(1, min(len(data), 4096) - 4))
                number = chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
                changed[at : at + 4] = number.to_bytes(4, chance.choice(("big", "little")))
        case _:  # the wrong name
            suffix = chance.choice(SUFFIXES)
    return suffix, bytes(changed)


def tricks(port: int, secret: Path, film: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of files that point elsewhere.

    Args:
        port: of the listener on loopback.
        secret: a video that lies elsewhere.
        film: an mp4 whose index stands at its end.
    """
    for number, target in enumerate(targets(port, secret)):
        for kind, text in playlists(target).items():
            for suffix in (".mp4", f".{kind}"):
                yield f"{kind}{number}{suffix}", text.encode()
        yield f"reference{number}.mov", with_reference(film, target)
    yield "pictures%03d.png", b"\x89PNG\r\n\x1a\n"
    yield "pictures001.mp4", b"pictures%03d.png"


def targets(port: int, secret: Path) -> tuple[str, ...]:
    """Places that nobody may go to."""
    web = f"http://127.0.0.1:{port}"
    return (
        f"{web}/a.ts", f"https://127.0.0.1:{port}/a.mp4", f"tcp://127.0.0.1:{port}", f"udp://127.0.0.1:{port}",
        f"rtmp://127.0.0.1:{port}/a", f"ftp://127.0.0.1:{port}/a.mp4", f"file://{secret}", str(secret),
        f"../{secret.name}", f"concat:{secret}|{secret}", f"subfile,,start,0,end,0,,:{secret}",
        f"crypto:{secret}", f"async:{web}/a", f"cache:{web}/a", f"data:text/plain,{web}", "/dev/zero",
    )  # fmt: skip


def document_of(target: str) -> bytes:
    """A timeline whose one shot shows a place."""

    def span(frames: int) -> dict[str, object]:
        zero = {"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": 0}
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": zero, "duration": zero | {"value": frames}}

    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": target, "available_range": span(240)}
    clip = {"OTIO_SCHEMA": "Clip.1", "source_range": span(24), "media_reference": media}
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    return json.dumps({"OTIO_SCHEMA": "Timeline.1", "tracks": stack}).encode()


def playlists(target: str) -> dict[str, str]:
    """The formats that name other files, by the suffix that they usually have."""
    hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n"
    dash = (
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S"><Period>'
    )
    representation = f'<Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
    return {
        "m3u8": f"{hls}#EXTINF:4,\n{target}\n#EXT-X-ENDLIST\n",
        "m3u": f'{hls}#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n',
        "ffconcat": f"ffconcat version 1.0\nfile '{target}'\nduration 4\n",
        "txt": f"file '{target}'\n",
        "mpd": f'{dash}<AdaptationSet mimeType="video/mp4">{representation}</AdaptationSet></Period></MPD>',
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns={target}\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "smil": f'<smil><body><video src="{target}"/></body></smil>',
        "asx": f'<asx version="3.0"><entry><ref href="{target}"/></entry></asx>',
        "xspf": f"<playlist><trackList><track><location>{target}</location></track></trackList></playlist>",
        "ram": f"{target}\n",
    }


DATA_INFORMATION: Final = (b"moov", b"trak", b"mdia", b"minf", b"dinf")
"""Where an mp4 says in which file the samples of a track lie."""


def with_reference(film: bytes, target: str) -> bytes:
    """An mp4 whose samples lie elsewhere, as its `dref` says; its own `moov` stands last."""
    url = target.encode() + b"\0"
    entry = struct.pack(">I4sI", 12 + len(url), b"url ", 0) + url
    dref = struct.pack(">I4sII", 16 + len(entry), b"dref", 0, 1) + entry
    return _rebuilt(film, (*DATA_INFORMATION, b"dref"), dref)


def _rebuilt(data: bytes, path: Sequence[bytes], new: bytes) -> bytes:
    """The boxes of an mp4 with those at a path exchanged."""
    made, at = b"", 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        size = size if size >= 8 else len(data) - at
        box = data[at : at + size]
        if name == path[0]:
            inside = new if len(path) == 1 else _rebuilt(box[8:], path[1:], new)
            box = inside if len(path) == 1 else struct.pack(">I4s", 8 + len(inside), name) + inside
        made, at = made + box, at + size
    return made
