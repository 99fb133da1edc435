"""What the facts of a piece say is so in its notes, and events change the music the more the stronger."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice

import pytest
from v2m_training.compose import STYLE_NAMES, Piece, compose
from v2m_training.compose.facts import BEATS_PER_BAR
from v2m_training.compose.harmony import SCALES

from tests.v2m_training.composed import composed
from v2m.codecs.arrangement import Note

NEAR = 0.13
"""Beats: half a sixteenth, so late and early playing counts for the step it belongs to."""


@cache
def piece(seed: int) -> Piece:
    return composed(seed, STYLE_NAMES[seed % len(STYLE_NAMES)])


def pieces_where(holds: Callable[[Piece], bool], count: int, tried: int = 600) -> list[Piece]:
    found: Iterator[Piece] = (p for p in map(piece, range(tried)) if holds(p))
    chosen = list(islice(found, count))
    assert len(chosen) == count, f"only {len(chosen)} of {tried} pieces"
    return chosen


def energy(notes: list[Note]) -> float:
    return sum((note.velocity / 127) ** 2 for note in notes)


def between(p: Piece, first: float, last: float) -> list[Note]:
    return [n for n in p.arrangement.notes if first - NEAR <= n.start_beat < last - NEAR]


@pytest.mark.slow
def test_a_solo_piece_has_one_instrument() -> None:
    families = {
        "piano": {0, 1},
        "acoustic guitar": {24, 25},
        "electric guitar": {26, 27, 28},
        "strings": {40, 41, 42, 44, 48, 49},
        "harp": {46},
    }
    chosen = pieces_where(lambda p: p.facts.solo is not None, 20)
    for p in chosen:
        assert p.facts.solo is not None
        assert set(p.arrangement.programs.values()) <= families[p.facts.solo]
        assert p.facts.drumless
    assert len({p.facts.solo for p in chosen}) >= 3


@pytest.mark.slow
def test_any_style_can_do_without_its_drums() -> None:
    for name in STYLE_NAMES:
        drumless = (compose(seed, name).facts.drumless for seed in range(60))
        assert any(drumless), name
        assert name == "piano solo" or not all(compose(seed, name).facts.drumless for seed in range(60))


@pytest.mark.slow
def test_missing_parts_do_not_sound() -> None:
    for p in map(piece, range(64)):
        sounding = {note.part for note in p.arrangement.notes}
        assert not sounding & p.facts.missing
        assert set(p.facts.instruments) == sounding


@pytest.mark.slow
def test_six_eight_has_two_beats_of_three_eighths() -> None:
    for p in pieces_where(lambda p: p.facts.metre == "6/8", 6):
        assert p.beats_per_bar == BEATS_PER_BAR["6/8"] == 2
        inside = Counter(round(n.start_beat * 12) % 12 for n in p.arrangement.notes)
        thirds = sum(inside[place] for place in (0, 4, 8))
        assert thirds / sum(inside.values()) > 0.9  # what is left is played a little early or late
        assert inside[4] + inside[8] > 0


@pytest.mark.slow
def test_a_quiet_start_is_quiet_and_thin() -> None:
    for p in pieces_where(lambda p: p.facts.starts_quiet, 12):
        opening = between(p, 0, 3.5)
        if any(beat < 4 for beat, _ in p.events):
            continue
        assert len({note.part for note in opening}) <= 2
        assert max((note.velocity for note in opening), default=0) < 72


@pytest.mark.slow
def test_a_big_end_outdoes_the_piece() -> None:
    for p in pieces_where(lambda p: p.facts.ends_big, 12):
        beat, strength = p.events[-1]
        assert strength >= 0.9
        last = [n for n in p.arrangement.notes if n.start_beat == beat]
        assert {n.part for n in last} == {n.part for n in p.arrangement.notes}
        assert not between(p, beat + 0.5, p.arrangement.beat_count)


@pytest.mark.slow
def test_a_fade_dies_away() -> None:
    for p in pieces_where(lambda p: p.facts.fades, 8):
        levels = p.arrangement.loudness_db
        assert set(levels) >= {n.part for n in p.arrangement.notes}
        assert all(level[-1] <= -15 and level[0] == 0 for level in levels.values())


def test_stops_are_silences_of_everybody() -> None:
    for p in pieces_where(lambda p: p.facts.stops and "ambient" not in p.terms, 8):
        sounding = [False] * (p.arrangement.beat_count * 12)
        for n in p.arrangement.notes:
            for tick in range(round(n.start_beat * 12), round((n.start_beat + n.duration_beats) * 12)):
                if n.part != "drums" and tick < len(sounding):
                    sounding[tick] = True
        longest = max(map(len, "".join(" x"[s] for s in sounding).split("x")))
        assert longest >= 6  # half a beat and more: a stop of three steps less what was swung


def _in_scale(p: Piece, first: float, last: float) -> float:
    notes = [n for n in between(p, first, last) if n.part != "drums"]
    inside = [(n.pitch - p.arrangement.tonic) % 12 in SCALES[p.mode] for n in notes]
    return sum(inside) / max(1, len(inside))


def test_a_modulation_moves_the_scale() -> None:
    chosen = pieces_where(lambda p: p.facts.modulates, 6)
    early = [_in_scale(p, 0, p.arrangement.beat_count / 3) for p in chosen]
    late = [_in_scale(p, p.arrangement.beat_count - 16, p.arrangement.beat_count) for p in chosen]
    assert sum(early) / 6 > sum(late) / 6 + 0.15


@pytest.mark.parametrize("style", [name for name in STYLE_NAMES if name != "ambient"])
def test_the_pulse_goes_on(style: str) -> None:
    missed = total = 0
    for seed in range(8):
        p = composed(seed, style)
        struck = {
            round(n.start_beat) for n in p.arrangement.notes if abs(n.start_beat % 1 - 0.5) > 0.5 - NEAR
        }
        last = int(max(n.start_beat for n in p.arrangement.notes))
        missed += sum(beat not in struck for beat in range(last))
        total += last
    assert missed / total < 0.06


@pytest.mark.parametrize("style", STYLE_NAMES)
def test_bars_are_full(style: str) -> None:
    empty = total = 0
    for seed in range(6):
        p = composed(seed, style)
        bar = p.beats_per_bar
        last = int(max(n.start_beat for n in p.arrangement.notes) // bar)
        empty += sum(not between(p, number * bar, number * bar + bar) for number in range(last))
        total += last
    assert empty / total < 0.04


def test_a_tune_comes_back() -> None:
    recurring = []
    for p in pieces_where(lambda p: p.facts.has_lead, 40):
        bars: dict[int, list[int]] = {}
        for n in p.arrangement.notes:
            if n.part == "lead":
                bar, place = divmod(round(n.start_beat * 4), 4 * p.beats_per_bar)
                bars.setdefault(bar, []).append(place)
        rhythms = Counter(tuple(places) for places in bars.values() if len(places) > 1)
        if len(bars) >= 12:
            recurring.append(rhythms.most_common(1)[0][1] >= 3)
    assert len(recurring) > 20
    assert sum(recurring) / len(recurring) > 0.85


def _novelty(p: Piece, beat: float) -> float:
    """How much a moment stands out: its own energy over the usual beat's, and what changes across it."""
    own = energy(between(p, beat, beat + 0.25))
    usual = energy(list(p.arrangement.notes)) / p.arrangement.beat_count + 0.1
    before, after = between(p, beat - 3, beat), between(p, beat + 0.5, beat + 3.5)
    pitches = [{n.pitch for n in notes if n.part == "harmony"} for notes in (before, after)]
    moved = len(pitches[0] ^ pitches[1]) / max(1, len(pitches[0] | pitches[1]))
    parts = len({n.part for n in before} ^ {n.part for n in after}) / 5
    return own / usual + moved + parts


@pytest.mark.slow
def test_the_stronger_an_event_the_more_is_new() -> None:
    found: dict[str, list[float]] = {"none": [], "light": [], "middling": [], "heavy": []}
    for p in map(piece, range(96)):
        marked = [beat for beat, _ in p.events]
        for beat, strength in p.events[:-1]:
            if beat >= 4:
                kind = "light" if strength < 0.45 else "middling" if strength < 0.7 else "heavy"
                found[kind].append(_novelty(p, beat))
        for beat in range(8, p.arrangement.beat_count - 8, 5):
            if all(abs(beat - other) >= 4 for other in marked):
                found["none"].append(_novelty(p, beat))
    means = [sum(values) / len(values) for values in found.values()]
    assert means == sorted(means)
    assert means[1] > 1.25 * means[0]
    assert means[3] > 1.25 * means[1]
