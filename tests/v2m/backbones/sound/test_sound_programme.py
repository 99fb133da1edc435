"""Programmes of any length: windows that continue each other, one curve, frames that stay where they are."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.v2m.toy_sound import GRID, ToySound
from v2m.backbones.sound.decoding import decode
from v2m.backbones.sound.model import LatentGrid
from v2m.backbones.sound.programme import SoundOrder, compose, curve_on, frame_count, renew
from v2m.curves import EventCurve, standardize
from v2m.errors import CancelledError, OutOfMemoryError, UnfinishedError
from v2m.model import warm
from v2m.stages import never_cancel

SMALL = replace(GRID, longest_frames=64)
RATE_HZ = float(GRID.rate_hz)


def order(duration_s: float, seeds: tuple[int, ...] = (5,), **changes: object) -> SoundOrder:
    values = standardize(np.sin(np.arange(max(2, int(duration_s * 25) + 1))))
    curve = EventCurve(25.0, values, "pixel", 0.7)
    return SoundOrder("rock, 120 BPM", duration_s, curve, seeds, **changes)  # type: ignore[arg-type]


def no_report(fraction: float) -> None:
    assert 0 <= fraction <= 1 + 1e-9


def test_what_fits_is_composed_at_once() -> None:
    model = ToySound()
    latents = compose(model, order(20), no_report, never_cancel)
    assert latents.shape == (1, frame_count(GRID, 20), 4)
    (window,) = model.windows
    assert (window.first_frame, window.frame_count, window.known) == (0, latents.shape[1], None)
    np.testing.assert_array_equal(window.curve, curve_on(GRID, order(20).curve, latents.shape[1]))


@settings(max_examples=25, deadline=None)
@given(seconds=st.floats(0.05, 60), scale=st.sampled_from([1.0, 0.5]))
def test_windows_cover_every_frame_once_and_continue_each_other(seconds: float, scale: float) -> None:
    model = ToySound(grid=SMALL)
    latents = compose(model, order(seconds, window_scale=scale), no_report, never_cancel)
    whole = compose(ToySound(), order(min(seconds, 29)), no_report, never_cancel)
    same = min(latents.shape[1], whole.shape[1])
    np.testing.assert_array_equal(latents[:, :same], whole[:, :same])  # a click is where it is, in any window
    times_composed = np.zeros(latents.shape[1], int)
    for index, window in enumerate(model.windows):
        assert window.frame_count <= max(8, round(64 * scale))
        known = np.zeros(window.frame_count, bool) if window.known is None else window.known
        span = slice(window.first_frame, window.first_frame + window.frame_count)
        times_composed[span] += ~known
        assert bool(known[: max(1, window.frame_count // 8)].all()) == (index > 0)
        is_last = span.stop == latents.shape[1]
        assert (window.total_s is None) == is_last  # nothing but the last window writes an ending
    assert (times_composed == 1).all()


def test_the_curve_is_that_of_the_programme_in_every_window() -> None:
    model = ToySound(grid=SMALL)
    asked = order(30)
    compose(model, asked, no_report, never_cancel)
    whole = curve_on(SMALL, asked.curve, frame_count(SMALL, 30))
    for window in model.windows:
        span = slice(window.first_frame, window.first_frame + window.frame_count)
        np.testing.assert_array_equal(window.curve, whole[span])


def test_takes_together_are_the_takes_alone() -> None:
    together = compose(ToySound(grid=SMALL), order(15, (5, 6, 7)), no_report, never_cancel)
    for index, seed in enumerate((5, 6, 7)):
        alone = compose(ToySound(grid=SMALL), order(15, (seed,)), no_report, never_cancel)
        np.testing.assert_array_equal(together[index], alone[0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 199), st.integers(1, 90)), min_size=1, max_size=4))
def test_what_is_composed_again_leaves_the_rest(spans: list[tuple[int, int]]) -> None:
    latents = compose(ToySound(grid=SMALL), order(200 / RATE_HZ), no_report, never_cancel)[0]
    renewed = np.zeros(len(latents), bool)
    for first, count in spans:
        renewed[first : first + count] = True
    model = ToySound(grid=SMALL)
    again = renew(model, order(1, (9,)), latents, renewed, no_report, never_cancel)
    np.testing.assert_array_equal(again[~renewed], latents[~renewed])
    assert (again[renewed, 2] != latents[renewed, 2]).all()
    for window in model.windows:
        assert window.frame_count == 64


def test_pieces_are_decoded_as_the_whole_is() -> None:
    latents = compose(ToySound(), order(29), no_report, never_cancel)[0]
    whole = ToySound().decode(latents)
    pieces = decode(ToySound(grid=SMALL), latents, no_report, never_cancel)
    assert pieces.shape == whole.shape
    # the toy's click rings into the next frame, its tone begins anew in every piece
    assert np.abs(pieces - whole).max() < 0.05


def test_cancelling_stops_between_windows() -> None:
    def stop() -> None:
        raise CancelledError("stop")

    with pytest.raises(CancelledError):
        compose(ToySound(), order(5), no_report, stop)


@dataclass
class Broken(ToySound):
    def compose(self, *args: object) -> np.ndarray:  # type: ignore[override]
        made = super().compose(*args)  # type: ignore[arg-type]
        made[0, 0, 0] = np.nan
        return made


@dataclass
class Large(ToySound):
    each: int = 1 << 60

    def needed_bytes(self, frame_count: int, takes: int) -> int:
        return self.each * takes


def test_numbers_that_are_no_sound_are_told() -> None:
    with pytest.raises(UnfinishedError, match="toy composed numbers that are not finite"):
        compose(Broken(), order(5), no_report, never_cancel)


def test_too_large_is_refused_with_the_numbers() -> None:
    with pytest.raises(OutOfMemoryError, match=r"needs about 1152921504\.6 GB .* GB are free"):
        compose(Large(), order(5), no_report, never_cancel)
    model = Large(each=1)
    compose(model, order(5, (1, 2)), no_report, never_cancel)
    assert [window.seeds for window in model.windows] == [(1, 2)]


def test_frames_cover_the_length() -> None:
    grid = LatentGrid(48000, 1920, 64, 1000)
    assert [frame_count(grid, seconds) for seconds in (0.01, 0.04, 0.0401, 4)] == [1, 1, 2, 100]


@dataclass
class Roomy(ToySound):
    """Takes a gigabyte to decode a frame, and as much for what composes until it is unloaded."""

    free_frames: int = 0
    decoded: list[int] = field(default_factory=list)
    is_loaded: bool = True

    def decoding_bytes(self, frame_count: int) -> int:
        return (frame_count + 1000 * self.is_loaded) * 10**9

    def decode(self, latents: np.ndarray) -> np.ndarray:
        self.decoded.append(len(latents))
        return super().decode(latents)

    def unload(self) -> None:
        self.is_loaded = False


def decode_with(
    monkeypatch: pytest.MonkeyPatch, free_frames: int, count: int = 300
) -> tuple[Roomy, np.ndarray]:
    monkeypatch.setattr(warm, "free_bytes", lambda device: free_frames * 10**9)
    model = Roomy()
    latents = compose(ToySound(), order(count / RATE_HZ), no_report, never_cancel)[0]
    return model, decode(model, latents[:count], no_report, never_cancel)


def test_where_memory_is_short_the_same_sound_is_decoded_in_smaller_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plenty, whole = decode_with(monkeypatch, 5000)
    assert (plenty.decoded, plenty.is_loaded) == ([300], True)
    for free_frames, most in ((290, 256), (200, 192)):
        short, pieces = decode_with(monkeypatch, free_frames)
        assert max(short.decoded) <= most
        assert not short.is_loaded  # what composed gave way first
        assert pieces.shape == whole.shape
        assert np.abs(pieces - whole).max() < 0.05  # the toy's tone begins anew in every piece


def test_what_cannot_even_be_decoded_in_pieces_is_refused_with_the_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(OutOfMemoryError, match=r"toy needs about 192\.0 GB to decode .* 100\.0 GB are free"):
        decode_with(monkeypatch, 100)
