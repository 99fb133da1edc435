"""How much of the hits the planned beats reach, at what tempo and cost, beside a steady click.

    python benchmarks/tempo.py [--long] [--wish BPM] [--patterns NAME ...] [--freedoms F ...]

One line for each pattern of cuts and setting, over several seeded programmes. `20 ms` and `100 ms` are the
weighted share of hits with a beat that near; `chance` is what beats that know nothing of the hits reach at
100 ms, `gain` is (share - chance) / (1 - chance): a faster click has more chance, not more gain. `half` adds
hits in the middle of a beat, `bar` is the share of hits on the first beat of a bar (luck: 0.25 of `20 ms`).
The line `steady` is a click at the same nominal tempo from the first frame.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from v2m.hits import Hit
from v2m.metrics.sch import scene_cut_hit
from v2m.tempo import TempoMap, TempoSettings, plan_tempo

RATE = 24
Cuts = Callable[[np.random.Generator, float], np.ndarray]


def shots(shortest_s: float, longest_s: float) -> Cuts:
    """Shots of evenly random length."""

    def cuts(rng: np.random.Generator, duration_s: float) -> np.ndarray:
        lengths = rng.uniform(shortest_s, longest_s, int(duration_s / shortest_s) + 2)
        return np.cumsum(lengths)

    return cuts


def bursts(rng: np.random.Generator, duration_s: float) -> np.ndarray:
    """Flurries of 5 to 12 shots of 0.15-0.6 s, with calm of 4-12 s between."""
    lengths: list[float] = []
    while sum(lengths) < duration_s:
        lengths += [rng.uniform(4, 12), *rng.uniform(0.15, 0.6, rng.integers(5, 13))]
    return np.cumsum(lengths)


def one(rng: np.random.Generator, duration_s: float) -> np.ndarray:
    """A single cut."""
    return rng.uniform(0.2, 0.8, 1) * duration_s


def none(rng: np.random.Generator, duration_s: float) -> np.ndarray:
    """Uncut footage."""
    return np.zeros(0)


PATTERNS: dict[str, tuple[Cuts, float, int]] = {
    "0.7-7 s": (shots(0.7, 7), 60.0, 12),
    "0.4-1 s": (shots(0.4, 1), 60.0, 6),
    "5-20 s": (shots(5, 20), 60.0, 12),
    "bursts": (bursts, 60.0, 6),
    "one cut": (one, 60.0, 6),
    "none": (none, 60.0, 1),
}
"""Cuts, length of a programme in seconds, programmes."""

LONG_PATTERNS: dict[str, tuple[Cuts, float, int]] = {
    "10 min": (shots(0.7, 7), 600.0, 2),
    "2 h": (shots(0.7, 6.5), 7200.0, 1),
    "2 h, one": (one, 7200.0, 1),
}


def hits_of(cuts: Cuts, duration_s: float, seed: int) -> tuple[Hit, ...]:
    """Hits on whole frames, with weights as cuts have them, and the end."""
    rng = np.random.default_rng(seed)
    frames = np.unique(np.round(cuts(rng, duration_s) * RATE).astype(int))
    frames = frames[(frames > 0) & (frames < duration_s * RATE)]
    weights = rng.uniform(0.5, 0.9, len(frames))
    found = [
        Hit(f"cut-{i + 1}", Fraction(int(f), RATE), "cut", float(w))
        for i, (f, w) in enumerate(zip(frames, weights, strict=True))
    ]
    return (*found, Hit("end", Fraction(duration_s), "end", 0.8))


def measure(hits: tuple[Hit, ...], tempo_map: TempoMap, duration_s: float) -> dict[str, float]:
    """Shares by weight, chance and tempo of one plan."""
    times = np.array([float(hit.time_s) for hit in hits])
    weights = np.array([hit.weight for hit in hits])
    beat = np.round(tempo_map.beat_at(times))
    error = np.abs(tempo_map.time_s(beat) - times)
    half = np.abs(tempo_map.time_s(np.floor(tempo_map.beat_at(times)) + 0.5) - times)
    on_bar = (beat - tempo_map.first_downbeat) % tempo_map.beats_per_bar == 0
    chance = scene_cut_hit(times.tolist(), tempo_map.beats_s, duration_s).chance
    share = float(weights @ (error <= 0.1) / weights.sum())
    slow, fast = tempo_map.tempo_bpm
    return {
        "20 ms": float(weights @ (error <= 0.02) / weights.sum()),
        "half": float(weights @ (np.minimum(error, half) <= 0.02) / weights.sum()),
        "bar": float(weights @ ((error <= 0.02) & on_bar) / weights.sum()),
        "100 ms": share,
        "chance": chance,
        "gain": (share - chance) / (1 - chance),
        "slow": slow,
        "fast": fast,
        "step %": tempo_map.largest_step * 100,
    }


REDUCE: dict[str, Callable[[list[float]], float]] = {
    "slow": min,
    "fast": max,
    "step %": max,
}
COLUMNS = ("20 ms", "half", "bar", "100 ms", "chance", "gain", "slow", "fast", "step %", "cpu s")


def line(pattern: str, setting: str, rows: list[dict[str, float]]) -> None:
    """Print the mean of each figure over the programmes, or its extreme."""
    cells = []
    for column in COLUMNS:
        values = [row[column] for row in rows]
        value = REDUCE.get(column, lambda all_: float(np.mean(all_)))(values)
        cells.append(f"{value:8.0f}" if column in ("slow", "fast") else f"{value:8.3f}")
    print(f"{pattern:9s} {setting:22s}" + "".join(cells), flush=True)


def run(pattern: str, programmes: list[tuple[Hit, ...]], duration_s: float, settings: TempoSettings) -> None:
    """Plan each programme and print one line."""
    rows = []
    for hits in programmes:
        start = time.process_time()
        plan = plan_tempo(hits, duration_s, settings)
        seconds = time.process_time() - start
        rows.append({**measure(hits, plan.tempo_map, duration_s), "cpu s": seconds})
    line(pattern, f"freedom {settings.freedom:g} weight {settings.hit_weight:g}", rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--long", action="store_true", help="also 10 minutes and 2 hours")
    parser.add_argument("--wish", type=float, help="a wished tempo in BPM; without it the planner chooses")
    parser.add_argument("--patterns", nargs="*", help="only these")
    parser.add_argument("--freedoms", nargs="*", type=float, default=[0.0, 0.25, 0.5, 0.75, 1.0])
    parser.add_argument(
        "--weights", nargs="*", type=float, default=[0.2, 5.0], help="beside 1, at the default freedom"
    )
    arguments = parser.parse_args()
    print(f"{'shots':9s} {'setting':22s}" + "".join(f"{column:>8s}" for column in COLUMNS))
    patterns = PATTERNS | (LONG_PATTERNS if arguments.long else {})
    for pattern, (cuts, duration_s, count) in patterns.items():
        if arguments.patterns and pattern not in arguments.patterns:
            continue
        programmes = [hits_of(cuts, duration_s, seed) for seed in range(count)]
        bpm = arguments.wish or 108.0
        steady = TempoMap.steady(bpm, duration_s)
        line(
            pattern,
            f"click at {bpm:g}",
            [{**measure(h, steady, duration_s), "cpu s": 0.0} for h in programmes],
        )
        default = TempoSettings(wish_bpm=arguments.wish)
        for freedom in arguments.freedoms if pattern in PATTERNS else [default.freedom]:
            run(pattern, programmes, duration_s, TempoSettings(wish_bpm=arguments.wish, freedom=freedom))
        for weight in arguments.weights if pattern in PATTERNS else []:
            run(pattern, programmes, duration_s, TempoSettings(wish_bpm=arguments.wish, hit_weight=weight))


if __name__ == "__main__":
    main()
