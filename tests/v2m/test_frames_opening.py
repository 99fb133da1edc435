"""Nothing but the named file is ever opened, and what cannot be read is refused in one sentence."""

from __future__ import annotations

import os
import socket
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from v2m.errors import MediaError
from v2m.frames import probe
from v2m.frames.opening import still_format
from v2m.frames.orientation import Orientation


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """A loopback port and the connections that it received."""
    hits: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def accept() -> None:
            while True:
                connection, address = server.accept()
                connection.close()
                if stop.is_set():
                    return
                hits.append(address)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1], hits
        stop.set()
        socket.create_connection(server.getsockname()).close()
        thread.join()


@pytest.mark.parametrize("suffix", ["", ".mp4", ".m3u8", ".mov", ".sdp", ".txt"])
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{file}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{url}'\n",
        "ffconcat version 1.0\nfile '{file}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} TCP 96\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}</BaseURL></MPD>',
        "[playlist]\nFile1={url}\n",
    ],
)
def test_files_that_point_elsewhere_are_refused(
    tmp_path: Path, listener: tuple[int, list[object]], suffix: str, text: str
) -> None:
    port, hits = listener
    other = tmp_path / "other.wav"
    with wave.open(str(other), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    path = tmp_path / f"trick{suffix}"
    path.write_text(text.format(url=f"http://127.0.0.1:{port}/x.ts", file=other, port=port))
    with pytest.raises(MediaError, match=r"trick.* could not be opened"):
        probe(path)
    assert not hits


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:{}/x.mp4", "tcp://127.0.0.1:{}", "concat:a.mp4|b.mp4", "pipe:0"]
)
def test_a_path_is_never_a_url(listener: tuple[int, list[object]], name: str) -> None:
    port, hits = listener
    with pytest.raises(MediaError, match="no file"):
        probe(Path(name.format(port)))
    assert not hits


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no pipes and devices in folders")
def test_only_regular_files_are_touched(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.mp4"
    os.mkfifo(fifo)
    link = tmp_path / "device.mp4"
    link.symlink_to("/dev/zero")
    dangling = tmp_path / "dangling.mp4"
    dangling.symlink_to(tmp_path / "nothing.mp4")
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    with pytest.raises(MediaError, match=r"fifo\.mp4 is a device, pipe or socket"):
        probe(fifo)
    with pytest.raises(MediaError, match=r"device\.mp4 is a device"):
        probe(link)
    with pytest.raises(MediaError, match="is a folder"):
        probe(tmp_path)
    for path in (dangling, tmp_path / "missing.mp4"):
        with pytest.raises(MediaError, match="There is no file"):
            probe(path)
    for path in (loop, Path("nul\0byte.mp4"), tmp_path / ("long" * 100)):
        with pytest.raises(MediaError, match="could not be opened"):
            probe(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff" * 100, b"RIFF\x04\0\0\0WEBP", b"BM" * 99],
)
def test_empty_and_senseless_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "junk.mov"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"junk\.mov"):
        probe(path)


def test_sound_alone_is_no_picture(tmp_path: Path, media_dir: Path) -> None:
    for path in (media_dir / "odd" / "qt_corrupt_end.ogg", media_dir / "music" / "loop_mika.flac"):
        with pytest.raises(MediaError, match="holds no picture"):
            probe(path)


def test_stills_are_told_by_content() -> None:
    assert still_format(b"\x89PNG\r\n\x1a\n") == "png_pipe"
    assert still_format(b"RIFF....WEBPVP8 ") == "webp_pipe"
    assert still_format(b"RIFF....AVI LIST") is None
    assert still_format(b"\0\0\0\x18ftypmp42") is None


REFUSED = {"bottle_truncated_no_moov.mp4": "could not be opened", "qt_corrupt_end.ogg": "holds no picture"}


def test_every_odd_file_is_described_or_refused(media_dir: Path) -> None:
    files = sorted(file for file in (media_dir / "odd").iterdir())
    for file in files:
        if file.name in REFUSED:
            with pytest.raises(MediaError, match=REFUSED[file.name]):
                probe(file)
        else:
            info = probe(file)
            assert info.duration_s > 0
            assert 0 < info.rate <= 60
    assert len(files) > len(REFUSED)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("dog_2997df_tc.mov", {"timecode": "00:59:56;28", "start_frame": 107800, "drop_frame": True}),
        ("qt_color_matrix_90_deg_clockwise.mp4", {"width_px": 540, "height_px": 960, "rotation_deg": 90}),
        ("qt_color_matrix_270_deg_clockwise_mirrored.mp4", {"width_px": 540, "rotation_deg": 270}),
        (
            "fire2_vfr_rot180.mp4",
            {"is_vfr": True, "rotation_deg": 180, "has_audio": True, "sample_rate_hz": 48000},
        ),
        ("qt_par_2_3.mp4", {"width_px": 128, "height_px": 108, "has_audio": False}),
        ("bbb_telecine_2997i_tff.mpg", {"width_px": 853, "height_px": 480, "is_vfr": False}),
        ("qt_audio_video_with_jpg_thumbnail.mp4", {"width_px": 684, "height_px": 384}),
    ],
)
def test_what_a_file_is(media_dir: Path, name: str, fields: dict[str, object]) -> None:
    info = probe(media_dir / "odd" / name)
    assert {key: getattr(info, key) for key in fields} == fields


def test_orientation_follows_the_matrix() -> None:
    """Each of the eight matrices moves every pixel where the standard's formula says."""
    stored = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    seen = set()
    for a, b, c, d in [
        (1, 0, 0, 1), (-1, 0, 0, -1), (-1, 0, 0, 1), (1, 0, 0, -1),
        (0, 1, -1, 0), (0, -1, 1, 0), (0, 1, 1, 0), (0, -1, -1, 0),
    ]:  # fmt: skip
        matrix = np.array([a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30], dtype=np.int32).tobytes()
        orientation = Orientation.from_matrix(matrix)
        shown = orientation.apply(stored)
        corners = [(a * x + c * y, b * x + d * y) for y in range(2) for x in range(3)]
        left, top = min(x for x, _ in corners), min(y for _, y in corners)
        for (y, x), (to_x, to_y) in zip(np.ndindex(2, 3), corners, strict=True):
            assert (shown[to_y - top, to_x - left] == stored[y, x]).all()
        seen.add((orientation.degrees, orientation.mirrored))
    assert len(seen) == 8
    assert Orientation.from_matrix(b"short") == Orientation()
