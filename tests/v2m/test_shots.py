"""Cuts are found to the frame in real and drawn video, and nothing is found where nobody cut."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from v2m.errors import CancelledError, MediaError
from v2m.frames import FrameBatch
from v2m.shots import CutDetector, timeline_of_video
from v2m.timebase import seconds_to_frame
from v2m.timeline import Cut, Timeline

RATE = Fraction(24)


def frames(timeline: Timeline, *kinds: str) -> list[int]:
    return [seconds_to_frame(cut.time_s, timeline.rate) for cut in timeline.cuts if cut.kind in kinds]


def scores(found: list[int], truth: Iterable[int], tolerance: int = 1) -> tuple[float, float]:
    """Precision and recall of frame numbers."""
    truth = list(truth)
    right = [f for f in found if any(abs(f - t) <= tolerance for t in truth)]
    hit = [t for t in truth if any(abs(f - t) <= tolerance for f in found)]
    return len(right) / max(1, len(found)), len(hit) / max(1, len(truth))


def truth_of(path: Path) -> dict[str, list[int]]:
    truth: dict[str, list[int]] = json.loads(path.with_suffix(".cuts.json").read_text())
    return truth


# --- real footage -----------------------------------------------------------------------------------


def test_hard_cuts_of_live_action(media_dir: Path) -> None:
    path = media_dir / "edited" / "bikes.mp4"
    timeline = timeline_of_video(path)
    assert frames(timeline, "cut") == truth_of(path)["hard_cuts"]
    assert len(timeline.cuts) == 5
    assert [shot.start_s * 25 for shot in timeline.shots] == [0, *truth_of(path)["hard_cuts"]]
    assert all(shot.source_start_s == shot.start_s for shot in timeline.shots)
    assert {shot.media.path for shot in timeline.shots if shot.media} == {path}
    assert timeline.duration_s == 10


@pytest.mark.slow
def test_an_edited_film_with_every_kind_of_cut(media_dir: Path) -> None:
    path = media_dir / "edited" / "bbb_trailer_moviepy.mp4"
    truth = truth_of(path)
    timeline = timeline_of_video(path)
    assert scores(frames(timeline, "cut"), truth["hard_cuts"]) == (1.0, 1.0)
    assert scores(frames(timeline, "fade"), truth["dips_to_black"], tolerance=2) == (1.0, 1.0)
    (dissolve,) = [cut for cut in timeline.cuts if cut.kind == "dissolve"]
    middle_s = dissolve.time_s + dissolve.center_offset_s
    assert middle_s * 24 == pytest.approx(1116, abs=2)
    assert dissolve.width_s * 24 == pytest.approx(36, abs=4)
    # a second of fade out and a second of fade in, as the edit list says
    assert frames_wide(timeline.cuts[0]) == pytest.approx(48, abs=4)


def frames_wide(cut: Cut) -> float:
    return float(cut.width_s * RATE)


@pytest.mark.slow
def test_a_trailer_with_fades_flashes_and_titles(media_dir: Path) -> None:
    path = media_dir / "edited" / "sintel_trailer_720p.mp4"
    timeline = timeline_of_video(path)
    precision, recall = scores(frames(timeline, "cut"), truth_of(path)["hard_cuts"])
    assert precision == 1.0
    assert recall >= 7 / 8  # 404 lies within a swing of the camera that changes as much a frame later
    for fade in frames(timeline, "fade"):
        assert any(a <= fade <= b for a, b in ((216, 290), (430, 525), (760, 790)))


def test_shots_joined_through_black(media_dir: Path) -> None:
    grey = timeline_of_video(media_dir / "edited" / "psd_fades.mp4")
    assert frames(grey, "fade") == [84, 167]
    assert frames(grey, "cut", "dissolve") == []


@pytest.mark.slow
def test_each_boundary_of_shots_in_black_is_found_once(media_dir: Path) -> None:
    path = media_dir / "edited" / "psd_testvideo.mp4"
    timeline = timeline_of_video(path)
    for start, end in truth_of(path)["dark_spans"][:3]:  # the last one ends the film
        inside = [f for f in frames(timeline, "cut", "fade") if start - 1 <= f <= end + 1]
        assert len(inside) == 1
    # the picture steps from and to black there: a mean of 87 of 255 from one frame to the next
    assert frames(timeline, "cut") == [30, 180]


@pytest.mark.slow
def test_timecode_length_and_notes_come_from_the_file(media_dir: Path) -> None:
    drop = timeline_of_video(media_dir / "odd" / "dog_2997df_tc.mov")
    assert (drop.rate, drop.start_frame, drop.drop_frame) == (Fraction(30000, 1001), 107800, True)
    assert drop.frame_count == 289
    short = timeline_of_video(media_dir / "odd" / "car_truncated_mdat.mp4")
    assert short.duration_s == Fraction(170) / Fraction(25, 2)
    assert short.notes == ("car_truncated_mdat.mp4 was decoded up to 13.60 s of 30.16 s.",)
    uneven = timeline_of_video(media_dir / "odd" / "fire2_vfr_rot180.mp4")
    assert uneven.rate == 24
    assert float(uneven.duration_s) == pytest.approx(2.38, abs=1 / 24)


# --- drawn video ------------------------------------------------------------------------------------


def picture(seed: int) -> np.ndarray:
    """A blocky picture of its own."""
    cells = np.random.default_rng(seed).integers(40, 220, (9, 16, 3))
    return np.kron(cells, np.ones((10, 10, 1))).astype(np.float64)


def detect(pictures: list[np.ndarray], batch: int = 7) -> list[tuple[str, int, int, int]]:
    """(kind, seam, start, end) in frames."""
    detector = CutDetector(RATE)
    noise = np.random.default_rng(3)
    for begin in range(0, len(pictures), batch):
        some = np.array(pictures[begin : begin + batch])
        some = np.clip(some + noise.normal(0, 1, some.shape), 0, 255).astype(np.uint8)
        times_s = (begin + np.arange(len(some))) / float(RATE)
        detector.push(FrameBatch(times_s, some, np.zeros(len(some), dtype=np.intp)))
    found = []
    for cut in detector.cuts():
        middle_s = cut.time_s + cut.center_offset_s
        span = [int((middle_s + sign * cut.width_s / 2) * RATE) for sign in (-1, 1)]
        found.append((cut.kind, int(cut.time_s * RATE), *span))
    return found


def blend(one: np.ndarray, other: np.ndarray, length: int) -> list[np.ndarray]:
    return [one + (other - one) * (k + 1) / (length + 1) for k in range(length)]


def test_a_hard_cut_is_found_to_the_frame() -> None:
    assert detect([picture(1)] * 40 + [picture(2)] * 40) == [("cut", 40, 40, 40)]


@pytest.mark.parametrize("length", [18, 24, 48])
def test_a_dissolve_is_measured(length: int) -> None:
    film = [picture(1)] * 40 + blend(picture(1), picture(2), length) + [picture(2)] * 40
    ((kind, seam, start, end),) = detect(film)
    assert kind == "dissolve"
    assert (seam, start, end) == pytest.approx((40 + length // 2, 40, 40 + length), abs=3)


def test_a_fade_is_measured() -> None:
    black = np.zeros_like(picture(1))
    film = [picture(1)] * 40 + blend(picture(1), black, 24) + [black] * 6 + blend(black, picture(2), 24)
    ((kind, seam, start, end),) = detect(film + [picture(2)] * 40)
    assert kind == "fade"
    assert (seam, start, end) == pytest.approx((67, 40, 94), abs=3)


def test_brightening_panning_and_the_fades_at_both_ends_are_no_cuts() -> None:
    black = np.zeros_like(picture(1))
    wide = np.kron(np.random.default_rng(5).integers(40, 220, (9, 64, 3)), np.ones((10, 10, 1)))
    pan = [wide[:, x : x + 160] for x in range(0, 320, 4)]
    film = [black] * 12 + blend(black, pan[0], 24) + pan + blend(pan[-1], pan[-1] * 0.5, 24)
    assert detect(film + blend(pan[-1] * 0.5, black, 24) + [black] * 12) == []


def test_an_empty_programme_has_no_cuts() -> None:
    assert CutDetector(RATE).cuts() == ()
    assert detect([picture(1)]) == []
    assert detect([picture(1)] * 3) == []


# --- the door ---------------------------------------------------------------------------------------


def write(path: Path, pictures: list[np.ndarray], codec: str = "libx264", pixels: str = "yuv420p") -> Path:
    with av.open(str(path), "w", format="image2" if codec == "png" else None) as container:
        stream = container.add_stream(codec, rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 90, pixels
        for item in pictures:
            frame = av.VideoFrame.from_ndarray(item.astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_all_pictures_of_the_one_pass_are_handed_on(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4", [picture(1)] * 40 + [picture(2)] * 30)
    batches: list[FrameBatch] = []
    timeline = timeline_of_video(path, watch=batches.append)
    times_s = np.concatenate([batch.times_s for batch in batches])
    assert np.allclose(times_s, np.arange(70) / 24)
    assert batches[0].pictures.shape[1:] == (54, 96, 3)
    assert frames(timeline, "cut") == [40]
    assert timeline.name == "film"


def test_a_still_is_refused_and_cancel_heard(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is a still"):
        timeline_of_video(write(tmp_path / "still.png", [picture(1)], "png", "rgb24"))

    def stop() -> None:
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        timeline_of_video(write(tmp_path / "film.mp4", [picture(1)] * 40), cancel=stop)
