"""Are there seams where one window of the embedded model continues another?

    python benchmarks/seams.py [--programmes 6] [--minutes 10] [--workers N] [--seed N] [--steps N]

Long programmes cut at random are planned and composed as `v2m score` does it, two takes each. At a beat, the
8 beats before are compared with the 8 after:

    tempo       change of the mean tempo, in %
    key         1 - cosine of the pitch classes, by how long they sound
    loudness    change of the level in dB, of a plain rendering
    attacks     change of the notes a beat, in octaves (1: twice or half as many)
    pitch       change of the mean pitch, in semitones
    polyphony   change of the pitches that sound together
    groove      share of the sixteenths of which only one side has an attack
    parts       how many parts come or go

Beats where a window's new music begins are held against those elsewhere, at the same place in a phrase of 16
beats (windows begin at such places more often than not, and music changes there of itself). p: permutation
test within each take, one-sided, for larger changes at borders; Holm: the same for eight tests at once. The
bar is no Holm p below 0.05. `spliced` is what the judge can see: the two takes of a programme cut together
at the same borders, as if the windows knew nothing of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from programmes import arguments_of, backbone, cut_programme, each
from v2m_training.quick_sound import RATE_HZ, QuickPlayer

from v2m.backbones.base import Commission
from v2m.backbones.sketch import windows
from v2m.codecs.arrangement import PARTS, STEPS_PER_BEAT, Arrangement
from v2m.plan import TempoWish, plan_beats
from v2m.prompt.words import read_prompt
from v2m.stages import never_cancel
from v2m.tempo import TempoMap

FloatArray = NDArray[np.float64]

PROMPTS = (
    "cinematic, hopeful", "house, happy", "rock, energetic", "ambient, calm", "lo-fi, calm",
    "orchestral, epic", "synthwave, nostalgic", "techno, dark", "jazz", "folk", "hip-hop", "trailer, epic",
)  # fmt: skip
MEASURES = ("tempo", "key", "loudness", "attacks", "pitch", "polyphony", "groove", "parts")
SIDE_BEATS = 8
PHRASE_BEATS = 16
PERMUTATIONS = 5000

_PLAIN_BPM = 120.0
"""The plain rendering is on a click, so that its beats are equally long."""

_SILENCE = 1e-8  # power of -80 dB of full scale


@dataclass(frozen=True)
class Programme:
    """One to be composed."""

    prompt: str
    seed: int
    duration_s: float
    steps: int | None


@dataclass(frozen=True)
class Long:
    """One take's changes at the borders and elsewhere."""

    at_borders: FloatArray  # (n, measure)
    elsewhere: FloatArray  # (m, measure)


def examine(job: Programme) -> tuple[Long, Long, Long]:
    """Both takes of a programme, and the two spliced."""
    brief = read_prompt(job.prompt)
    analysis = cut_programme(job.duration_s, job.seed)
    tempo_map = plan_beats(analysis, brief, TempoWish()).tempo_map
    commission = Commission(
        brief=brief, tempo_map=tempo_map, duration_s=analysis.timeline.duration_s, curve=analysis.curve,
        hits=analysis.hits, seeds=(2 * job.seed, 2 * job.seed + 1), steps=job.steps,
    )  # fmt: skip
    one, other = (
        each.arrangement for each in backbone().compose(commission, lambda fraction: None, never_cancel)
    )
    borders = border_beats(one.beat_count)
    player = QuickPlayer()
    taken = (one, other, spliced(one, other, borders))
    first, second, third = (compare(changes(music, tempo_map, player), borders) for music in taken)
    return first, second, third


def border_beats(beat_count: int) -> list[int]:
    """The beats at which a window's new music begins."""
    spans = list(windows(beat_count * STEPS_PER_BEAT))
    return [round((first + known) / STEPS_PER_BEAT) for first, _, known in spans[1:]]


