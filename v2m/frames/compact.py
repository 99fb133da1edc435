"""Pictures and sound made small enough to lie inside a page: JPEG, and Opus in WebM.

Conventions: pictures (h, w, 3) RGB uint8; sound (s, 2) float32 at 48 kHz, full scale 1. The same input gives
the same bytes: containers write neither the time nor numbers of chance.
Sources: comment segments as in ITU-T T.81, B.2.4.5; Opus in RFC 6716, which codes 48 kHz as it comes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from v2m.errors import InputError
from v2m.timebase import SAMPLE_RATE_HZ

_JPEG_QUALITY: Final = "4"
"""libavcodec's scale from 2, the best, to 31: blocks are not seen at this one."""

_START: Final = b"\xff\xd8"
_COMMENT: Final = b"\xff\xfe"
_LONGEST_COMMENT: Final = 0xFFFF - 2  # the length counts its own two bytes

_FAST: Final = "0"
"""Opus searches least: a minute takes 0.3 s instead of 0.65, at the same number of bytes."""

_MONO_BELOW_BPS: Final = 32_000
"""With less, two channels sound worse than one."""


def jpeg_of(picture: NDArray[np.uint8], comment: str = "") -> bytes:
    """A picture as JPEG, with some ASCII text in it.

    Raises:
        InputError: the text is longer than 65,533 characters, or not ASCII.
    """
    codec: Any = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = picture.shape[1], picture.shape[0], "yuvj420p"
    codec.time_base = Fraction(1, 25)  # asked for, and without meaning for a still
    codec.options = {"qmin": _JPEG_QUALITY, "qmax": _JPEG_QUALITY, "flags": "+bitexact"}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    packets = [*codec.encode(frame.reformat(format="yuvj420p")), *codec.encode(None)]
    return with_comment(b"".join(bytes(packet) for packet in packets), comment)


def with_comment(jpeg: bytes, comment: str) -> bytes:
    """A JPEG with this comment in the place of the one that `jpeg_of` gave it.

    Raises:
        InputError: see `jpeg_of`.
    """
    if not comment.isascii() or len(comment) > _LONGEST_COMMENT:
        raise InputError(
            f"A JPEG's comment holds {_LONGEST_COMMENT} ASCII characters, {len(comment)} are given."
        )
    if jpeg[2:4] == _COMMENT:
        jpeg = _START + jpeg[4 + int.from_bytes(jpeg[4:6]) :]
    if not comment:
        return jpeg
    return b"".join((_START, _COMMENT, (len(comment) + 2).to_bytes(2), comment.encode("ascii"), jpeg[2:]))


def comment_of(jpeg: bytes) -> str:
    """The comment that `jpeg_of` wrote; empty where there is none, or where it is no JPEG of ours."""
    if jpeg[:2] != _START or jpeg[2:4] != _COMMENT:
        return ""
    return jpeg[6 : 4 + int.from_bytes(jpeg[4:6])].decode("ascii", "replace")


def opus_of(blocks: Iterable[NDArray[np.float32]], bits_per_second: int) -> bytes:
    """Sound as Opus in WebM, which browsers play and seek in.

    Args:
        blocks: (s, 2) each, in order.
        bits_per_second: 6,000 to 256,000; with little the sound becomes mono.
    """
    file = io.BytesIO()
    layout = "mono" if bits_per_second < _MONO_BELOW_BPS else "stereo"
    with av.open(file, "w", format="webm", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(
            "libopus", rate=SAMPLE_RATE_HZ, layout=layout, options={"compression_level": _FAST}
        )
        stream.bit_rate = bits_per_second
        # the encoder takes packets of its own size, and the last may be shorter
        packer = av.AudioResampler(stream.format, layout, SAMPLE_RATE_HZ, stream.codec_context.frame_size)
        for frame in _frames(blocks):
            for packed in packer.resample(frame):
                container.mux(stream.encode(packed))
        for packed in packer.resample(None):
            container.mux(stream.encode(packed))
        container.mux(stream.encode(None))
    return file.getvalue()


def _frames(blocks: Iterable[NDArray[np.float32]]) -> Iterator[av.AudioFrame]:
    at = 0
    for block in blocks:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block, np.float32).reshape(1, -1), "flt", "stereo"
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, at
        at += len(block)
        yield frame
