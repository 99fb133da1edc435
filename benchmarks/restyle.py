"""Restyles with the rhythm locked: what stays, whether the new words are heard, what it costs.

    python benchmarks/restyle.py [--restyles 6] [--takes 2] [--seconds 30] [--first 70] (full: --restyles 100)

Each restyle gives a take of real footage the words of another style and locks the rhythm. `kept` counts those
whose stems of drums and bass are the parent's, bit for bit; `onsets` those whose drums have every onset on
the same sample. `drift` is the largest distance in samples of any beat from where it was. `players` counts
those in which another instrument plays harmony, lead or extras, or other notes do; `under` is the true peak
of the loudest. Seconds are wall seconds of the library's verb on this machine as loaded as it is.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from footage import require_media
from retime import PROMPTS, scored

from v2m.audio import read_wav, true_peak_dbtp
from v2m.backbones import load_backbone
from v2m.backbones.base import RenewingBackbone
from v2m.metrics.heard import onset_strength
from v2m.opened_take import OpenedTake
from v2m.part_names import PART_NAMES, parts_of
from v2m.restyle import Restyling, restyle
from v2m.shelf import Shelf
from v2m.timebase import SAMPLE_RATE_HZ

_OTHERS = ("harmony", "lead", "extras")


@dataclass(frozen=True)
class Judged:
    """One restyle."""

    kept: bool
    onsets: bool
    drift: int
    is_other: bool
    peak_dbtp: float
    wall_s: float


def main() -> None:
    """Print one line a restyle, and the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--restyles", type=int, default=6)
    parser.add_argument("--takes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--first", type=int, default=70)
    arguments = parser.parse_args()
    require_media()
    backbone = load_backbone("sketch")
    judged = []
    with tempfile.TemporaryDirectory(prefix="v2m-restyle-") as folder:
        for number in range(arguments.takes):
            take = scored(Path(folder), arguments.first + number, arguments.seconds, backbone)
            for index in range(number, arguments.restyles, arguments.takes):
                words = PROMPTS[(arguments.first + number + 1 + index) % len(PROMPTS)]
                judged.append(restyled(take, words, index, Path(folder) / "other", backbone))
    count = len(judged)
    print(f"kept    {sum(each.kept for each in judged)}/{count}")
    print(f"onsets  {sum(each.onsets for each in judged)}/{count}")
    print(f"drift   {max(each.drift for each in judged)} samples at most")
    print(f"players {sum(each.is_other for each in judged)}/{count}")
    print(f"under   {max(each.peak_dbtp for each in judged):.2f} dBTP")
    print(f"seconds median {np.median([each.wall_s for each in judged]):.2f}")


def restyled(take: OpenedTake, words: str, seed: int, folder: Path, backbone: RenewingBackbone) -> Judged:
    """Restyle once and look at what came of it."""
    began = time.perf_counter()
    fresh = OpenedTake(take.folder, take.record, take.latents)
    with Shelf(folder, overwrite=True) as shelf:
        made = restyle(
            fresh, Restyling(prompt=words, locked=parts_of(["rhythm"]), seed=seed), shelf=shelf, stem="other",
            backbone=backbone,
        )  # fmt: skip
    wall_s = time.perf_counter() - began
    other = OpenedTake.read(made.folder)
    result = Judged(
        kept=all(stem(take, part) == stem(other, part) for part in PART_NAMES["rhythm"]),
        onsets=np.array_equal(onsets(take), onsets(other)),
        drift=drift(take, other),
        is_other=any(stem(take, part) != stem(other, part) for part in _OTHERS),
        peak_dbtp=true_peak_dbtp(read_wav(made.wav)),
        wall_s=wall_s,
    )
    print(f"{take.name} {take.record.prompt!r} -> {words!r}: {result}")
    shutil.rmtree(folder)
    return result


def stem(take: OpenedTake, part: str) -> bytes:
    """The bytes of a stem; none where it is silent."""
    path = take.folder / "stems" / f"{part}.wav"
    return path.read_bytes() if path.is_file() else b""


def onsets(take: OpenedTake) -> np.ndarray:
    """Where the drums' onset strength peaks, in hops."""
    path = take.folder / "stems" / "drums.wav"
    if not path.is_file():
        return np.zeros(0)
    strength = onset_strength(read_wav(path).mean(axis=1), SAMPLE_RATE_HZ)
    inner = strength[1:-1]
    return np.flatnonzero((inner > strength[:-2]) & (inner >= strength[2:]) & (inner > 0.1 * strength.max()))


def drift(take: OpenedTake, other: OpenedTake) -> int:
    """The largest shift of a beat in samples."""
    was, now = (np.array(each.record.tempo_map.beats_s) for each in (take, other))
    return round(float(np.abs(was - now).max()) * SAMPLE_RATE_HZ) if len(was) == len(now) else -1


if __name__ == "__main__":
    main()