def spliced(one: Arrangement, other: Arrangement, borders: Sequence[int]) -> Arrangement:
    """The spans between borders from the one and the other in turn."""
    edges = np.array(borders, np.float64) - 1 / (2 * STEPS_PER_BEAT)  # an early attack belongs to its beat
    notes = [
        note
        for music, parity in ((one, 0), (other, 1))
        for note in music.notes
        if int(np.searchsorted(edges, note.start_beat, side="right")) % 2 == parity
    ]
    return replace(
        one, notes=tuple(sorted(notes, key=lambda note: note.start_beat)), pedals={}, loudness_db={}
    )


def changes(music: Arrangement, tempo_map: TempoMap, player: QuickPlayer) -> FloatArray:
    """(beat, measure): how the 8 beats from each beat on differ from the 8 before; NaN near the ends."""
    rows = per_beat(music, tempo_map, player)
    found = np.full((music.beat_count, len(MEASURES)), np.nan)
    for beat in range(SIDE_BEATS, music.beat_count - SIDE_BEATS + 1):
        before = {name: row[beat - SIDE_BEATS : beat] for name, row in rows.items()}
        after = {name: row[beat : beat + SIDE_BEATS] for name, row in rows.items()}
        if beat < music.beat_count:
            found[beat] = _differences(before, after)
    return found


def per_beat(music: Arrangement, tempo_map: TempoMap, player: QuickPlayer) -> dict[str, FloatArray]:
    """What is compared, beat by beat."""
    count = music.beat_count
    rows = {
        "seconds": np.diff(tempo_map.beats_s)[:count],
        "classes": np.zeros((count, 12)),
        "attacks": np.zeros(count),
        "pitches": np.zeros((count, 2)),  # sum and number
        "sounding": np.zeros(count),
        "grid": np.zeros((count, STEPS_PER_BEAT)),
        "parts": np.zeros((count, len(PARTS))),
        "power": _power(music, player),
    }
    for note in music.notes:
        step = min(round(note.start_beat * STEPS_PER_BEAT), count * STEPS_PER_BEAT - 1)
        beat = step // STEPS_PER_BEAT
        rows["attacks"][beat] += 1
        rows["grid"][beat, step % STEPS_PER_BEAT] = 1
        rows["parts"][beat, PARTS.index(note.part)] = 1
        if note.part != "drums":
            rows["pitches"][beat] += (note.pitch, 1)
            _spread(rows, note.start_beat, note.start_beat + note.duration_beats, note.pitch % 12)
    return rows


def _spread(rows: dict[str, FloatArray], start: float, end: float, pitch_class: int) -> None:
    """Add a note's time to the beats that it sounds in."""
    for beat in range(int(start), min(int(np.ceil(end)), len(rows["sounding"]))):
        held = min(end, beat + 1) - max(start, beat)
        rows["classes"][beat, pitch_class] += held
        rows["sounding"][beat] += held


def _power(music: Arrangement, player: QuickPlayer) -> FloatArray:
    sound = player.play(music, _PLAIN_BPM).astype(np.float64)
    samples = round(60 / _PLAIN_BPM * RATE_HZ)
    return np.asarray((sound[: music.beat_count * samples].reshape(-1, samples) ** 2).mean(axis=1))


def _differences(before: dict[str, FloatArray], after: dict[str, FloatArray]) -> list[float]:
    """In the order of `MEASURES`."""
    a, b = before, after
    classes = [side["classes"].sum(axis=0) for side in (a, b)]
    norm = float(np.linalg.norm(classes[0]) * np.linalg.norm(classes[1]))
    pitches = [side["pitches"].sum(axis=0) for side in (a, b)]
    means = [total / number for total, number in pitches if number]
    parts = [side["parts"].max(axis=0) for side in (a, b)]
    return [
        100 * abs(float(a["seconds"].mean() / b["seconds"].mean()) - 1),
        1 - float(classes[0] @ classes[1]) / norm if norm else float("nan"),
        abs(10 * float(np.log10((a["power"].mean() + _SILENCE) / (b["power"].mean() + _SILENCE)))),
        abs(float(np.log2((a["attacks"].mean() + 0.1) / (b["attacks"].mean() + 0.1)))),
        abs(means[0] - means[1]) if len(means) == 2 else float("nan"),
        abs(float(a["sounding"].mean() - b["sounding"].mean())),
        float((a["grid"] != b["grid"]).mean()),
        float(np.abs(parts[0] - parts[1]).sum()),
    ]


