"""Does the embedded model follow the curve, and is what it writes music?

    python benchmarks/following.py [--cases 16] [--steps N]

Each case is a style, a tempo of that style, 32 s on a steady click, and events at random beats (3 to 8 beats
apart, seeded). The model composes with the curve of these events at several adherences, with the same seed
and words; 0 is the peer, text alone. Nothing else marks the events: hits get no accents here.

    accent    energy of attacks on event beats over that on the other beats (1: no difference)
    r         correlation of the event curve of the resulting sound with the curve asked for (chance 0)
    p         one-sided paired Wilcoxon test against adherence 0, over the cases

Music: share of notes in the best of the 12 major scales (chance: the same for as many random pitch classes),
parts that sound, notes a beat, bars without a note. The same figures for newly composed training pieces
stand beside as the peer.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import stats
from v2m_training.compose import compose

from v2m.audio import mix
from v2m.backbones import load_backbone
from v2m.backbones.base import Backbone, Commission, Composition
from v2m.codecs.arrangement import Arrangement
from v2m.codecs.synth import ScoreSynth
from v2m.curves import EventCurve, curve_from_cuts, event_curve
from v2m.encoders import spectral
from v2m.prompt.words import STYLE_BPM, read_prompt
from v2m.stages import never_cancel
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ
from v2m.timeline import Cut

ADHERENCES = (0.0, 0.25, 0.5, 1.0)
DURATION_S = 32
MAJOR = frozenset((0, 2, 4, 5, 7, 9, 11))


@dataclass(frozen=True)
class Case:
    """One job: a style on a click, with events on beats."""

    style: str
    seed: int
    tempo_map: TempoMap
    events: tuple[int, ...]
    """Beats."""

    @property
    def curve(self) -> EventCurve:
        """The curve of the events alone."""
        cuts = [Cut(Fraction(self.tempo_map.beats_s[beat])) for beat in self.events]
        return curve_from_cuts(cuts, DURATION_S, rate_hz=25.0)


def draw_case(index: int) -> Case:
    """Styles take turns; tempo and events are drawn by the index."""
    rng = random.Random(index)  # noqa: S311 - a benchmark wants the same cases again
    style = sorted(STYLE_BPM)[index % len(STYLE_BPM)]
    tempo_map = TempoMap.steady(rng.uniform(*STYLE_BPM[style]), DURATION_S)
    events, beat = [], rng.randint(3, 8)
    while beat < len(tempo_map.beats_s) - 4:
        events.append(beat)
        beat += rng.randint(3, 8)
    return Case(style, 7000 + index, tempo_map, tuple(events))


def compose_case(backbone: Backbone, case: Case, adherence: float, steps: int | None) -> Composition:
    """What the model writes for a case."""
    commission = Commission(
        brief=read_prompt(case.style), tempo_map=case.tempo_map, duration_s=Fraction(DURATION_S),
        curve=case.curve, hits=(), seeds=(case.seed,), adherence=adherence, steps=steps,
    )  # fmt: skip
    return backbone.compose(commission, lambda fraction: None, never_cancel)[0]


def accent_ratio(arrangement: Arrangement, events: tuple[int, ...]) -> float:
    """Attack energy on event beats over that on the other beats."""
    energy = np.zeros(arrangement.beat_count)
    for note in arrangement.notes:
        beat = round(note.start_beat)
        if abs(note.start_beat - beat) < 0.125 and beat < len(energy):
            energy[beat] += (note.velocity / 127) ** 2
    marked = np.zeros(len(energy), bool)
    marked[list(events)] = True
    return float(energy[marked].mean() / max(energy[~marked].mean(), 1e-9))


def correlation(arrangement: Arrangement, case: Case, synth: ScoreSynth) -> float:
    """How the sound's own event curve runs with the one asked for."""
    stems = synth.render(arrangement, case.tempo_map, sample_count=DURATION_S * SAMPLE_RATE_HZ)
    if not stems:
        return 0.0
    heard = event_curve(spectral.encode(mix(stems), SAMPLE_RATE_HZ), DURATION_S, rate_hz=25.0)
    return float(np.corrcoef(heard.values, case.curve.values)[0, 1])


def music_figures(arrangement: Arrangement) -> tuple[float, float, float, float]:
    """In scale, parts, notes a beat, empty bars."""
    pitched = [note.pitch % 12 for note in arrangement.notes if note.part != "drums"]
    bars = arrangement.beat_count // arrangement.beats_per_bar
    filled = {int(note.start_beat // arrangement.beats_per_bar) for note in arrangement.notes}
    return (
        in_scale(pitched),
        float(len({note.part for note in arrangement.notes})),
        len(arrangement.notes) / arrangement.beat_count,
        1 - len([bar for bar in filled if bar < bars]) / max(bars, 1),
    )


def in_scale(pitch_classes: list[int]) -> float:
    """Share of notes in the best major scale (its modes share it)."""
    if not pitch_classes:
        return 1.0
    counts = np.bincount(pitch_classes, minlength=12)
    return float(max(sum(counts[(t + p) % 12] for p in MAJOR) for t in range(12)) / counts.sum())


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--steps", type=int)
    arguments = parser.parse_args()
    backbone, synth = load_backbone("sketch"), ScoreSynth()
    cases = [draw_case(index) for index in range(arguments.cases)]
    accents, correlations, figures = {}, {}, {}
    for adherence in ADHERENCES:
        pieces = [compose_case(backbone, case, adherence, arguments.steps).arrangement for case in cases]
        pairs = list(zip(pieces, cases, strict=True))
        accents[adherence] = [accent_ratio(piece, case.events) for piece, case in pairs]
        correlations[adherence] = [correlation(piece, case, synth) for piece, case in pairs]
        figures[f"adherence {adherence}"] = [music_figures(piece) for piece in pieces]
    figures["training pieces"] = [music_figures(compose(90_000 + i).arrangement) for i in range(64)]
    print_following(accents, correlations)
    print_music(figures)


def print_following(accents: dict[float, list[float]], correlations: dict[float, list[float]]) -> None:
    """Medians and tests, adherence by adherence."""
    n = len(accents[0.0])
    print(f"{n} cases of {DURATION_S} s    accent        p        r        p")
    for adherence in ADHERENCES:
        row = [f"adherence {adherence:<4}"]
        for values in (accents, correlations):
            p = (
                stats.wilcoxon(values[adherence], values[0.0], alternative="greater").pvalue
                if adherence
                else 1
            )
            row.append(f"{np.median(values[adherence]):8.2f} {p:8.4f}")
        print("            ".join(row))


def print_music(figures: dict[str, list[tuple[float, float, float, float]]]) -> None:
    """Means of the music's figures."""
    rng = np.random.default_rng(0)
    chance = np.mean([in_scale(rng.integers(0, 12, 200).tolist()) for _ in range(50)])
    print(f"\n{'':20}in scale   parts  notes/beat  empty bars   (in scale by chance {chance:.2f})")
    for name, rows in figures.items():
        scale, parts, notes, empty = np.mean(rows, axis=0)
        print(f"{name:20}{scale:8.3f}{parts:8.2f}{notes:12.2f}{empty:12.3f}")


if __name__ == "__main__":
    main()
