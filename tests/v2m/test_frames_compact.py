"""What is made small enough for a page is the same each time, and shows and sounds as it did."""

import io

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread
from scipy.signal import correlate

from v2m.errors import InputError
from v2m.frames.compact import comment_of, jpeg_of, opus_of, with_comment


def ramp(height: int = 54, width: int = 96) -> np.ndarray:
    across = np.linspace(0, 255, width).astype(np.uint8)
    return np.broadcast_to(across[None, :, None], (height, width, 3)).copy()


def test_a_jpeg_shows_its_picture() -> None:
    shown = imread(io.BytesIO(jpeg_of(ramp())), format="jpg")
    assert shown.shape == (54, 96, 3)
    assert np.abs(shown.astype(int) - ramp()).mean() < 3


@given(st.text(st.characters(codec="ascii"), max_size=200), st.text(st.characters(codec="ascii"), max_size=9))
def test_a_comment_is_kept_and_replaced(first: str, second: str) -> None:
    jpeg = jpeg_of(ramp(16, 16), first)
    assert comment_of(jpeg) == first
    changed = with_comment(jpeg, second)
    assert comment_of(changed) == second
    assert with_comment(changed, "") == jpeg_of(ramp(16, 16))
    assert imread(io.BytesIO(changed), format="jpg").shape == (16, 16, 3)


@pytest.mark.parametrize("comment", ["ä", "x" * 70_000])
def test_a_comment_that_a_jpeg_cannot_hold_is_refused(comment: str) -> None:
    with pytest.raises(InputError, match="comment"):
        jpeg_of(ramp(), comment)


@given(st.binary(max_size=60))
def test_anything_may_be_asked_for_a_comment(content: bytes) -> None:
    assert isinstance(comment_of(content), str)
    assert isinstance(comment_of(b"\xff\xd8\xff\xfe" + content), str)


@pytest.mark.parametrize(("rate_bps", "channels"), [(96_000, 2), (12_000, 1)])
def test_sound_keeps_its_length_its_place_and_its_bytes(rate_bps: int, channels: int) -> None:
    at_s = np.arange(100_001) / 48_000
    rising = 0.4 * np.sin(2 * np.pi * (200 * at_s + 300 * at_s**2)) * np.exp(-(at_s % 0.5) * 4)
    sound = np.stack([rising, 0.7 * rising], axis=1).astype(np.float32)

    def coded() -> bytes:
        return opus_of((sound[at : at + 7001] for at in range(0, len(sound), 7001)), rate_bps)

    content = coded()
    assert content == coded()
    with av.open(io.BytesIO(content)) as container:
        heard = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert heard.shape[0] == channels
    assert abs(heard.shape[1] - len(sound)) <= 960  # a packet
    count = min(heard.shape[1], len(sound))
    match = correlate(heard.mean(axis=0)[:count], sound.mean(axis=1)[:count], "full", method="fft")
    assert abs(int(match.argmax()) - (count - 1)) <= 24  # half a millisecond
