"""Event curves in figures: frame rates, true cuts, harmless changes, and what the encoders cost.

    python benchmarks/curves.py [--media ../shared/media] [--plot DIR]

Correlations are between curves on one grid (12.3 Hz, kernel 0.7 s). AUC is the chance that a value at a true
cut is above one elsewhere: 0.5 says nothing, 1 is perfect; "elsewhere" holds real events too (fades, falls).
Costs are processor time, which other programs disturb least, and a ratio to plain decoding in the same run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from v2m import curves
from v2m.curves import EventCurve, Features, FloatArray
from v2m.encoders import spectral
from v2m.encoders.pixel import PixelEncoder
from v2m.timeline import Cut

Pictures = NDArray[np.uint8]
LATENT_RATE_HZ = 44100 / 3584  # the paper's model
EDITED = ("bikes", "bbb_trailer_moviepy", "sintel_trailer_720p")
RATES = {
    "uncut/motorway_5994.mp4": (50, 30, 25, 24, 15, 12.5),  # 25 pictures a second shown at 59.94: judder
    "uncut/cups.mp4": (25, 24, 15, 12.5),
    "edited/bbb_trailer_moviepy.mp4": (15, 12.5),
}
MUSIC = ("nutcracker.ogg", "brahms_hungarian5.ogg", "loop_compus.flac", "loop_breakbeat.flac")


@dataclass(frozen=True)
class Clip:
    """A decoded file."""

    times_s: FloatArray
    pictures: Pictures
    decode_s: float
    """Processor time of decoding alone."""

    @property
    def duration_s(self) -> float:
        """Up to the end of the last picture."""
        return float(self.times_s[-1] + np.median(np.diff(self.times_s)))


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    beside = Path(__file__).resolve().parents[2] / "shared" / "media"
    parser.add_argument("--media", type=Path, default=beside, help="the folder of test media")
    parser.add_argument("--plot", type=Path, help="a folder for one picture of all curves")
    arguments = parser.parse_args()
    names = sorted({*RATES, *(f"edited/{name}.mp4" for name in EDITED)})
    clips = {name: decode(arguments.media / name) for name in names}
    frame_rates(clips)
    true_cuts(arguments.media, clips)
    harmless_changes(clips)
    costs(arguments.media, clips)
    if arguments.plot:
        plot(arguments.media, clips, arguments.plot / "curves.png")


def decode(path: Path) -> Clip:
    """All pictures at 96 x 54."""
    times_s, pictures, decode_s = [], [], 0.0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = container.decode(stream)
        while True:
            began = time.process_time()
            frame = next(frames, None)
            decode_s += time.process_time() - began
            if frame is None:
                break
            times_s.append(float(frame.pts * stream.time_base))
            pictures.append(frame.reformat(96, 54, format="rgb24", interpolation="AREA").to_ndarray())
    return Clip(np.array(times_s) - times_s[0], np.stack(pictures), decode_s)


def encode(times_s: FloatArray, pictures: Pictures) -> Features:
    """Features of a programme in one push."""
    encoder = PixelEncoder()
    encoder.push(times_s, pictures)
    return encoder.features()


def curve_at(clip: Clip, rate_hz: float | None = None) -> EventCurve:
    """The curve of a clip, as it is or with the picture on show at each tick of another frame rate."""
    times_s, pictures = clip.times_s, clip.pictures
    if rate_hz is not None:
        times_s = np.arange(int(clip.duration_s * rate_hz)) / rate_hz
        pictures = pictures[np.searchsorted(clip.times_s, times_s + 1e-6, side="right") - 1]
    return curves.event_curve(encode(times_s, pictures), clip.duration_s, rate_hz=LATENT_RATE_HZ)


def frame_rates(clips: dict[str, Clip]) -> None:
    """How much the curve of one source depends on its frame rate (bar: r >= 0.95)."""
    print(
        "\ncorrelation with the curve at the source's own frame rate, half a kernel before the end left out"
    )
    end = -round(curves.DEFAULT_KERNEL_S / 2 * LATENT_RATE_HZ)  # a slower rate misses the very last pictures
    for name, rates_hz in RATES.items():
        whole = curve_at(clips[name]).values[:end]
        found = [
            (rate, np.corrcoef(whole, curve_at(clips[name], rate).values[:end])[0, 1]) for rate in rates_hz
        ]
        print(f"  {name:34}", "  ".join(f"{rate:g} fps {r:.3f}" for rate, r in found))


def auc(at_events: FloatArray, elsewhere: FloatArray) -> float:
    """Chance that a value at an event is above one elsewhere."""
    return float((at_events[:, None] > elsewhere).mean() + 0.5 * (at_events[:, None] == elsewhere).mean())


def true_cuts(media: Path, clips: dict[str, Clip]) -> None:
    """Whether hard cuts stand out, in the raw change, the curve, and the curve that knows them."""
    print("\nAUC at true hard cuts (chance 0.5)         n   raw change   curve   curve with cuts")
    for name in EDITED:
        clip = clips[f"edited/{name}.mp4"]
        truth = json.loads((media / "edited" / f"{name}.cuts.json").read_text())
        cuts = [Cut(frame / Fraction(truth["fps"])) for frame in truth["hard_cuts"]]
        cuts_s = np.array([float(cut.time_s) for cut in cuts])
        features = encode(clip.times_s, clip.pictures)
        raw_s, raw = curves.novelty(features)
        near = np.abs(raw_s[:, None] - cuts_s).min(axis=1) < 0.01
        row = [auc(raw[near], raw[~near])]
        for known in ((), cuts):
            curve = curves.event_curve(features, clip.duration_s, rate_hz=24, cuts=known)
            away = np.abs(curve.times_s[:, None] - cuts_s).min(axis=1) > 0.5
            row.append(auc(curve.at(cuts_s), curve.values[away]))
        print(f"  {name:38} {len(cuts):3}   {row[0]:10.4f}   {row[1]:5.3f}   {row[2]:15.3f}")


def harmless_changes(clips: dict[str, Clip]) -> None:
    """Cosine between a picture's row before and after a change that is no event (paper, appendix)."""
    pictures = np.concatenate([clip.pictures[::12] for clip in clips.values()])
    light = pictures / 255
    drawn = np.random.default_rng(0)
    changes: dict[str, Callable[[], FloatArray]] = {
        "moved by 1 % of the width": lambda: np.roll(light, 1, axis=2),
        "moved by 2 %": lambda: np.roll(light, 2, axis=2),
        "brighter by 4 %": lambda: light + 0.04,
        "darker by 4 %": lambda: light - 0.04,
        "gamma 0.9": lambda: light**0.9,
        "gamma 1.1": lambda: light**1.1,
        "noise of 1.5 %": lambda: light + drawn.normal(0, 0.015, light.shape),
        "another picture": lambda: light[drawn.permutation(len(light))],
    }
    apart_s = np.arange(len(pictures), dtype=np.float64)  # a second each: no motion is seen
    before = encode(apart_s, pictures).values
    print(f"\ncosine before and after, {len(pictures)} pictures: mean, deviation")
    for name, change in changes.items():
        after = encode(apart_s, np.rint(np.clip(change(), 0, 1) * 255).astype(np.uint8)).values
        lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
        cosines = (before * after).sum(axis=1) / lengths
        print(f"  {name:26} {cosines.mean():.4f}  {cosines.std():.4f}")


