"""Pictures come with the right content at the exact time, each range decoded once, whatever the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.errors import CancelledError, MediaError
from v2m.frames import BATCH_SIZE, probe, read_frames
from v2m.timeline import Media, Shot, Timeline

BITS = 10
CLIP_FRAMES = 240
CLIP_RATE = Fraction(25)
CLOCK = Fraction(1, 90_000)


def coded(number: int) -> np.ndarray:
    """A picture of ten bars, white where the number has a one: it survives coding and scaling."""
    bars = [255 if number >> bit & 1 else 0 for bit in range(BITS)]
    return np.repeat(np.array(bars, dtype=np.uint8), 16)[None, :, None].repeat(90, 0).repeat(3, 2)


def decoded(picture: np.ndarray) -> int:
    """The number that a small picture shows."""
    width = picture.shape[1]
    centres = [round((bit + 0.5) * width / BITS) for bit in range(BITS)]
    return sum(int(picture[picture.shape[0] // 2, x].mean() > 127) << bit for bit, x in enumerate(centres))


def draw(
    path: Path,
    times_s: Iterable[Fraction],
    picture: Callable[[int], np.ndarray] = coded,
    gop: int = 24,
    rotation: int = 0,
    rate: Fraction = CLIP_RATE,
    clock: Fraction = CLOCK,
) -> Path:
    """An H.264 file with B-frames whose picture k begins at the k-th time."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = picture(0).shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", clock
        stream.options = {"preset": "ultrafast", "bf": "2", "g": str(gop), "crf": "12"}
        if rotation:
            stream.set_display_rotation(rotation)
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = round(time_s / clock), clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def even(count: int, rate: Fraction = CLIP_RATE) -> list[Fraction]:
    return [k / rate for k in range(count)]


def programme(shots: Iterable[Shot], rate: Fraction = CLIP_RATE) -> Timeline:
    shots = tuple(shots)
    return Timeline(rate, sum((shot.duration_s for shot in shots), Fraction(0)), shots, ())


def one_shot(path: Path, duration_s: Fraction, **fields: Fraction) -> Timeline:
    return programme([Shot(Fraction(0), duration_s, Media(str(path), path), **fields)])


def seen(timeline: Timeline, **options: object) -> list[tuple[float, int, int]]:
    """(time, shot, number shown), by shot and time."""
    rows = []
    for batch in read_frames(timeline, **options):  # type: ignore[arg-type]
        assert 0 < len(batch.times_s) == len(batch.pictures) == len(batch.shot_index) <= BATCH_SIZE
        rows += [
            (float(t), int(s), decoded(p))
            for t, s, p in zip(batch.times_s, batch.shot_index, batch.pictures, strict=True)
        ]
    return sorted(rows, key=lambda row: (row[1], row[0]))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("clip") / "coded.mp4", even(CLIP_FRAMES))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60)])
