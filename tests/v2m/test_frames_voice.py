"""The sound and the pictures under a programme are those that its shots show, where they show them."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from v2m.errors import CancelledError
from v2m.frames.stills import read_stills
from v2m.frames.voice import PIECE_S, VOICE_RATE_HZ, read_voice
from v2m.timeline import Cut, Media, Shot, Timeline

RATE_HZ = 48_000
LENGTH_S = 40


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Second k is of grey 6 k, and clicks at k + 1/4 with a loudness of (k + 1) / 64."""
    path = tmp_path_factory.mktemp("clicks") / "film.mov"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=8)
        video.width, video.height, video.pix_fmt, video.gop_size = 96, 54, "yuv420p", 4
        audio = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        for index in range(8 * LENGTH_S):
            grey = np.full((54, 96, 3), 6 * (index // 8), np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(video.encode(None))
        sound = np.zeros(RATE_HZ * LENGTH_S, np.int16)
        for second in range(LENGTH_S):
            at = int((second + 0.25) * RATE_HZ)
            sound[at : at + 48] = (second + 1) * 512
        for at in range(0, len(sound), RATE_HZ):
            frame = av.AudioFrame.from_ndarray(sound[None, at : at + RATE_HZ], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE_HZ, at
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return path


def edit(film: Path, *spans: tuple[int, int, Fraction]) -> Timeline:
    """Shots of (second of the file, length, speed), one after another."""
    shots, at = [], Fraction(0)
    for source_s, length_s, speed in spans:
        shots.append(Shot(at, Fraction(length_s), Media(str(film), film), Fraction(source_s), speed))
        at += length_s
    return Timeline(Fraction(24), at, tuple(shots), tuple(Cut(shot.start_s) for shot in shots[1:]))


def clicks(timeline: Timeline, picture: Path | None = None) -> dict[float, int]:
    """When something clicks in the programme, and which second of the file it is."""
    found = {}
    for piece in read_voice(timeline, picture=picture):
        loud = np.abs(piece.samples) > 0.006
        starts = np.flatnonzero(loud & ~np.roll(loud, 160) & (np.arange(len(loud)) > 0))
        for start in starts:
            if not any(abs(start / VOICE_RATE_HZ + piece.start_s - time) < 0.05 for time in found):
                peak = np.abs(piece.samples[start : start + 100]).max()
                found[round(start / VOICE_RATE_HZ + piece.start_s, 3)] = round(float(peak) * 64 - 1)
    return found


ONE = Fraction(1)


def test_shots_in_another_order_are_heard_in_that_order(film: Path) -> None:
    heard = clicks(edit(film, (20, 2, ONE), (5, 1, ONE), (36, 2, ONE)))
    times_s = sorted(heard)
    assert times_s == pytest.approx([0.25, 1.25, 2.25, 3.25, 4.25], abs=0.005)
    seconds = [heard[time_s] for time_s in times_s]
    assert seconds == pytest.approx([20, 21, 5, 36, 37], abs=3)  # a resampled click rings a little


def test_a_long_shot_comes_in_pieces_without_a_seam(film: Path) -> None:
    timeline = edit(film, (0, LENGTH_S, ONE))
    pieces = list(read_voice(timeline))
    assert [piece.start_s for piece in pieces] == [0.0, float(PIECE_S)]
    assert [len(piece.samples) for piece in pieces] == pytest.approx(
        [PIECE_S * VOICE_RATE_HZ, (LENGTH_S - PIECE_S) * VOICE_RATE_HZ], abs=64
    )
    assert sorted(clicks(timeline)) == pytest.approx([k + 0.25 for k in range(LENGTH_S)], abs=0.005)


def test_only_shots_at_their_own_speed_are_heard(film: Path) -> None:
    timeline = edit(film, (10, 2, Fraction(2)), (20, 2, ONE), (8, 2, Fraction(-1)), (7, 1, Fraction(0)))
    assert sorted(clicks(timeline)) == pytest.approx([2.25, 3.25], abs=0.005)


def test_a_render_is_heard_in_place_of_the_media(film: Path) -> None:
    timeline = edit(Path("gone.mov"), (20, 3, ONE))
    assert sorted(clicks(timeline, picture=film)) == pytest.approx([0.25, 1.25, 2.25], abs=0.005)


def test_what_cannot_be_heard_is_noted_and_left_out(film: Path, tmp_path: Path) -> None:
    (broken := tmp_path / "broken.mov").write_bytes(b"no film")
    notes: list[str] = []
    assert list(read_voice(edit(broken, (0, 2, ONE)), note=notes.append)) == []
    assert notes
    assert "broken.mov was not listened to" in notes[0]
    assert read_stills(edit(broken, (0, 2, ONE)), [ONE], height_px=54, note=notes.append) == ()
    assert "broken.mov was not looked into" in notes[1]


def test_stills_are_what_a_viewer_sees_then(film: Path) -> None:
    timeline = edit(film, (20, 2, ONE), (5, 1, ONE), (10, 2, Fraction(2)), (8, 2, Fraction(-1)))
    moments = [Fraction(number) for number in ("6.5", "1.5", "2.5", "3.75")]
    stills = read_stills(timeline, moments, height_px=108)
    assert [still.time_s for still in stills] == [1.5, 2.5, 3.75, 6.5]
    assert {still.picture.shape for still in stills} == {(108, 192, 3)}
    seconds = [float(still.picture.mean()) / 6 for still in stills]
    assert seconds == pytest.approx([21, 5, 11, 6], abs=0.7)
    rendered = read_stills(edit(Path("gone.mov"), (0, 5, ONE)), [ONE], height_px=54, picture=film)
    assert [float(still.picture.mean()) / 6 for still in rendered] == pytest.approx([1], abs=0.7)


def test_both_stop_when_asked_to(film: Path) -> None:
    def cancel() -> None:
        raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        list(read_voice(edit(film, (0, 2, ONE)), cancel=cancel))
    with pytest.raises(CancelledError):
        read_stills(edit(film, (0, 2, ONE)), [ONE], height_px=54, cancel=cancel)