def compare(found: FloatArray, borders: Sequence[int]) -> Long:
    """Changes at the borders, and at the beats like them that are away from any border."""
    beats = np.arange(len(found))
    places = {border % PHRASE_BEATS for border in borders}
    away = np.abs(beats[:, None] - np.array(borders)[None, :]).min(axis=1) >= SIDE_BEATS
    alike = np.array([beat % PHRASE_BEATS in places for beat in beats])
    measured = ~np.isnan(found).all(axis=1)
    return Long(found[[b for b in borders if measured[b]]], found[alike & away & measured])


def excess(takes: Sequence[Long], measure: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Mean at borders, mean elsewhere, and p of the permutation test within takes."""
    pairs = [(each.at_borders[:, measure], each.elsewhere[:, measure]) for each in takes]
    pairs = [(a[~np.isnan(a)], b[~np.isnan(b)]) for a, b in pairs]
    here, there = (np.concatenate(side) for side in zip(*pairs, strict=True))
    # a take's values less their mean: takes differ among themselves, which is not what is asked
    pools = [(np.concatenate([a, b]) - np.concatenate([a, b]).mean(), len(a)) for a, b in pairs]
    seen = sum(float(pool[:count].sum()) for pool, count in pools)
    drawn = np.zeros(PERMUTATIONS)
    for pool, count in pools:
        orders = rng.permuted(np.tile(pool, (PERMUTATIONS, 1)), axis=1)
        drawn += orders[:, :count].sum(axis=1)
    return (
        float(here.mean()),
        float(there.mean()),
        float((1 + (drawn >= seen - 1e-9).sum()) / (1 + PERMUTATIONS)),
    )


def holm(p: Sequence[float]) -> FloatArray:
    """The p values as they stand for all tests at once (Holm 1979)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(np.array(p)[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def main() -> None:
    """Compose, compare and print."""
    parser = arguments_of(__doc__)
    parser.add_argument("--programmes", type=int, default=6)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    first_seed, duration_s = 50_000 + 1000 * options.seed, 60 * options.minutes
    jobs = [
        Programme(PROMPTS[i % len(PROMPTS)], first_seed + i, duration_s, options.steps)
        for i in range(options.programmes)
    ]
    examined = each(examine, jobs, options.workers)
    takes = [take for one, other, _ in examined for take in (one, other)]
    controls = [control for _, _, control in examined]
    borders, elsewhere = (
        sum(len(take.at_borders) for take in takes),
        sum(len(take.elsewhere) for take in takes),
    )
    print(f"{len(takes)} takes of {options.minutes:g} min: {borders} borders, {elsewhere} beats elsewhere")
    rng = np.random.default_rng(options.seed)
    ours = [excess(takes, m, rng) for m in range(len(MEASURES))]
    cut = [excess(controls, m, rng) for m in range(len(MEASURES))]
    print(f"{'':11}{'border':>8}{'else':>8}{'p':>9}{'Holm':>8}   spliced{'p':>9}")
    adjusted = holm([p for *_, p in ours])
    for name, (here, there, p), corrected, (broken, _, q) in zip(MEASURES, ours, adjusted, cut, strict=True):
        print(f"{name:11}{here:8.3f}{there:8.3f}{p:9.4f}{corrected:8.3f}  {broken:8.3f}{q:9.4f}")


if __name__ == "__main__":
    main()