def test_each_picture_once_at_its_time(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    # AVI has a rate and no stamps
    path = draw(
        tmp_path / f"clip{suffix}", even(50, rate), rate=rate, clock=1 / rate if suffix == ".avi" else CLOCK
    )
    rows = seen(programme([Shot(Fraction(0), 50 / rate, Media("", path))], rate))
    assert [number for _, _, number in rows] == list(range(50))
    assert np.allclose([t for t, _, _ in rows], [float(k / rate) for k in range(50)], atol=6e-4)
    assert probe(path).duration_s == pytest.approx(float(50 / rate), abs=float(1 / rate))
    assert probe(path).rate == rate


def test_uneven_frames_keep_their_stamps(tmp_path: Path) -> None:
    times_s = [Fraction(k * k + 7 * k, 300) for k in range(40)]
    path = draw(tmp_path / "uneven.mp4", times_s)
    rows = seen(one_shot(path, Fraction(6)))
    # pictures that stand for more than a second would be given thrice; here none does
    assert [(t, n) for t, _, n in rows] == [
        (pytest.approx(float(t)), k) for k, t in enumerate(times_s) if t < 6
    ]
    assert probe(path).is_vfr


@settings(max_examples=30)
@given(
    plan=st.lists(
        st.tuples(
            st.integers(0, CLIP_FRAMES - 1),
            st.integers(1, 40),
            st.sampled_from(
                [Fraction(1), Fraction(1, 2), Fraction(2), Fraction(3, 4), Fraction(0), Fraction(-1)]
            ),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_every_shot_shows_what_its_mapping_says(clip: Path, plan: list[tuple[int, int, Fraction]]) -> None:
    shots, at_s = [], Fraction(0)
    for first, frames, speed in plan:
        shots.append(Shot(at_s, frames / CLIP_RATE, Media("", clip), first / CLIP_RATE, speed))
        at_s = shots[-1].end_s
    rows = seen(programme(shots))
    for index, shot in enumerate(shots):
        mine = [(t, number) for t, s, number in rows if s == index]
        assert mine[0] == (pytest.approx(float(shot.start_s)), int(shot.source_start_s * CLIP_RATE))
        for time_s, number in mine:
            shown_s = float(shot.source_start_s) + (time_s - float(shot.start_s)) * float(shot.speed)
            assert number == int(shown_s * 25 + 0.01)
            assert float(shot.start_s) <= time_s < float(shot.end_s)
        if shot.speed > 0:
            # one for each picture that begins in the used range, and none past the end of the file
            last_s = min(shot.source_time_s(shot.end_s), CLIP_FRAMES / CLIP_RATE)
            wanted = [k for k in range(CLIP_FRAMES) if shot.source_start_s <= k / CLIP_RATE < last_s]
            assert [number for _, number in mine] == wanted


def test_a_freeze_is_given_at_its_start_and_end_only(clip: Path) -> None:
    timeline = one_shot(clip, Fraction(4), source_start_s=Fraction(2), speed=Fraction(0))
    assert [(t, n) for t, _, n in seen(timeline)] == [
        (0.0, 50),
        (pytest.approx(0.04), 50),
        (pytest.approx(3.96), 50),
    ]


def test_a_still_is_seen_whatever_its_source_time(tmp_path: Path) -> None:
    path = tmp_path / "shot%03d.png"  # a name that FFmpeg takes for a sequence
    with av.open(str(tmp_path / "still.png"), "w", format="image2") as container:
        stream = container.add_stream("png")
        stream.width, stream.height, stream.pix_fmt = 160, 90, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(coded(37), format="rgb24")))
        container.mux(stream.encode(None))
    (tmp_path / "still.png").rename(path)
    rows = seen(one_shot(path, Fraction(3), source_start_s=Fraction(86400)))
    assert {n for _, _, n in rows} == {37}
    assert rows[0][0] == 0
    assert probe(path).is_still


class Meter:
    """Counts looks at the cancel flag: one for 16 decoded pictures."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> None:
        self.looks += 1


def test_unused_parts_are_not_decoded_and_shared_ones_once(clip: Path) -> None:
    def decoded_pictures(sources: list[int]) -> int:
        meter = Meter()
        shots = [
            Shot(Fraction(k), Fraction(1), Media("", clip), first / CLIP_RATE)
            for k, first in enumerate(sources)
        ]
        assert len(seen(programme(shots), cancel=meter)) == 25 * len(sources)
        return meter.looks * 16

    # a group of 24 pictures before the wanted ones, some in the decoder's threads after them
    assert decoded_pictures([200]) <= 96
    assert decoded_pictures([200, 200, 200, 200]) <= 96
    assert decoded_pictures([0, 200, 5, 205]) <= 160


def test_cancel_stops_within_sixteen_pictures(clip: Path) -> None:
    def stop() -> None:
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        list(read_frames(one_shot(clip, Fraction(9)), cancel=stop))


def test_a_render_takes_the_place_of_the_media(clip: Path, tmp_path: Path) -> None:
    shots = [
        Shot(Fraction(0), Fraction(1), Media("gone.mov", tmp_path / "gone.mov")),
        Shot(Fraction(1), Fraction(2)),
    ]
    rows = seen(programme(shots), picture=clip)
    assert [n for _, _, n in rows] == list(range(75))
    assert [s for _, s, _ in rows] == [0] * 25 + [1] * 50


def test_unreadable_media_is_noted_and_an_unreadable_render_refused(clip: Path, tmp_path: Path) -> None:
    shots = [
        Shot(Fraction(0), Fraction(1), Media("gone.mov", tmp_path / "gone.mov")),
        Shot(Fraction(1), Fraction(1), Media("", clip)),
        Shot(Fraction(2), Fraction(1), Media("lost.mov", None, "is not there")),
        Shot(Fraction(3), Fraction(1)),
    ]
    notes: list[str] = []
    assert {s for _, s, _ in seen(programme(shots), note=notes.append)} == {1}
    assert len(notes) == 1
    assert "gone.mov" in notes[0]
    with pytest.raises(MediaError, match="gone"):
        list(read_frames(programme(shots), picture=tmp_path / "gone.mov"))


def test_use_past_the_end_of_a_file_is_noted(clip: Path) -> None:
    notes: list[str] = []
    rows = seen(one_shot(clip, Fraction(3), source_start_s=Fraction(8)), note=notes.append)
    assert len(rows) == CLIP_FRAMES - 200
    assert notes == ["coded.mp4 was decoded up to 9.60 s; the timeline uses it up to 11.00 s."]
    assert not seen(one_shot(clip, Fraction(1), source_start_s=Fraction(30)), note=notes.append)


def test_a_rate_limit_spreads_the_pictures(clip: Path) -> None:
    rows = seen(one_shot(clip, Fraction(4)), max_rate_hz=12.5)
    assert [n for _, _, n in rows] == list(range(0, 100, 2))


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    corner = np.zeros((64, 96, 3), dtype=np.uint8)
    corner[:32, :48] = 255  # stored top left
    path = draw(tmp_path / "turned.mp4", even(3), lambda number: corner, rotation=-90)  # clockwise in FFmpeg
    batch = next(read_frames(one_shot(path, Fraction(1, 25)), size=(32, 48)))
    picture = batch.pictures[0]
    assert picture.shape == (48, 32, 3)
    bright = {(y, x): picture[y, x].mean() > 127 for y in (12, 36) for x in (8, 24)}
    assert bright == {(12, 8): False, (12, 24): True, (36, 8): False, (36, 24): False}
    info = probe(path)
    assert (info.width_px, info.height_px, info.rotation_deg) == (64, 96, 90)


def test_large_pictures_are_averaged(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1080, 1920, 3)).astype(np.uint8)
    ramp = (noise // 2 + np.linspace(0, 127, 1920).astype(np.uint8)[None, :, None]).astype(np.uint8)
    path = draw(tmp_path / "large.mp4", even(2), lambda number: ramp)
    picture = next(read_frames(one_shot(path, Fraction(1, 25)))).pictures[0].mean(2)
    truth = ramp.mean(2).reshape(54, 20, 96, 20).mean((1, 3))
    assert abs((picture - truth).mean()) < 2
    assert np.abs(picture - truth).mean() < 12  # nine samples of noise with deviation 37


def test_mutated_files_give_pictures_or_one_sentence(clip: Path, tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    whole = clip.read_bytes()
    mutant = tmp_path / "mutant.mp4"
    messages = []
    for round_number in range(40):
        data = np.frombuffer(whole, dtype=np.uint8).copy()
        places = chance.integers(len(data), size=chance.choice([1, 20, 400]))
        data[places] = chance.integers(256, size=len(places))
        mutant.write_bytes(data[: len(data) if round_number % 2 else chance.integers(len(data))].tobytes())
        try:
            assert all(0 <= t < 9 for t, _, _ in seen(one_shot(mutant, Fraction(9)), picture=mutant))
        except MediaError as error:
            messages.append(error.message)
    assert 0 < len(messages) < 40
    assert all("mutant.mp4" in message for message in messages)


def test_a_file_cut_short_gives_what_is_there(media_dir: Path) -> None:
    path = media_dir / "odd" / "car_truncated_mdat.mp4"
    notes: list[str] = []
    rows = seen(one_shot(path, Fraction(20)), note=notes.append)
    assert len(rows) == 170
    assert notes == [
        "car_truncated_mdat.mp4 was decoded up to 13.60 s of 30.16 s; the timeline uses it up to 20.00 s."
    ] or notes == ["car_truncated_mdat.mp4 was decoded up to 13.60 s of 30.16 s."]


def test_times_count_from_the_first_picture_shown(media_dir: Path) -> None:
    late = media_dir / "odd" / "psd_delayed_start.mp4"
    assert float(probe(late).first_pts_s) == 1.075
    times = [t for t, _, _ in seen(one_shot(late, Fraction(1)))]
    assert np.allclose(times, np.arange(24) / 25)
    edited = media_dir / "odd" / "bbb_midgop_editlist.mp4"
    assert seen(one_shot(edited, Fraction(1)))[0][0] == 0
    fragmented = media_dir / "odd" / "flower_fragmented.mp4"
    whole = media_dir / "uncut" / "flower.mp4"
    pictures = [
        np.concatenate([batch.pictures for batch in read_frames(one_shot(path, Fraction(2)))])
        for path in (fragmented, whole)
    ]
    assert len(pictures[0]) == len(pictures[1]) == 60
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() < 1


@pytest.mark.slow
def test_seeking_in_real_files_finds_the_same_pictures(media_dir: Path) -> None:
    """A range read by itself equals the same range of a straight reading, with and without an index."""
    for name in ("edited/bbb_0_30.webm", "odd/bbb_midgop_editlist.mp4", "odd/bbb_telecine_2997i_tff.mpg"):
        path = media_dir / name
        info = probe(path)
        straight = {
            round(t, 3): p
            for batch in read_frames(one_shot(path, info.duration_s))
            for t, p in zip(batch.times_s.tolist(), batch.pictures, strict=True)
        }
        start_s = Fraction(round(info.duration_s * 3 / 4))
        batch = next(read_frames(one_shot(path, Fraction(1, 2), source_start_s=start_s)))
        for time_s, picture in list(zip(batch.times_s.tolist(), batch.pictures, strict=True))[1:]:
            assert np.array_equal(picture, straight[round(time_s + float(start_s), 3)]), name
