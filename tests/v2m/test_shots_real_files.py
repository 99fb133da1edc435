"""Every real video is looked at picture by picture, whatever its container, codec, clock and damage."""

from pathlib import Path

import numpy as np
import pytest

from v2m.frames import FrameBatch
from v2m.shots import timeline_of_video

PICTURES = {
    "edited/bbb_0_30.webm": 720,
    "edited/bikes.mp4": 250,
    "edited/psd_fades.mp4": 250,
    "odd/av1_video.mkv": 125,
    "odd/bbb_23976.mp4": 145,  # a 146th lies beyond the length that the file states
    "odd/bbb_5s_51audio.mp4": 132,
    "odd/bbb_midgop_editlist.mp4": 290,
    "odd/bbb_telecine_2997i_tff.mpg": 180,
    "odd/car_truncated_mdat.mp4": 170,
    "odd/dog_2997df_tc.mov": 289,
    "odd/fire2_vfr_rot180.mp4": 25,
    "odd/flower_fragmented.mp4": 150,
    "odd/h265_10bits.mp4": 30,
    "odd/psd_counter.mp4": 30,
    "odd/psd_delayed_start.mp4": 24,
    "odd/qt_audio_video_with_jpg_thumbnail.mp4": 77,
    "odd/qt_color_matrix_270_deg_clockwise_mirrored.mp4": 24,
    "odd/qt_color_matrix_90_deg_clockwise.mp4": 24,
    "odd/qt_multitrack.mkv": 375,
    "odd/qt_par_2_3.mp4": 1,
    "uncut/asl_again.mkv": 77,
    "uncut/asl_thanks.mkv": 51,
    "uncut/asl_walk.mkv": 89,
    "uncut/bottle_detection.mp4": 1189,
    "uncut/car_detection.mp4": 377,
    "uncut/cups.mp4": 300,
    "uncut/dog.mp4": 289,
    "uncut/flower.mp4": 150,
    "uncut/marathon.mp4": 150,
    "uncut/motorway_5994.mp4": 1769,
}
"""How many pictures another decoder found in each file, counted one by one."""

UNREADABLE = {"odd/bottle_truncated_no_moov.mp4", "odd/qt_corrupt_end.ogg"}
WITH_CUT_LISTS = {
    f"edited/{name}.mp4" for name in ("bbb_trailer_moviepy", "psd_testvideo", "sintel_trailer_720p")
}
"""Read in full where their cuts are compared."""


def test_no_file_is_forgotten(media_dir: Path) -> None:
    files = (path for folder in ("edited", "odd", "uncut") for path in (media_dir / folder).iterdir())
    videos = {f"{path.parent.name}/{path.name}" for path in files if path.suffix != ".json"}
    assert videos == PICTURES.keys() | UNREADABLE | WITH_CUT_LISTS


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_looked_at_once(media_dir: Path, name: str) -> None:
    batches: list[FrameBatch] = []
    timeline = timeline_of_video(media_dir / name, watch=batches.append)
    times_s = np.concatenate([batch.times_s for batch in batches])
    assert len(times_s) == PICTURES[name]
    assert times_s[0] == 0
    assert (np.diff(times_s) > 0).all()
    assert times_s[-1] < timeline.duration_s
    assert len({batch.pictures.shape[1:] for batch in batches}) == 1
    assert max(batch.pictures.std() for batch in batches) > 5  # none of the files is black
    if name.startswith("uncut/"):
        assert timeline.cuts == ()
