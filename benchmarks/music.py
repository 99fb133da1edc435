"""Is what the embedded model composes music, beside the pieces that it learned from?

    python benchmarks/music.py [--prompts 200] [--beats 96] [--workers N] [--seed N] [--steps N]

So many prompts (styles take turns; each with a mood, an energy or an instrument, or without) are scored as
`v2m score` does it on programmes cut at random (`programmes.py`). Beside them stand newly composed pieces,
which no corpus holds, of the same styles and played in the same way. The figures are those of
`v2m.metrics.music`. For each is printed:

    middle, 1 % .. 99 %   of the composed pieces, and the middle of the generated ones
    distance              Kolmogorov-Smirnov between generated and composed pieces
    same                  distances between as many composed pieces and the others: middle and 95 %
    p                     of a permutation test: how often the same would be as far apart
    worse than 1 %        generated pieces on the bad side of the last percentile of the composed ones

The bad side is below, for empty bars and voice leading below or above. At the end: pieces that are there on
more than one figure (bar: none), and how many of as many composed pieces are, by their own percentiles.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from programmes import Job, Scored, arguments_of, as_played, each, score_job
from two_samples import distance, distances_of_the_same
from v2m_training.compose import STYLE_NAMES, compose
from v2m_training.compose.styles import STYLES, names
from words import usual_words

from v2m.metrics.music import FIGURE_NAMES, music_figures
from v2m.prompt.vocabulary import TERMS
from v2m.prompt.words import read_prompt

FloatArray = NDArray[np.float64]

COMPOSED_PER_STYLE = 50
"""800 pieces in all: the first percentile then lies among eight of them."""

_FIRST_SEED = 6_000_000
_BAD_ABOVE = ("empty_bar_rate", "voice_leading_semitones")
_ENERGIES = tuple(term.name for term in TERMS if term.category == "energy")


def draw_prompt(index: int, seed: int) -> str:
    """A style, and what an editor may say beside it."""
    rng = random.Random(f"{seed} {index}")  # noqa: S311 - a benchmark wants the same prompts again
    style = STYLE_NAMES[index % len(STYLE_NAMES)]
    words = [style]
    if rng.random() < 0.6:
        words.append(rng.choice(names(STYLES[style].moods)))
    if rng.random() < 0.4:
        words.append(rng.choice(_ENERGIES))
    if rng.random() < 0.4:
        words.append("with " + rng.choice(sorted(usual_words(style))))
    return ", ".join(words)


def composed_figures(seed_and_style: tuple[int, str]) -> FloatArray:
    """(f,) of a composed piece."""
    return music_figures(as_played(compose(*seed_and_style))).values()


def generated_figures(job: Job) -> tuple[Scored, FloatArray]:
    """A generated piece and its (f,) figures."""
    scored = score_job(job)
    return scored, music_figures(scored.played, scored.tempo_map.first_downbeat).values()


def main() -> None:
    """Compose, measure and print."""
    parser = arguments_of(__doc__)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--beats", type=int, default=96, help="of a programme, about")
    options = parser.parse_args()
    jobs = [
        Job(
            draw_prompt(i, options.seed),
            20_000 + options.seed * 10_000 + i,
            options.beats,
            steps=options.steps,
        )
        for i in range(options.prompts)
    ]
    wanted = [
        (_FIRST_SEED + options.seed * 10_000 + i, style)
        for i in range(COMPOSED_PER_STYLE)
        for style in STYLE_NAMES
    ]
    composed = np.array(each(composed_figures, wanted, options.workers))
    styles = [read_prompt(job.prompt).style for job in jobs]
    if missing := set(styles) - set(STYLE_NAMES):
        raise SystemExit(f"No pieces are composed in {missing}.")
    results = each(generated_figures, jobs, options.workers)
    generated = np.array([figures for _, figures in results])
    print(f"{len(jobs)} prompts, about {options.beats} beats each; {len(composed)} composed pieces")
    print_figures(generated, composed, np.random.default_rng(options.seed))
    print_suspects([scored for scored, _ in results], generated, composed)


def print_figures(generated: FloatArray, composed: FloatArray, rng: np.random.Generator) -> None:
    """A line for each figure."""
    suspect = beyond(generated, composed)
    heads = ("middle", "1 %", "99 %", "ours", "distance", "same", "95 %", "p", "worse")
    print(f"{'':25}" + "".join(f"{head:>9}" for head in heads))
    for k, name in enumerate(FIGURE_NAMES):
        low, middle, high = np.nanquantile(composed[:, k], (0.01, 0.5, 0.99))
        apart = distance(generated[:, k], composed[:, k])
        same = distances_of_the_same(composed[:, k], len(generated), rng)
        p = (1 + (same >= apart).sum()) / (1 + len(same))
        ours = np.nanmedian(generated[:, k])
        row = (middle, low, high, ours, apart, np.median(same), np.quantile(same, 0.95), p)
        print(f"{name:25}" + "".join(f"{value:9.3f}" for value in row) + f"{suspect[:, k].sum():9d}")


def beyond(figures: FloatArray, composed: FloatArray) -> NDArray[np.bool_]:
    """(n, f) whether a piece lies on the bad side of the last percentile; NaN does not."""
    low, high = np.nanquantile(composed, (0.01, 0.99), axis=0)
    bad_above = np.array([name in _BAD_ABOVE for name in FIGURE_NAMES])
    return (figures < low - 1e-9) | (bad_above & (figures > high + 1e-9))


def print_suspects(scored: Sequence[Scored], generated: FloatArray, composed: FloatArray) -> None:
    """Pieces that are out of the ordinary in more than one way."""
    suspect = beyond(generated, composed)
    several = np.flatnonzero(suspect.sum(axis=1) > 1)
    by_chance = float((beyond(composed, composed).sum(axis=1) > 1).mean()) * len(generated)
    print(f"beyond the last percentile on more than one figure: {len(several)} of {len(generated)}; bar 0; "
          f"of as many composed pieces {by_chance:.1f}")  # fmt: skip
    for i in several:
        named = ", ".join(f"{FIGURE_NAMES[k]} {generated[i, k]:.3f}" for k in np.flatnonzero(suspect[i]))
        print(f"  {scored[i].job.prompt!r} seed {scored[i].job.seed}: {named}")


if __name__ == "__main__":
    main()
