"""Opens a media file so that nothing but that file is ever read.

Containers that merely point at other files or at the network (playlists, concat scripts, SDP) are refused by
name, and so is everything that is no regular file. FFmpeg would guess image sequences from a name such as
`shot%03d.png`, so stills are told by their first bytes and given to the demuxer that reads one picture.

Errors: whatever PyAV raises about a file becomes a `MediaError` here. Fuzzed files raised, beside FFmpeg's
own errors, IndexError, EOFError, UnicodeDecodeError and MemoryError.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError

from v2m.errors import MediaError

FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mxf,mpegts,mpeg,avi,asf,flv,dv,ivf,yuv4mpegpipe,gif,"
    "wav,w64,aiff,flac,mp3,aac,ogg"
)
"""Containers that hold their own samples. Never hls, dash, concat, sdp, image2 or another that points."""

STILLS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "png_pipe"),
    (b"\xff\xd8\xff", "jpeg_pipe"),
    (b"II*\x00", "tiff_pipe"),
    (b"MM\x00*", "tiff_pipe"),
    (b"BM", "bmp_pipe"),
    (b"\x76\x2f\x31\x01", "exr_pipe"),
    (b"SDPX", "dpx_pipe"),
    (b"XPDS", "dpx_pipe"),
)
"""First bytes of single pictures, and FFmpeg's demuxer for each."""

TIMEOUT_S: Final = 20.0
"""A local disk that spins up answers in 10 s; a network mount that is gone would never."""

FOREIGN_ERRORS: Final = (
    FFmpegError, IndexError, KeyError, ValueError, EOFError, MemoryError, OverflowError, RuntimeError,
    OSError,
)  # fmt: skip
"""What PyAV raises about the content of a file."""


def open_media(path: Path) -> InputContainer:
    """The container of a local media file; close it, or use it in a `with`.

    Raises:
        MediaError: no such file, no regular file, or a container that is not opened or not understood.
    """
    head = _first_bytes(path)
    still = still_format(head)
    options = {"protocol_whitelist": "file", "format_whitelist": still or FORMATS}
    with media_errors(path, "could not be opened"):
        # An absolute path cannot be read as a URL; a broken title must not stop the pictures.
        return av.open(
            os.path.abspath(path),
            mode="r",
            format=still,
            options=options,
            metadata_errors="replace",
            timeout=TIMEOUT_S,
        )


def still_format(head: bytes) -> str | None:
    """FFmpeg's demuxer for a single picture that begins with these bytes, None for anything else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp_pipe"
    return next((name for magic, name in STILLS if head.startswith(magic)), None)


@contextmanager
def media_errors(path: Path, what: str) -> Iterator[None]:
    """Give any foreign error about a file as one sentence: "clip.mp4 could not be opened: …"."""
    try:
        yield
    except FOREIGN_ERRORS as error:
        raise MediaError(
            f"{path.name} {what}: {_reason(error)}.",
            hint="Check that it plays elsewhere, or give a render of the programme with --picture.",
            detail=f"{path}: {error!r}",
        ) from error


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, av.error.InvalidDataError | av.error.ArgumentError):
        return "it is broken, or of a kind that is not opened"
    return " ".join(str(text).split()).rstrip(".")


def _first_bytes(path: Path) -> bytes:
    """The beginning of a regular file; nothing else is even touched, since a FIFO would block."""
    try:
        _require_regular(path, os.stat(path).st_mode)
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            _require_regular(path, os.fstat(handle).st_mode)
            return os.read(handle, 16)
        finally:
            os.close(handle)
    except FileNotFoundError as error:
        raise MediaError(f"There is no file {path}.", hint="Relink the media and export again.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise MediaError(f"{path.name!r} could not be opened: {error}.", detail=repr(error)) from error


def _require_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
        raise MediaError(f"{path.name} is {kind}, expected a media file.")
