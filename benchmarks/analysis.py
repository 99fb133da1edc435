"""What analysis costs beside the plain decoding that it cannot do without.

    python benchmarks/analysis.py [FILE] [--seconds N] [--repeats N]

Every row is the median of alternating repeats over the same frames, in one run; the peer is PyAV with the
same threads, its pictures dropped. Without FILE a 1080p24 H.264 clip is drawn and encoded in a temporary
folder: textured, panned, cut each three seconds. Wall time is what a user waits; processor time (all threads)
is steadier on a machine that others use too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from v2m.encoders.pixel import PixelEncoder
from v2m.frames import probe, read_frames
from v2m.shots import timeline_of_video
from v2m.timebase import on_frame
from v2m.timeline import Media, Shot, Timeline

BAR = 1.15
"""DESIGN section 12: analysis against plain decoding of the same frames."""

WIDTH, HEIGHT, RATE, SHOT_S = 1920, 1080, 24, 3


def main() -> None:
    """Print ratios against plain decoding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--seconds", type=int, default=20, help="length of the drawn clip")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or draw_clip(Path(folder) / "drawn.mp4", options.seconds)
        report(path, options.repeats)


def report(path: Path, repeats: int) -> None:
    """Time each way of going through a file, in turn, and print the medians."""
    ways: dict[str, Callable[[Path], int]] = {
        "plain decoding": decode,
        "small pictures": read,
        "pictures + pixel features": analyse,
        "pictures + features + cuts": analyse_video,
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    frames = 0
    for _ in range(repeats):
        for name, way in ways.items():
            wall_s, processor_s = time.perf_counter(), time.process_time()
            frames = way(path)
            times[name].append((time.perf_counter() - wall_s, time.process_time() - processor_s))
    info = probe(path)
    duration_s = float(info.duration_s)
    print(f"{path.name}: {info.width_px} x {info.height_px}, {info.rate} fps, {frames} frames")
    print(f"{'':28}{'wall s':>8}{'x real':>8}{'ratio':>8}{'cpu s':>8}{'ratio':>8}   (bar {BAR})")
    base = [statistics.median(column) for column in zip(*times["plain decoding"], strict=True)]
    for name, pairs in times.items():
        wall_s, processor_s = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(
            f"{name:28}{wall_s:8.2f}{duration_s / wall_s:8.1f}{wall_s / base[0]:8.2f}"
            f"{processor_s:8.2f}{processor_s / base[1]:8.2f}"
        )


def decode(path: Path) -> int:
    """The peer: every picture decoded and dropped."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        return sum(1 for _ in container.decode(stream))


def read(path: Path) -> int:
    """Our pictures, dropped."""
    return sum(len(batch.times_s) for batch in read_frames(one_shot(path)))


def analyse(path: Path) -> int:
    """Our pictures and the features of the embedded encoder, as a timeline with known cuts needs them."""
    encoder = PixelEncoder()
    for batch in read_frames(one_shot(path)):
        encoder.push(batch.times_s, batch.pictures)
    return len(encoder.features().times_s)


def analyse_video(path: Path) -> int:
    """The same with cuts found in the picture, as a plain video needs them."""
    encoder = PixelEncoder()
    timeline_of_video(path, watch=lambda batch: encoder.push(batch.times_s, batch.pictures))
    return len(encoder.features().times_s)


def one_shot(path: Path) -> Timeline:
    """The file as a programme of one shot."""
    info = probe(path)
    duration_s = on_frame(info.duration_s, info.rate)
    return Timeline(info.rate, duration_s, (Shot(Fraction(0), duration_s, Media(str(path), path)),), ())


def draw_clip(path: Path, seconds: int) -> Path:
    """A clip that costs about what footage costs: texture over the whole frame, in motion, cut each 3 s."""
    random = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "20", "g": "48"}
        texture = _texture(random)
        for number in range(seconds * RATE):
            if number % (SHOT_S * RATE) == 0:
                texture = _texture(random)
            x, y = 4 * (number % (SHOT_S * RATE)), number % (SHOT_S * RATE)
            picture = np.ascontiguousarray(texture[y : y + HEIGHT, x : x + WIDTH])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _texture(random: np.random.Generator) -> np.ndarray:
    """Noise at several scales in one tint, larger than the frame by the way it is panned."""
    height, width = HEIGHT + 128, WIDTH + 384
    picture = np.zeros((height, width, 3))
    for cell in (128, 32, 8, 2):
        coarse = random.normal(size=(height // cell + 1, width // cell + 1, 3))
        picture += np.kron(coarse, np.ones((cell, cell, 1)))[:height, :width] * 8 * np.log2(cell + 1) / 2
    return np.clip(picture + random.uniform(60, 200, size=3), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
