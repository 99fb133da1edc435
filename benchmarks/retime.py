"""Random nudges over takes of real footage: what stays, what is heard, whether seams click, what it costs.

    python benchmarks/retime.py [--nudges 12] [--takes 2] [--seconds 60] [--first 60] [--no-report]

Each nudge moves one heavy hit of a take by a frame to two seconds, evenly on a logarithmic scale, either way
(in full: --nudges 200). `kept` counts nudges after which every sample of the music and all stems outside the
announced span is the parent's, bit for bit. `heard` counts moved hits with an onset within one frame, by
`v2m.metrics.heard`; by chance, those whose new time had one in the music as it was. `on beat` counts those
that a beat, or the middle of one, falls on. `seam` is the sharpest corner of the music at a seam (its second
difference), less what it is within 5 ms around and what it was there before, in dB of full scale; -inf: no
seam stands out. Seconds are of the library's verb with the models warm, on this machine as loaded as it is;
CPU seconds are all its threads'; `--no-report` leaves out what the page beside each take costs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from footage import random_timeline, require_media
from v2m_otio.read import read_document

from v2m.analysis import analyze
from v2m.audio import WavReader
from v2m.backbones import load_backbone
from v2m.backbones.base import RenewingBackbone
from v2m.codecs.synth import ScoreSynth
from v2m.hits import Hit
from v2m.metrics.heard import hit_errors_s
from v2m.retime import Retiming, plan_retime, retime
from v2m.retime.plan import MAX_BEND, Changed, RetimePlan
from v2m.score import ScoreSettings, score
from v2m.take.opened import OpenedTake
from v2m.take.shelf import Shelf
from v2m.tempo import TempoMap
from v2m.tempo.passing import REACH_S
from v2m.timebase import SAMPLE_RATE_HZ

PROMPTS = ("rock, energetic", "lo-fi, calm", "cinematic, hopeful", "house, happy", "orchestral, epic", "folk")
LONGEST_S = 2.0
AROUND = SAMPLE_RATE_HZ // 200


@dataclass(frozen=True)
class Judged:
    """One nudge."""

    kept: bool
    heard: bool
    by_chance: bool
    on_beat: bool
    seam_db: float
    composed: bool
    wall_s: float
    cpu_s: float


def main() -> None:
    """Print one line a nudge, and the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nudges", type=int, default=12)
    parser.add_argument("--takes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--first", type=int, default=60)
    parser.add_argument("--no-report", dest="report", action="store_false")
    arguments = parser.parse_args()
    require_media()
    judged: list[Judged] = []
    backbone = load_backbone("sketch")
    rng = random.Random(arguments.first)  # noqa: S311 - the same nudges again
    with tempfile.TemporaryDirectory(prefix="v2m-retime-") as folder:
        for number in range(arguments.takes):
            take = scored(Path(folder), arguments.first + number, arguments.seconds, backbone)
            synth = ScoreSynth(take.soundfont())
            share = len(range(number, arguments.nudges, arguments.takes))
            for _ in range(share):
                judged.append(nudge(take, Path(folder) / "again", rng, backbone, synth, arguments.report))
    report(judged)


def scored(folder: Path, seed: int, seconds: float, backbone: RenewingBackbone) -> OpenedTake:
    """A take of a timeline that is cut at random."""
    timeline = read_document(random_timeline(folder / f"{seed}.otio", seed, seconds)).timeline
    with Shelf(folder) as shelf:
        made = score(
            analyze(timeline), ScoreSettings(prompt=PROMPTS[seed % len(PROMPTS)], seed=seed),
            shelf=shelf, stem=str(seed), backbone=backbone,
        )  # fmt: skip
    return OpenedTake.read(made[0].folder)


def nudge(
    take: OpenedTake,
    folder: Path,
    rng: random.Random,
    backbone: RenewingBackbone,
    synth: ScoreSynth,
    with_report: bool = True,
) -> Judged:
    """Move one hit and look at what came of it."""
    hit, to_s = chosen(take, rng)
    hits = tuple(replace(each, time_s=to_s) if each.id == hit.id else each for each in take.record.hits)
    began, cpu = time.perf_counter(), time.process_time()
    fresh = OpenedTake(take.folder, take.record, take.latents)  # nothing is remembered of the nudge before
    plan = plan_retime(fresh.record.before, hits, fresh.record.duration_s)
    with Shelf(folder, overwrite=True) as shelf:
        made = retime(
            fresh, Retiming(plan, MAX_BEND, {}), shelf=shelf, stem="again", backbone=backbone, synth=synth,
            with_report=with_report,
        )  # fmt: skip
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    frame_s = float(1 / take.record.frame_rate)
    with WavReader(take.folder / "music.wav") as sound:
        chance = hit_errors_s(sound, SAMPLE_RATE_HZ, [float(to_s)])[0]
    error = made.record.metrics["hit_errors_s"][hit.id]
    result = Judged(
        kept=all(kept(take.folder / name, made.folder / name, plan) for name in names(take)),
        heard=error is not None and abs(error) <= frame_s,
        by_chance=chance is not None and abs(chance) <= frame_s,
        on_beat=on_beat(made.record.tempo_map, float(to_s)),
        seam_db=seam_db(take.folder / "music.wav", made.wav, plan),
        composed=any(placed.edit.renewal is not None for placed in plan.edits),
        wall_s=wall_s,
        cpu_s=cpu_s,
    )
    spans = ", ".join(f"{p.at / 48000:.1f}-{(p.at + p.length) / 48000:.1f}" for p in changed(plan))
    print(
        f"{take.name} {hit.id:12} {float(to_s - hit.time_s):+7.3f} s  span {spans:12}  {result}", flush=True
    )
    shutil.rmtree(folder)
    return result


