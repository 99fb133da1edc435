"""Does `sketch` follow the curve, and what does smoothing cost? Table 6 and figure 4 of the paper, in small.

    python benchmarks/ablation.py --start TEXT-TO-MUSIC.safetensors --corpus DIR --out DIR
        [--ablation FILE] [--arms NAME ...] [--steps N] [--batch N] [--pieces N] [--first N] [--cases N]
        [--threads N] [--seed N] [--adherence X] [--beside WEIGHTS] [--footage]

From the same text-to-music weights each arm of the ablation (`training/ablations/kernel.toml`) fine-tunes
the curve stage on the same pieces, with curves of its own smoothing. Then each composes the same cases: a
style, a steady click, a curve of cuts on random beats (3 to 8 apart) or of real footage (`ablation_wanted`)
smoothed as in its training, the same words and noise. `text only` is the model before, without a curve;
`beside` are weights that are trained already, on curves of 0.7 s. What was stopped goes on.

    r          correlation of the sound's event curve (0.7 s in all arms) with that asked for (chance 0)
    hits       share of cuts within 0.1 s of one of the music's strongest changes, as many as there are cuts
    sch        the paper's: share of cuts within 0.1 s of a beat that librosa tracks. The click is steady and
               cuts on beats are on its beats, so words alone reach much of it
    chance     of hits: the same with the cuts moved on, those on beats by whole beats
    distances  Fréchet distances to the training music (`ablation_closeness`), smaller is closer; 95 percent
               confidence by the jackknife. `learned from` are as many pieces that it learned from

Before, for each arm, is told how unlike the curves that it learned from those asked for are. Means over the
cases with 95 percent confidence; p of a paired t test against text only, corrected for the number of rows
(Holm). At the end: how hits, SCH and the distances change from the first arm to the last, case by case;
with three arms or more, Page's test whether hits and SCH fall in the order of the arms.

Settled before the cases of seed 6 were judged, on the first 32 cases of seed 5 with the weights that ship:
the adherence is 0.5, at which the curve guides as hard as the words, as the paper's one guidance does; the
distance argued from is the score's, which told that adherence from none better than the sound's; the paper's
direction shows if the change of that distance lies below 0 with its whole interval. It does not. With footage
at adherence 1 the first 45 cases hinted at it in the sound, within its interval; 200 from case 100 on were
judged for that alone.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from ablation_closeness import KINDS, Closeness, Distance, Likeness, written
from ablation_corpus import learned_curves, reference, sharp_corpus, smoothed_corpus
from ablation_heard import Heard, keep, kept_at, measured
from ablation_wanted import Wanted, cut_from_footage, cut_on_beats
from following import DURATION_S, draw_case
from numpy.typing import NDArray
from scipy import stats
from two_samples import distance
from v2m_training.config import RunConfig, StageConfig
from v2m_training.fit.ablation import Ablation, Arm
from v2m_training.quick_sound import RATE_HZ, QuickPlayer
from v2m_training.settings import read_settings
from v2m_training.train import train_stage

from v2m.backbones.base import Commission
from v2m.backbones.sketch import Sketch
from v2m.curves import DEFAULT_KERNEL_S
from v2m.encoders import spectral
from v2m.metrics.paired import holm, paired_test
from v2m.model.checkpoint import load_checkpoint, save_checkpoint, weights_hash
from v2m.model.dit import add_curve_channel
from v2m.prompt.words import read_prompt
from v2m.stages import never_cancel

KERNELS = Path(__file__).resolve().parent.parent / "training" / "ablations" / "kernel.toml"

TEXT_ONLY = "text only"
BESIDE = "beside"
MEASURES = ("r", "hits", "sch")


def train_arm(arm: Arm, options: argparse.Namespace) -> Path:
    """The curve stage of one arm; its weights."""
    if len(arm.curve.kernels_s) != 1 or arm.curve.encoder != spectral.NAME:
        raise SystemExit(f"{arm.name}: sketch has one curve, of the encoder {spectral.NAME}.")
    folder = options.out / arm.folder
    smoothed_corpus(options.out / "sharp", folder / "corpus" / "curve", arm.curve.kernels_s[0])
    (folder / "run").mkdir(parents=True, exist_ok=True)
    start = folder / "run" / "text-to-music.safetensors"
    if not start.is_file():
        shutil.copyfile(options.start, start)
    stage = StageConfig(
        steps=options.steps, batch_size=options.batch, learning_rate=6e-4, warmup_steps=30,
        ema_decay=0.99, curve_dropout=arm.curve_dropout,
    )  # fmt: skip
    run = RunConfig(
        corpus_dir=folder / "corpus", out_dir=folder / "run", seed=options.seed, threads=options.threads,
        save_every=50, validate_every=10**9, validation_pieces=16, curve=stage,
    )  # fmt: skip
    return train_stage(run, "curve")


def _with_column(options: argparse.Namespace) -> Path:
    """The weights before any arm, with a column of zeros: the same model to the last bit."""
    path = Path(options.out / TEXT_ONLY / "run" / "start.safetensors")
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    start = load_checkpoint(options.start)
    save_checkpoint(path, add_curve_channel(start.model), start.notes, torch.float32)
    return path


def listen(
    weights: Path, folder: Path, kernel_s: float, cases: Sequence[Wanted], adherence: float
) -> list[Heard]:
    """Compose the cases with some weights, following curves smoothed so, and measure.

    What was heard is kept in the folder, and is not composed again.
    """
    backbone, player = Sketch(weights), QuickPlayer()
    results = []
    for i, wanted in enumerate(cases):
        case = wanted.case
        kept = (
            folder
            / f"heard {'footage ' * (wanted.pictures is not None)}{adherence} {weights_hash(weights)[:8]}"
        )
        path = kept / f"{case.seed}.safetensors"
        if not path.is_file():
            commission = Commission(
                brief=read_prompt(case.style), tempo_map=case.tempo_map, duration_s=Fraction(DURATION_S),
                curve=wanted.curve(kernel_s), hits=(), seeds=(case.seed,), adherence=adherence,
            )  # fmt: skip
            music = backbone.compose(commission, lambda fraction: None, never_cancel)[0]
            sound = player.play(music.arrangement, float(case.tempo_map.tempo_bpm[0]))
            keep(measured(sound[: DURATION_S * RATE_HZ], written(music.latents), wanted), path)
        results.append(kept_at(path))
        print(f"\r{folder.name}: {i + 1} of {len(cases)} ", end="", flush=True)
    print()
    return results


def print_gap(arm: Arm, out: Path, cases: Sequence[Wanted]) -> None:
    """How unlike the curves that an arm learned from the curves are that it is asked to follow."""
    kernel_s = arm.curve.kernels_s[0]
    learned = learned_curves(out / arm.folder / "corpus" / "curve")
    asked = np.concatenate([case.curve(kernel_s).values for case in cases])
    print(
        f"{arm.name}: the curves learned from deviate by {learned.std():.2f}, those asked for by "
        f"{asked.std():.2f}; distance of their values {distance(learned, asked):.2f} (Kolmogorov-Smirnov)"
    )


def print_table(results: dict[str, list[Heard]], training: Sequence[Likeness]) -> None:
    """A row an arm, with its tests against text only, and one of training music that is no reference."""
    base = results[TEXT_ONLY]
    rows = [name for name in results if name != TEXT_ONLY]
    corrected = {
        measure: dict(zip(rows, holm([_test(results[row], base, measure) for row in rows]), strict=True))
        for measure in MEASURES
    }
    print(f"n {len(base)} cases of {DURATION_S} s; distance to {len(training) - len(base)} pieces")
    heads = "".join(f"{measure:>15}{'p':>9}" for measure in MEASURES)
    print(f"{'':14}{heads}{'chance':>8}" + "".join(f"{f'{kind} distance':>20}" for kind in KINDS))
    distances = _Distances(training[len(base) :])
    for name, found in results.items():
        row = f"{name:14}"
        for measure in MEASURES:
            row += _mean(found, measure)
            row += f"{corrected[measure][name]:9.1e}" if name in rows else f"{'-':>9}"
        row += f"{_values(found, 'chance').mean():8.2f}"
        print(row + distances.told(name, [one.likeness for one in found]))
    print(f"{'learned from':{22 + 24 * len(MEASURES)}}" + distances.told("", training[: len(base)]))
    for name in rows:
        changes = (f"{kind} {distances.change(kind, TEXT_ONLY, name)}" for kind in KINDS)
        print(f"distances from {TEXT_ONLY} to {name}: " + ", ".join(changes))
    arms = [name for name in rows if name != BESIDE]
    if len(arms) > 1:
        _print_change(results, arms, distances)


class _Distances:
    """Distances of rows to the same pieces, of both kinds."""

    def __init__(self, training: Sequence[Likeness]) -> None:
        self._closeness = {kind: Closeness([getattr(one, kind) for one in training]) for kind in KINDS}
        self._found: dict[tuple[str, str], Distance] = {}

    def told(self, name: str, pieces: Sequence[Likeness]) -> str:
        """Measure a row; its cells."""
        cells = ""
        for kind, closeness in self._closeness.items():
            found = self._found[kind, name] = closeness([getattr(one, kind) for one in pieces])
            cells += f"{found.value:13.3f} ±{found.half_width:.3f}"
        return cells

    def change(self, kind: str, first: str, last: str) -> str:
        """From one row to another, over the same cases."""
        apart = self._found[kind, last] - self._found[kind, first]
        return f"{apart.value:+.3f} ±{apart.half_width:.3f}"


def _print_change(results: dict[str, list[Heard]], arms: Sequence[str], distances: _Distances) -> None:
    """Whether hits and SCH fall, and the distances with them, from the first arm to the last."""
    first, last = arms[0], arms[-1]
    for measure in ("hits", "sch"):
        change = paired_test(_values(results[last], measure), _values(results[first], measure))
        line = f"{measure} from {first} to {last}: {change.mean_difference:+.2f} "
        line += f"({change.low:+.2f} to {change.high:+.2f}), p {change.p:.1e}"
        if len(arms) > 2:
            table = np.stack([_values(results[name], measure) for name in arms[::-1]], axis=1)
            line += f"; falls from arm to arm: p {stats.page_trend_test(table).pvalue:.1e} (Page)"
        print(line)
    for kind in KINDS:
        print(f"{kind} distance from {first} to {last}: {distances.change(kind, first, last)}")


def _values(found: Sequence[Heard], measure: str) -> NDArray[np.float64]:
    return np.array([getattr(one, measure) for one in found], dtype=np.float64)


def _test(found: Sequence[Heard], base: Sequence[Heard], measure: str) -> float:
    return paired_test(_values(found, measure), _values(base, measure)).p


def _mean(found: Sequence[Heard], measure: str) -> str:
    values = _values(found, measure)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():9.2f} ±{half:.2f}"


def main() -> None:
    """Train the arms, compose, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--start", type=Path, required=True, help="text-to-music weights")
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the curve stage's corpus")
    parser.add_argument("--out", type=Path, required=True, help="what is made is kept here")
    parser.add_argument("--ablation", type=Path, default=KERNELS)
    parser.add_argument("--beside", type=Path, help="weights for a row beside the arms")
    parser.add_argument("--arms", nargs="+", help="names of those to train; all of the file without it")
    for name, value in {
        "steps": 220,
        "batch": 32,
        "pieces": 700,
        "cases": 80,
        "first": 0,
        "threads": 1,
        "seed": 6,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--footage", action="store_true", help="curves of real footage, not of cuts on beats")
    parser.add_argument("--adherence", type=float, default=0.5, help="to the curve, 0 to 1")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    ablation = read_settings(Ablation, options.ablation)
    arms = [arm for name in options.arms or (None,) for arm in ablation.chosen(name)]
    pieces = sharp_corpus(options.corpus, options.out / "sharp", options.pieces)
    print(f"{pieces} pieces to learn from, {options.steps} steps of {options.batch} excerpts an arm")
    wanted = cut_from_footage if options.footage else cut_on_beats
    cases = [
        wanted(draw_case(1000 * options.seed + index))
        for index in range(options.first, options.first + options.cases)
    ]
    trained = [(arm, train_arm(arm, options)) for arm in arms]
    for arm in arms:
        print_gap(arm, options.out, cases)
    with_column, adherence = _with_column(options), options.adherence
    results = {TEXT_ONLY: listen(with_column, options.out / TEXT_ONLY, DEFAULT_KERNEL_S, cases, 0.0)}
    if options.beside:
        folder = options.out / BESIDE
        results[BESIDE] = listen(options.beside, folder, DEFAULT_KERNEL_S, cases, adherence)
    for arm, weights in trained:
        kernel_s = arm.curve.kernels_s[0]
        results[arm.name] = listen(weights, options.out / arm.folder, kernel_s, cases, adherence)
    print_table(results, reference(options.out / "sharp"))


if __name__ == "__main__":
    main()
