"""Restyles with the rhythm locked: what stays, whether the new words are heard, what it costs.

    python benchmarks/restyle.py [--restyles 6] [--takes 2] [--seconds 30] [--first 70] (full: --restyles 100)

Each restyle gives a take of real footage another style for its words and locks the rhythm. `kept` counts
those whose stems of drums and bass are the parent's, bit for bit; `onsets` those whose drums have every onset
on the same sample; `drift` is the largest distance in samples of any beat from where it was. `style` is the
share that a judge takes for the style that was asked for, beside that of the takes as they were, and `nearer`
counts those to which it gives that style more than before; it learned on composed pieces without drums and
bass (`genre.py`), and `unseen` is how often it is right about others of those. `under` is the true peak of
the loudest. Seconds are of the library's verb, on this machine as loaded as it is; CPU seconds are all its
threads'.
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
from genre import CHANCE, GenreJudge, accuracy, composed_example, from_downbeat, learn
from retime import scored
from v2m_training.compose import STYLE_NAMES

from v2m.audio import read_wav, true_peak_dbtp
from v2m.backbones import load_backbone
from v2m.backbones.base import RenewingBackbone
from v2m.codecs.arrangement import PARTS, Arrangement
from v2m.codecs.parts import only_parts
from v2m.metrics.heard import onset_strength
from v2m.part_names import PART_NAMES, parts_of
from v2m.restyle import Restyling, restyle
from v2m.take.opened import OpenedTake
from v2m.take.shelf import Shelf
from v2m.timebase import SAMPLE_RATE_HZ

LEARNED_FROM, TRIED_ON = 24, 6
"""Pieces of each style."""

FIRST_SEED = 3_000_000
"""No corpus begins with it."""


@dataclass(frozen=True)
class Judged:
    """One restyle."""

    kept: bool
    onsets: bool
    drift: int
    styles: tuple[bool, bool]
    """Taken for the style that was asked for: before, now."""

    is_nearer: bool

    peak_dbtp: float
    wall_s: float
    cpu_s: float


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
    judge, unseen = learned_judge()
    backbone = load_backbone("sketch")
    judged = []
    with tempfile.TemporaryDirectory(prefix="v2m-restyle-") as folder:
        for number in range(arguments.takes):
            take = scored(Path(folder), arguments.first + number, arguments.seconds, backbone)
            for index in range(number, arguments.restyles, arguments.takes):
                style = STYLE_NAMES[index % len(STYLE_NAMES)]
                judged.append(restyled(take, style, index, Path(folder) / "other", backbone, judge))
    count = len(judged)
    print(f"kept    {sum(each.kept for each in judged)}/{count}")
    print(f"onsets  {sum(each.onsets for each in judged)}/{count}")
    print(f"drift   {max(each.drift for each in judged)} samples at most")
    before, taken = (sum(each.styles[k] for each in judged) / count for k in (0, 1))
    print(f"style   {taken:.2f}, before {before:.2f} (chance {CHANCE:.2f}, unseen {unseen:.2f})")
    print(f"nearer  {sum(each.is_nearer for each in judged)}/{count}")
    print(f"under   {max(each.peak_dbtp for each in judged):.2f} dBTP")
    wall_s, cpu_s = (np.median([getattr(each, name) for each in judged]) for name in ("wall_s", "cpu_s"))
    print(f"seconds median {wall_s:.2f}, CPU {cpu_s:.2f}")


def learned_judge() -> tuple[GenreJudge, float]:
    """A judge of what is composed anew, and how often it is right about pieces that it never saw."""
    examples = [
        (others(music), bpm, style)
        for number in range(LEARNED_FROM + TRIED_ON)
        for music, bpm, style in (composed_example((FIRST_SEED + number, name)) for name in STYLE_NAMES)
    ]
    seen, unseen = examples[: LEARNED_FROM * len(STYLE_NAMES)], examples[LEARNED_FROM * len(STYLE_NAMES) :]
    judge = learn(seen, with_tempo=False)
    return judge, float(np.mean(accuracy(judge, unseen)))


def others(music: Arrangement) -> Arrangement:
    """The parts that are not locked."""
    return only_parts(music, set(PARTS) - set(PART_NAMES["rhythm"]))


def shares(take: OpenedTake, judge: GenreJudge) -> np.ndarray:
    """How likely a take is of each style, (k,)."""
    piece = take.piece_now
    music = from_downbeat(others(piece.played), piece.tempo_map.first_downbeat)
    return judge.shares([music], [0.0])[0]


def restyled(
    take: OpenedTake, style: str, seed: int, folder: Path, backbone: RenewingBackbone, judge: GenreJudge
) -> Judged:
    """Restyle once and look at what came of it."""
    began, cpu = time.perf_counter(), time.process_time()
    fresh = OpenedTake(take.folder, take.record, take.latents)
    with Shelf(folder, overwrite=True) as shelf:
        made = restyle(
            fresh, Restyling(prompt=style, locked=parts_of(["rhythm"]), seed=seed), shelf=shelf, stem="other",
            backbone=backbone,
        )  # fmt: skip
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    other = OpenedTake.read(made.folder)
    wanted, likely = STYLE_NAMES.index(style), [shares(each, judge) for each in (take, other)]
    result = Judged(
        kept=all(stem(take, part) == stem(other, part) for part in PART_NAMES["rhythm"]),
        onsets=np.array_equal(onsets(take), onsets(other)),
        drift=drift(take, other),
        styles=(bool(likely[0].argmax() == wanted), bool(likely[1].argmax() == wanted)),
        is_nearer=bool(likely[1][wanted] > likely[0][wanted]),
        peak_dbtp=true_peak_dbtp(read_wav(made.wav)),
        wall_s=wall_s,
        cpu_s=cpu_s,
    )
    print(f"{take.name} {take.record.prompt!r} -> {style!r}: {result}", flush=True)
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