def chosen(take: OpenedTake, rng: random.Random) -> tuple[Hit, Fraction]:
    """A heavy hit, and where it goes: on a frame, inside the programme, on no other hit."""
    record = take.record
    heavy = [hit for hit in record.hits if hit.weight >= 0.5 and hit.kind != "end"]
    frame_s = float(1 / record.frame_rate)
    while True:
        hit = rng.choice(heavy)
        moved_s = rng.choice((-1, 1)) * np.exp(rng.uniform(np.log(frame_s), np.log(LONGEST_S)))
        frames = round(moved_s * record.frame_rate) or 1
        to_s = hit.time_s + frames / record.frame_rate
        free = all(abs(other.time_s - to_s) > 2 * frame_s for other in record.hits)
        if free and 0.5 < to_s < record.duration_s - Fraction(1, 2):
            return hit, to_s


def names(take: OpenedTake) -> list[str]:
    """The sounds of a take."""
    return ["music.wav", *(f"stems/{path.name}" for path in (take.folder / "stems").iterdir())]


def changed(plan: RetimePlan) -> list[Changed]:
    """The announced spans."""
    return [piece for piece in plan.samples() if isinstance(piece, Changed)]


def kept(was: Path, now: Path, plan: RetimePlan) -> bool:
    """Whether all samples outside the announced spans are the same."""
    with WavReader(was) as one, WavReader(now) as other:
        same = (one[:] == other[:]).all(axis=1)
    for piece in changed(plan):
        same[piece.at : piece.at + piece.length] = True
    return bool(same.all())


def on_beat(tempo_map: TempoMap, time_s: float) -> bool:
    """Whether a beat, or the middle of one, lies at a time."""
    halves = np.round(2 * np.asarray(tempo_map.beat_at(time_s))) / 2
    return abs(float(tempo_map.time_s(halves)) - time_s) <= REACH_S


def seam_db(was: Path, now: Path, plan: RetimePlan) -> float:
    """How far the sharpest seam stands out of its surroundings, and of the music as it was there."""
    loudest = 0.0
    with WavReader(was) as before, WavReader(now) as sound:
        for seam in (at for piece in changed(plan) for at in (piece.at, piece.at + piece.length)):
            if AROUND < seam < len(sound) - AROUND:
                at_seam, around = curvature(sound, seam)
                loudest = max(loudest, at_seam - max(around, curvature(before, seam)[0]))
    return 20 * float(np.log10(loudest)) if loudest > 0 else -np.inf


def curvature(sound: WavReader, seam: int) -> tuple[float, float]:
    """The largest second difference at a seam, and within 5 ms of it."""
    near = np.abs(np.diff(sound[seam - AROUND : seam + AROUND].astype(np.float64), 2, axis=0)).max(axis=1)
    middle = slice(AROUND - 4, AROUND + 2)
    return float(near[middle].max()), float(np.delete(near, np.r_[middle]).max())


def report(judged: list[Judged]) -> None:
    """The shares."""
    count = len(judged)
    share = sum(each.heard for each in judged) / count
    chance = sum(each.by_chance for each in judged) / count
    bent = [each for each in judged if not each.composed]
    print(f"kept    {sum(each.kept for each in judged)}/{count}")
    print(f"heard   {share:.3f} (by chance {chance:.3f})")
    print(f"on beat {sum(each.on_beat for each in judged) / count:.3f}")
    print(f"seam    {max(each.seam_db for each in judged):.1f} dBFS at most")
    print(f"composed again in {count - len(bent)}/{count}")
    for what, some in (("all", judged), ("bent", bent)):
        if some:
            wall = np.median([each.wall_s for each in some])
            cpu = np.median([each.cpu_s for each in some])
            most = max(each.wall_s for each in some)
            print(f"seconds {what:5} median {wall:.2f}, CPU {cpu:.2f}, most {most:.2f}")


if __name__ == "__main__":
    main()
