"""Scene Cut Hit on real footage cut at random, against the same music at a constant tempo.

    python benchmarks/sch.py [--timelines 12] [--first 36] [--seconds 32] [--takes 1] [--steps N]

Each timeline is scored once (`benchmarks/footage.py` cuts it; the styles take turns), or in several takes as
`v2m score --takes` makes them: the row is then about the best, and `first` is the SCH of the first. The
first take's composition is played on a steady click at the plan's own nominal tempo too, without accents on
the hits. The judge is librosa's beat tracker on the mastered sound, as in the paper; it knows nothing of our
plan. `plan` is the same share for the beats as planned. Beside SCH at +-100 ms stand its chance level, min(1,
2·tolerance·beats/duration), and the share of cuts with an onset within one frame, with the chance of that
(the same onsets against the cuts shifted by 37 random offsets). Timelines 0-35 chose settings of the planner
and the accents; those from 36 on chose none, and judge.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import librosa
import numpy as np
from footage import random_timeline, require_media
from numpy.typing import NDArray
from v2m_otio.read import read_document

from v2m.analysis import Analysis, analyze
from v2m.audio import MasterSettings, read_wav
from v2m.backbones import load_backbone
from v2m.backbones.base import Backbone, Commission
from v2m.codecs.arrangement import Arrangement
from v2m.codecs.pulse import mark_beats
from v2m.codecs.synth import ScoreSynth
from v2m.metrics.heard import hit_errors_s
from v2m.metrics.sch import SCH, scene_cut_hit
from v2m.performance import perform
from v2m.piece import accented, programme_of
from v2m.plan import TempoWish, plan_takes, sch_of_beats
from v2m.prompt.words import Brief, read_prompt
from v2m.stages import never_cancel
from v2m.tempo import Plan, TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

PROMPTS = (
    "rock, energetic",
    "lo-fi, calm",
    "trailer, epic, strings and brass",
    "house, happy",
    "cinematic, hopeful",
    "funk",
    "synthwave, nostalgic",
    "hip-hop",
    "orchestral, epic",
    "techno, dark",
    "folk, happy",
    "jazz",
)
TOLERANCE_S = 0.1
SHIFTS = 37


@dataclass(frozen=True)
class Judged:
    """One rendering as the judge heard it."""

    sch: SCH
    onsets: float
    onset_chance: float
    beats_s: NDArray[np.float64]


def judge(wav: Path, cuts_s: list[float], analysis: Analysis) -> Judged:
    """Beats tracked by librosa, and onsets at the cuts."""
    duration_s = float(analysis.timeline.duration_s)
    samples = read_wav(wav)
    mono = librosa.resample(samples.mean(axis=1), orig_sr=SAMPLE_RATE_HZ, target_sr=22050)
    _, beats_s = librosa.beat.beat_track(y=mono, sr=22050, units="time")
    frame_s = float(1 / analysis.timeline.rate)
    shifted = [at for at in _shifted(cuts_s, duration_s) if 0.2 < at < duration_s - 0.2]
    return Judged(
        scene_cut_hit(cuts_s, beats_s, duration_s, TOLERANCE_S),
        _within(samples, cuts_s, frame_s),
        _within(samples, shifted, frame_s),
        beats_s,
    )


def _lag_s(tracked_s: NDArray[np.float64], planned_s: NDArray[np.float64]) -> float:
    """How long after the planned beats the judge hears them, where it hears them at all."""
    late_s = tracked_s[:, None] - planned_s
    nearest_s = late_s[np.arange(len(late_s)), np.abs(late_s).argmin(axis=1)]
    return float(nearest_s[np.abs(nearest_s) < TOLERANCE_S].mean())


def _shifted(cuts_s: list[float], duration_s: float) -> list[float]:
    rng = random.Random(0)  # noqa: S311 - the same shifts each time
    return [(cut + rng.uniform(0.5, duration_s - 0.5)) % duration_s for _ in range(SHIFTS) for cut in cuts_s]


def _within(samples: NDArray[np.float32], times_s: list[float], frame_s: float) -> float:
    errors = hit_errors_s(samples, SAMPLE_RATE_HZ, times_s)
    return sum(error is not None and abs(error) <= frame_s for error in errors) / len(errors)


def render(
    folder: Path, arrangement: Arrangement, tempo_map: TempoMap, analysis: Analysis, plan: Plan
) -> Path:
    """Play into a folder; returns the music."""
    folder.mkdir()
    programme = programme_of(analysis.timeline.duration_s, arrangement, plan.tempo_map)
    perform(
        folder, arrangement, tempo_map, programme,
        synth=ScoreSynth(), settings=MasterSettings(), cancel=never_cancel,
    )  # fmt: skip
    return folder / "music.wav"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--timelines", type=int, default=12)
    parser.add_argument(
        "--first", type=int, default=36, help="number of the first: below 36 some chose settings"
    )
    parser.add_argument("--seconds", type=float, default=32.0)
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--steps", type=int)
    arguments = parser.parse_args()
    require_media()
    print(
        "timeline  cuts  bpm      plan   first  SCH    chance | constant  chance | onset@cut  chance | step%"
        "  wall_s"
    )
    rows = [
        run_one(index, arguments) for index in range(arguments.first, arguments.first + arguments.timelines)
    ]
    mean = np.array(rows).mean(axis=0)
    cuts = int(np.array(rows)[:, 0].sum())
    print(
        f"mean of {len(rows)} timelines, {cuts} cuts, {arguments.takes} take(s): SCH {mean[1]:.3f} "
        f"(chance {mean[2]:.3f}), first takes {mean[8]:.3f} (chance {mean[9]:.3f}); "
        f"constant tempo {mean[3]:.3f} (chance {mean[4]:.3f}); "
        f"onset within a frame {mean[5]:.3f} (chance {mean[6]:.3f}); "
        f"beats are tracked {1000 * mean[7]:.0f} ms after they were planned"
    )


def run_one(index: int, arguments: argparse.Namespace) -> tuple[float, ...]:
    """One timeline: print its row and return its numbers."""
    backbone = load_backbone("sketch")
    brief = read_prompt(PROMPTS[index % len(PROMPTS)])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        document = read_document(random_timeline(folder / "cut.otio", 100 + index, arguments.seconds))
        analysis = analyze(document.timeline)
        plans = plan_takes(analysis, brief, TempoWish(), arguments.takes)
        began = time.perf_counter()
        takes = [
            (compose(backbone, analysis, brief, plan, 1000 * index + take, arguments.steps), plan)
            for take, plan in zip(range(arguments.takes), cycle(plans), strict=False)
        ]
        compose_s = time.perf_counter() - began
        cuts_s = [float(cut.time_s) for cut in analysis.timeline.cuts]
        judged = [
            judge(_rendered(folder / f"take-{take}", music, analysis, plan), cuts_s, analysis)
            for take, (music, plan) in enumerate(takes)
        ]
        best = max(range(len(takes)), key=lambda take: judged[take].sch.value or 0.0)
        ours, plan = judged[best], takes[best][1]
        steady = TempoMap.steady(plans[0].nominal_bpm, float(analysis.timeline.duration_s) + 4)
        plain = render(folder / "plain", mark_beats(takes[0][0]), steady, analysis, plans[0])
        constant = judge(plain, cuts_s, analysis)
    slow, fast = plan.tempo_map.tempo_bpm
    step = 100 * plan.tempo_map.largest_step
    planned = sch_of_beats(analysis, plan.tempo_map.beats_s).value or 0.0
    value, baseline = ours.sch.value or 0.0, constant.sch.value or 0.0
    print(
        f"{index:8d} {len(cuts_s):5d}  {slow:3.0f}-{fast:3.0f}  {planned:.3f}  "
        f"{judged[0].sch.value or 0.0:.3f}  {value:.3f}  {ours.sch.chance:.3f}  | "
        f"{baseline:8.3f}  {constant.sch.chance:.3f}  | {ours.onsets:9.3f}  {ours.onset_chance:.3f}  | "
        f"{step:.1f}  {compose_s:.1f}  {brief.text}",
        flush=True,
    )
    return (
        len(cuts_s), value, ours.sch.chance, baseline, constant.sch.chance, ours.onsets, ours.onset_chance,
        _lag_s(ours.beats_s, np.array(plan.tempo_map.beats_s)),
        judged[0].sch.value or 0.0, judged[0].sch.chance,
    )  # fmt: skip


def compose(
    backbone: Backbone, analysis: Analysis, brief: Brief, plan: Plan, seed: int, steps: int | None
) -> Arrangement:
    """One take's music."""
    commission = Commission(
        brief=brief, tempo_map=plan.tempo_map, duration_s=analysis.timeline.duration_s,
        curve=analysis.curve, hits=analysis.hits, seeds=(seed,), steps=steps,
    )  # fmt: skip
    return backbone.compose(commission, lambda fraction: None, never_cancel)[0].arrangement


def _rendered(folder: Path, music: Arrangement, analysis: Analysis, plan: Plan) -> Path:
    return render(folder, accented(music, analysis.hits, plan.tempo_map), plan.tempo_map, analysis, plan)


if __name__ == "__main__":
    main()