def costs(media: Path, clips: dict[str, Clip]) -> None:
    """Processor time of both encoders and of the curve."""
    print("\ncosts")
    for name in ("edited/bbb_trailer_moviepy.mp4", "uncut/motorway_5994.mp4"):
        clip = clips[name]
        encode_s = best_of(3, lambda clip=clip: encode(clip.times_s, clip.pictures))
        each_ms, share = 1000 * encode_s / len(clip.times_s), encode_s / clip.decode_s
        print(f"  pixel     {each_ms:.3f} ms a picture, {share:.1%} of decoding {name}")
    samples, rate_hz = soundfile.read(media / "music" / "nutcracker.ogg", dtype="float32")
    length_s = len(samples) / rate_hz
    features = spectral.encode(samples, rate_hz)
    encode_s = best_of(3, lambda: spectral.encode(samples, rate_hz))
    curve_s = best_of(3, lambda: curves.event_curve(features, length_s, rate_hz=LATENT_RATE_HZ))
    print(f"  spectral  {length_s / encode_s:.0f} x real time, stereo at {rate_hz} Hz")
    print(f"  curve     {length_s / curve_s:.0f} x real time")


def best_of(count: int, work: Callable[[], object]) -> float:
    """Least processor time of some runs."""
    taken = []
    for _ in range(count):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def plot(media: Path, clips: dict[str, Clip], path: Path) -> None:
    """Every curve, one below the other."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn = {name: curve_at(clip) for name, clip in clips.items()}
    for name in MUSIC:
        samples, rate_hz = soundfile.read(media / "music" / name, dtype="float32")
        drawn[name] = curves.event_curve(
            spectral.encode(samples, rate_hz), len(samples) / rate_hz, rate_hz=LATENT_RATE_HZ
        )
    figure, axes = pyplot.subplots(len(drawn), 1, figsize=(16, 2.2 * len(drawn)), layout="constrained")
    for axis, (name, curve) in zip(axes, drawn.items(), strict=True):
        axis.plot(curve.times_s, curve.values)
        axis.set_title(f"{name}: deviation {curve.values.std():.2f}", fontsize=9)
    figure.savefig(path, dpi=60)
    print(f"\n{path}")


if __name__ == "__main__":
    main()
