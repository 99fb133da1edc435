"""Does `sketch` follow the curve, and what does smoothing cost? Table 6 and figure 4 of the paper, in small.

    python benchmarks/ablation.py --start TEXT-TO-MUSIC.safetensors --corpus DIR --out DIR
        [--ablation FILE] [--steps N] [--batch N] [--pieces N] [--cases N] [--threads N] [--seed N]
        [--adherence X]

From the same text-to-music weights each arm of the ablation (`training/ablations/kernel.toml`) fine-tunes
the curve stage on the same pieces, with curves of its own smoothing. Then each composes the same cases: a
style, a steady click, a curve of cuts on random beats (3 to 8 apart) smoothed as in its training, the same
words and noise. `text only` is the model before, without a curve. Training goes on from where it was stopped.

    r          correlation of the sound's own event curve (0.7 s window in all arms) with the cuts' (chance 0)
    hits       share of cuts within 0.1 s of one of the music's strongest changes, as many as there are cuts
    chance     the same with the cuts moved on by whole beats, at which changes are more likely than elsewhere
    SCH        the paper's: share of cuts within 0.1 s of a beat that librosa tracks. The click is steady and
               the cuts are on its beats, so words alone reach it: it is told, not argued from
    closeness  Fréchet distance of the sound to that of the training music, in 32 principal directions of what
               a second sounds like; smaller is closer; 95 percent by drawing the pieces again

Means over the cases with 95 percent confidence; p of a paired t test against text only, corrected for the
number of arms (Holm). At the end: Page's test whether hits fall from arm to arm, in the order of the file,
and the slope of the distance over the arms, with its interval over draws of the same pieces.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from ablation_corpus import Vectors, heard, reference, sharp_corpus, smoothed_corpus
from following import DURATION_S, Case, draw_case
from numpy.typing import NDArray
from scipy import stats
from scipy.signal import find_peaks, resample_poly
from v2m_training.config import RunConfig, StageConfig
from v2m_training.fit.ablation import Ablation, Arm
from v2m_training.quick_sound import RATE_HZ, QuickPlayer
from v2m_training.settings import read_settings
from v2m_training.train import train_stage

from v2m.backbones.base import Commission
from v2m.backbones.sketch import Sketch
from v2m.curves import curve_from_cuts, event_curve
from v2m.encoders import spectral
from v2m.metrics.beats import RATE_HZ as BEATS_RATE_HZ
from v2m.metrics.beats import track_beats
from v2m.metrics.frechet import Gaussian, frechet_distance
from v2m.metrics.paired import holm, paired_test
from v2m.metrics.sch import PAPER_TOLERANCE_S, scene_cut_hit
from v2m.model.checkpoint import load_checkpoint, save_checkpoint
from v2m.model.dit import add_curve_channel
from v2m.prompt.words import read_prompt
from v2m.stages import never_cancel
from v2m.timeline import Cut

KERNELS = Path(__file__).resolve().parent.parent / "training" / "ablations" / "kernel.toml"

CURVE_RATE_HZ = 25.0
PEAK_KERNEL_S = 0.25
"""Sharp enough that a peak lies within 0.1 s of its change, and joins the notes of one chord."""

PEAK_DISTANCE_S = 0.5
DIRECTIONS = 32
DRAWS = 200
SHIFTS = 20
TEXT_ONLY = "text only"


@dataclass(frozen=True)
class Heard:
    """What was measured of one case."""

    r: float
    hits: float
    chance: float
    sch: float
    vectors: Vectors


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
        steps=options.steps, batch_size=options.batch, learning_rate=6e-4, warmup_steps=20, ema_decay=0.98,
        curve_dropout=arm.curve_dropout,
    )  # fmt: skip
    run = RunConfig(
        corpus_dir=folder / "corpus", out_dir=folder / "run", seed=options.seed, threads=options.threads,
        save_every=50, validate_every=10**9, validation_pieces=16, curve=stage,
    )  # fmt: skip
    return train_stage(run, "curve")


def _with_column(options: argparse.Namespace) -> Path:
    """The weights before any arm, with a column of zeros: the same model to the last bit."""
    path = Path(options.out / "text only" / "run" / "start.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    start = load_checkpoint(options.start)
    save_checkpoint(path, add_curve_channel(start.model), start.notes, torch.float32)
    return path


def listen(weights: Path, kernel_s: float | None, cases: Sequence[Case], adherence: float) -> list[Heard]:
    """Compose the cases with some weights, following cuts smoothed so, or words alone, and measure."""
    backbone, player = Sketch(weights), QuickPlayer()
    results = []
    for i, case in enumerate(cases):
        curve = curve_from_cuts(_cuts(case), DURATION_S, rate_hz=CURVE_RATE_HZ, kernel_s=kernel_s or 0.7)
        commission = Commission(
            brief=read_prompt(case.style), tempo_map=case.tempo_map, duration_s=Fraction(DURATION_S),
            curve=curve, hits=(), seeds=(case.seed,), adherence=adherence,
        )  # fmt: skip
        music = backbone.compose(commission, lambda fraction: None, never_cancel)[0].arrangement
        bpm = float(case.tempo_map.tempo_bpm[0])
        results.append(_measured(player.play(music, bpm)[: DURATION_S * RATE_HZ], case))
        print(f"\r{weights.parent.parent.name}: {i + 1} of {len(cases)} ", end="", flush=True)
    print()
    return results


def _cuts(case: Case) -> list[Cut]:
    return [Cut(Fraction(case.tempo_map.beats_s[beat])) for beat in case.events]


def _measured(sound: NDArray[np.float32], case: Case) -> Heard:
    features = spectral.encode(sound, RATE_HZ)
    cuts_s = [float(cut.time_s) for cut in _cuts(case)]
    own = event_curve(features, DURATION_S, rate_hz=CURVE_RATE_HZ).values
    r = float(np.corrcoef(own, case.curve.values)[0, 1]) if own.std() else 0.0
    changes_s = strongest_changes_s(features, len(cuts_s))
    chance = [_share(moved_s, changes_s) for moved_s in _moved(case)]
    mono = resample_poly(sound, BEATS_RATE_HZ, RATE_HZ).astype(np.float32)
    return Heard(
        r, _share(cuts_s, changes_s), float(np.mean(chance)), _share(cuts_s, track_beats(mono).times_s),
        heard(features.values),
    )  # fmt: skip


def _moved(case: Case) -> list[list[float]]:
    """The cuts moved on by whole beats, around the end to the beginning: off the beat nothing changes."""
    beats_s = [float(time_s) for time_s in case.tempo_map.beats_s if time_s < DURATION_S]
    shifts = np.linspace(1, len(beats_s) - 1, SHIFTS).astype(int)
    return [[beats_s[(beat + shift) % len(beats_s)] for beat in case.events] for shift in shifts]


def strongest_changes_s(features: spectral.Features, count: int) -> NDArray[np.float64]:
    """When the music changes most: the highest peaks of its own sharp curve."""
    rate_hz = 100.0
    curve = event_curve(features, DURATION_S, rate_hz=rate_hz, kernel_s=PEAK_KERNEL_S).values
    peaks, _ = find_peaks(curve, distance=round(PEAK_DISTANCE_S * rate_hz))
    highest = peaks[np.argsort(curve[peaks])[::-1][:count]]
    return np.sort(highest) / rate_hz


def _share(cuts_s: Sequence[float] | NDArray[np.float64], moments_s: NDArray[np.float64]) -> float:
    score = scene_cut_hit(cuts_s, moments_s, tolerance_s=PAPER_TOLERANCE_S, duration_s=DURATION_S)
    return score.value or 0.0


class Closeness:
    """The distance of pieces to the training music, which is the same for all arms."""

    def __init__(self, training: Sequence[Vectors]) -> None:
        rows = np.concatenate(training).astype(np.float64)
        self._mean = rows.mean(axis=0)
        self._directions = np.linalg.svd(rows - self._mean, full_matrices=False)[2][:DIRECTIONS].T
        self._reference = Gaussian.of(self._seen(rows))

    def _seen(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray((rows - self._mean) @ self._directions)

    def __call__(self, pieces: Sequence[Vectors]) -> tuple[float, NDArray[np.float64]]:
        """The distance, and distances of pieces drawn again: the same draws for any pieces of that number."""
        seen = [self._seen(piece) for piece in pieces]
        rng = np.random.default_rng(0)
        draws = [rng.integers(len(seen), size=len(seen)) for _ in range(DRAWS)]
        return self._distance(seen), np.array([self._distance([seen[i] for i in draw]) for draw in draws])

    def _distance(self, pieces: Sequence[NDArray[np.float64]]) -> float:
        return frechet_distance(Gaussian.of(np.concatenate(pieces)), self._reference)


def print_table(results: dict[str, list[Heard]], closeness: Closeness) -> None:
    """A row an arm, with its tests against text only."""
    base = results[TEXT_ONLY]
    arms = [name for name in results if name != TEXT_ONLY]
    corrected = {
        measure: dict(zip(arms, holm([_test(results[a], base, measure) for a in arms]), strict=True))
        for measure in ("r", "hits")
    }
    print(f"n {len(base)} cases of {DURATION_S} s")
    print(f"{'':14}{'r':>15}{'p':>9}{'hits':>15}{'p':>9}{'chance':>8}{'SCH':>7}{'closeness':>22}")
    drawn = {}
    for name, found in results.items():
        row = f"{name:14}"
        for measure in ("r", "hits"):
            row += _mean(found, measure)
            row += f"{corrected[measure][name]:9.1e}" if name in arms else f"{'-':>9}"
        distance, drawn[name] = closeness([one.vectors for one in found])
        low, high = np.percentile(drawn[name], [2.5, 97.5])
        row += f"{_values(found, 'chance').mean():8.2f}{_values(found, 'sch').mean():7.2f}"
        print(row + f"{f'{distance:.3f} ({low:.3f}-{high:.3f})':>22}")
    if len(arms) > 2:
        _print_trends(results, arms, drawn)


def _print_trends(
    results: dict[str, list[Heard]], arms: Sequence[str], drawn: dict[str, NDArray[np.float64]]
) -> None:
    """Whether hits fall, and the distance with them, from the first arm to the last."""
    table = np.stack([_values(results[name], "hits") for name in arms[::-1]], axis=1)
    print(f"hits fall from arm to arm: p {stats.page_trend_test(table).pvalue:.1e} (Page)")
    # the same pieces in each draw: what they have in common does not widen the interval
    slopes = np.polyfit(np.arange(len(arms)), np.stack([drawn[name] for name in arms]), 1)[0]
    low, high = np.percentile(slopes, [2.5, 97.5])
    print(f"distance changes from arm to arm by {slopes.mean():+.4f} ({low:+.4f} to {high:+.4f})")


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
    for name, value in {
        "steps": 150,
        "batch": 16,
        "pieces": 400,
        "cases": 28,
        "threads": 1,
        "seed": 5,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--adherence", type=float, default=0.5, help="to the curve, 0 to 1")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    arms = read_settings(Ablation, options.ablation).arms
    pieces = sharp_corpus(options.corpus, options.out / "sharp", options.pieces)
    print(f"{pieces} pieces to learn from, {options.steps} steps of {options.batch} excerpts an arm")
    cases = [draw_case(1000 * options.seed + index) for index in range(options.cases)]
    trained = [(arm, train_arm(arm, options)) for arm in arms]
    results = {TEXT_ONLY: listen(_with_column(options), None, cases, 0.0)}
    for arm, weights in trained:
        results[arm.name] = listen(weights, arm.curve.kernels_s[0], cases, options.adherence)
    print_table(results, Closeness(reference(options.out / "sharp")))


if __name__ == "__main__":
    main()
