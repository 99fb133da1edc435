"""Does the embedded model follow the curve, and do the words hold while it does?

    python benchmarks/following.py [--cases 32] [--workers N] [--seed N] [--steps N]

Each case is a style, a tempo of that style, 32 s on a steady click, and events at random beats (3 to 8 beats
apart, seeded). The model composes with the curve of these events at several adherences, on the same beats,
with the same seed and words; 0 is the peer, text alone. Nothing else marks the events: hits get no accents.

    accent    energy of attacks on event beats over that on the other beats (1: no difference)
    r         correlation of the event curve of the resulting sound with the curve asked for (chance 0)
    change    by how many dB loudness changes from the beat before an event to the beat after, more than at
              the other beats (chance 0)
    genre     share of pieces taken for their style by a judge that learned on composed pieces (`genre.py`)

Printed are medians over the cases, with the p of a one-sided paired Wilcoxon test against adherence 0; for
genre, of a two-sided McNemar test. Beneath: Page's trend test, whether the figure rises with the adherence.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from genre import CHANCE, accuracy, learned_judges
from numpy.typing import NDArray
from programmes import arguments_of, backbone, each
from scipy import stats
from shares import paired_p

from v2m.audio import mix
from v2m.backbones.base import Commission
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
MEASURES = ("accent", "r", "change")

_SILENCE = 1e-8
"""Power of -80 dB of full scale: changes below are not heard."""


@dataclass(frozen=True)
class Case:
    """One job: a style on a click, with events on beats."""

    style: str
    seed: int
    tempo_map: TempoMap
    events: tuple[int, ...]
    """Beats."""

    steps: int | None

    @property
    def curve(self) -> EventCurve:
        """The curve of the events alone."""
        cuts = [Cut(Fraction(self.tempo_map.beats_s[beat])) for beat in self.events]
        return curve_from_cuts(cuts, DURATION_S, rate_hz=25.0)


@dataclass(frozen=True)
class Followed:
    """What was measured of a case at one adherence."""

    music: Arrangement
    figures: tuple[float, float, float]
    """In the order of `MEASURES`."""


def draw_case(index: int, steps: int | None = None) -> Case:
    """Styles take turns; tempo and events are drawn by the index."""
    rng = random.Random(index)  # noqa: S311 - a benchmark wants the same cases again
    style = sorted(STYLE_BPM)[index % len(STYLE_BPM)]
    tempo_map = TempoMap.steady(rng.uniform(*STYLE_BPM[style]), DURATION_S)
    events, beat = [], rng.randint(3, 8)
    while beat < len(tempo_map.beats_s) - 4:
        events.append(beat)
        beat += rng.randint(3, 8)
    return Case(style, 7000 + index, tempo_map, tuple(events), steps)


def follow(case: Case) -> list[Followed]:
    """Compose at every adherence and measure."""
    synth = ScoreSynth()
    return [_measured(compose_case(case, adherence), case, synth) for adherence in ADHERENCES]


def compose_case(case: Case, adherence: float) -> Arrangement:
    """What the model writes for a case."""
    commission = Commission(
        brief=read_prompt(case.style), tempo_map=case.tempo_map, duration_s=Fraction(DURATION_S),
        curve=case.curve, hits=(), seeds=(case.seed,), adherence=adherence, steps=case.steps,
    )  # fmt: skip
    return backbone().compose(commission, lambda fraction: None, never_cancel)[0].arrangement


def _measured(music: Arrangement, case: Case, synth: ScoreSynth) -> Followed:
    stems = synth.render(music, case.tempo_map, sample_count=DURATION_S * SAMPLE_RATE_HZ)
    if not stems:
        return Followed(music, (1.0, 0.0, 0.0))
    sound = mix(stems)
    figures = (
        accent_ratio(music, case.events),
        correlation(sound, case),
        loudness_change_db(sound, case.tempo_map, case.events),
    )
    return Followed(music, figures)


def accent_ratio(arrangement: Arrangement, events: Sequence[int]) -> float:
    """Attack energy on event beats over that on the other beats."""
    energy = np.zeros(arrangement.beat_count)
    for note in arrangement.notes:
        beat = round(note.start_beat)
        if abs(note.start_beat - beat) < 0.125 and beat < len(energy):
            energy[beat] += (note.velocity / 127) ** 2
    marked = np.zeros(len(energy), bool)
    marked[list(events)] = True
    return float(energy[marked].mean() / max(energy[~marked].mean(), 1e-9))


def correlation(sound: NDArray[np.float32], case: Case) -> float:
    """How the sound's own event curve runs with the one asked for."""
    heard = event_curve(spectral.encode(sound, SAMPLE_RATE_HZ), DURATION_S, rate_hz=25.0)
    return float(np.corrcoef(heard.values, case.curve.values)[0, 1])


def loudness_change_db(sound: NDArray[np.float32], tempo_map: TempoMap, events: Sequence[int]) -> float:
    """How much more the loudness of beats changes at events than at the other beats."""
    edges = np.round(np.array(tempo_map.beats_s) * SAMPLE_RATE_HZ).astype(np.int64)
    edges = edges[edges < len(sound)]
    squares = (sound.astype(np.float64) ** 2).mean(axis=1)
    power = np.add.reduceat(squares, edges)[:-1] / np.diff(edges)  # the last beat may not be whole
    changes = np.abs(np.diff(10 * np.log10(power + _SILENCE)))
    marked = np.zeros(len(changes), bool)
    marked[[beat - 1 for beat in events if 1 <= beat <= len(changes)]] = True
    return float(changes[marked].mean() - changes[~marked].mean())


def main() -> None:
    """Compose, measure and print."""
    parser = arguments_of(__doc__)
    parser.add_argument("--cases", type=int, default=32)
    options = parser.parse_args()
    cases = [draw_case(1000 * options.seed + index, options.steps) for index in range(options.cases)]
    followed = each(follow, cases, options.workers)
    judge, _, unseen = learned_judges(options.seed, options.workers)
    values = np.array([[one.figures for one in row] for row in followed])  # (case, adherence, measure)
    right = [
        accuracy(judge, [(row[k].music, case.tempo_map.tempo_bpm[0], case.style)
                         for row, case in zip(followed, cases, strict=True)])
        for k in range(len(ADHERENCES))
    ]  # fmt: skip
    print_following(values, right)
    known = np.mean(accuracy(judge, unseen))
    print(f"genre is known of {known:.3f} of composed pieces that the judge never saw; chance {CHANCE:.3f}")


def print_following(values: NDArray[np.float64], right: Sequence[Sequence[bool]]) -> None:
    """Medians and tests, adherence by adherence."""
    print(
        f"{f'n {len(values)}, {DURATION_S} s':16}"
        + "".join(f"{name:>8}{'p':>9}" for name in (*MEASURES, "genre"))
    )
    for k, adherence in enumerate(ADHERENCES):
        row = [f"adherence {adherence:<6}"]
        for m in range(len(MEASURES)):
            p = stats.wilcoxon(values[:, k, m], values[:, 0, m], alternative="greater").pvalue if k else 1.0
            row.append(f"{np.median(values[:, k, m]):8.2f}{p:9.1e}")
        row.append(f"{np.mean(right[k]):8.3f}{paired_p(right[k], right[0]):9.1e}")
        print("".join(row))
    trends = [stats.page_trend_test(values[:, :, m]).pvalue for m in range(len(MEASURES))]
    print(f"{'rises, p':16}" + "".join(f"{'':8}{p:9.1e}" for p in trends))


if __name__ == "__main__":
    main()
