"""Figures of music: known answers, brute force, what must not change them, and what they refuse."""

import math
from itertools import permutations, product
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.codecs.arrangement import PARTS, Arrangement, Note, Part
from v2m.errors import InputError
from v2m.metrics.music import (
    FIGURE_NAMES,
    MusicFigures,
    entropy_bits,
    music_figures,
    scale_consistency,
    voice_leading_semitones,
)

C_MAJOR = (60, 62, 64, 65, 67, 69, 71, 72)
BOUNDS = {
    "scale_consistency": (7 / 12, 1), "pitch_class_entropy_bits": (0, log2(12)), "groove_consistency": (0, 1),
    "empty_bar_rate": (0, 1), "polyphony": (1, 128), "phrase_repetition": (0, 1),
    "voice_leading_semitones": (0, 127),
}  # fmt: skip


def piece(notes: list[Note], beats: int = 16) -> Arrangement:
    return Arrangement(beats, tuple(sorted(notes, key=lambda note: note.start_beat)))


def scale(part: Part = "lead", bars: int = 4, shift: int = 0) -> list[Note]:
    """A bar of eighths up the scale, again and again."""
    return [Note(part, i / 2, 0.5, C_MAJOR[i % 8] + shift, 80) for i in range(8 * bars)]


def triad(beat: float, *pitches: int) -> list[Note]:
    return [Note("harmony", beat, 2.0, pitch, 80) for pitch in pitches]


notes = st.builds(
    Note,
    part=st.sampled_from(PARTS),
    start_beat=st.integers(0, 63).map(lambda step: step / 4),
    duration_beats=st.sampled_from((0.25, 0.5, 1.0, 4.0)),
    pitch=st.integers(24, 96),
    velocity=st.integers(1, 127),
)


def test_a_perfect_bar_repeated_scores_one() -> None:
    figures = music_figures(piece(scale()))
    assert figures.scale_consistency == 1
    assert figures.groove_consistency == 1
    assert figures.phrase_repetition == pytest.approx(1)
    assert figures.empty_bar_rate == 0
    assert figures.polyphony == 1


def test_silence_has_empty_bars_and_nothing_else() -> None:
    silent = music_figures(piece([]))
    assert silent == MusicFigures(None, None, None, 1.0, None, None, None)
    assert np.isnan(silent.values()).sum() == 6


def test_drums_alone_have_a_groove_and_no_pitch() -> None:
    beat = music_figures(piece([Note("drums", float(b), 0.25, 36, 90) for b in range(16)]))
    assert beat.groove_consistency == 1
    assert beat.empty_bar_rate == 0
    assert (beat.scale_consistency, beat.polyphony, beat.phrase_repetition) == (None, None, None)


@settings(max_examples=60)
@given(st.lists(notes, max_size=40))
def test_every_figure_stays_in_its_range(given_notes: list[Note]) -> None:
    values = dict(zip(FIGURE_NAMES, music_figures(piece(given_notes)).values(), strict=True))
    for name, (low, high) in BOUNDS.items():
        assert math.isnan(values[name]) or low - 1e-9 <= values[name] <= high + 1e-9, name


@settings(max_examples=40)
@given(st.lists(notes, max_size=40), st.integers(-12, 12))
def test_a_transposition_changes_nothing(given_notes: list[Note], shift: int) -> None:
    moved = [
        n if n.part == "drums" else Note(n.part, n.start_beat, n.duration_beats, n.pitch + shift, n.velocity)
        for n in given_notes
    ]
    before, after = music_figures(piece(given_notes)), music_figures(piece(moved))
    assert before.values() == pytest.approx(after.values(), nan_ok=True)


def test_notes_off_the_scale_and_off_the_groove_are_noticed() -> None:
    off = scale(bars=3) + [Note("lead", 12 + i * 0.75, 0.5, 60 + i, 80) for i in range(5)]
    figures = music_figures(piece(off))
    assert figures.scale_consistency is not None
    assert 0.8 < figures.scale_consistency < 1
    assert figures.groove_consistency == pytest.approx((1 + 1 + 9 / 16) / 3)


def test_entropy_of_known_histograms() -> None:
    assert entropy_bits(np.eye(12)[0]) == 0
    assert entropy_bits(np.ones(12)) == pytest.approx(log2(12))
    assert entropy_bits(np.array([1.0] * 4 + [0.0] * 8)) == pytest.approx(2)
    assert entropy_bits(np.zeros(12)) is None


def test_chance_of_scale_consistency() -> None:
    assert scale_consistency(np.ones(12)) == pytest.approx(7 / 12)
    assert scale_consistency(np.zeros(12)) is None


def test_empty_bars_are_those_without_sound_not_without_attacks() -> None:
    held = [Note("harmony", 0.0, 8.0, 60, 80)]
    assert music_figures(piece(held)).empty_bar_rate == 0.5
    assert music_figures(piece(held, beats=8)).empty_bar_rate == 0


def test_polyphony_counts_pitches_that_sound_together() -> None:
    figures = music_figures(piece([*triad(0, 60, 64, 67), Note("lead", 0.0, 1.0, 76, 80)]))
    assert figures.polyphony == pytest.approx((4 * 4 + 4 * 3) / 8)


def test_a_tune_that_returns_with_one_note_changed_is_nearly_repeated() -> None:
    changed = scale(bars=4)
    changed[-1] = Note("lead", changed[-1].start_beat, 0.5, 61, 80)
    figures = music_figures(piece(changed))
    assert figures.phrase_repetition == pytest.approx(15 / 17)


def test_music_before_the_first_downbeat_is_left_out() -> None:
    upbeat = [Note(n.part, n.start_beat + 1, 0.5, n.pitch, 80) for n in scale()]
    early = [Note("lead", 0.0, 0.25, 61, 80)]
    assert music_figures(piece(early + upbeat, 17), 1) == music_figures(piece(scale()))


def test_voice_leading_of_known_chords() -> None:
    assert voice_leading_semitones((60, 64, 67), (60, 64, 67)) == 0
    assert voice_leading_semitones((60, 64, 67), (60, 65, 69)) == 1  # C to F: 0 + 1 + 2 over three voices
    assert voice_leading_semitones((60, 64, 67), (72, 76, 79)) == 12
    assert voice_leading_semitones((60,), (59, 61)) == 1
    figures = music_figures(piece([*triad(0, 60, 64, 67), *triad(2, 60, 64, 67), *triad(4, 60, 65, 69)]))
    assert figures.voice_leading_semitones == 1


@settings(max_examples=60)
@given(st.lists(st.integers(48, 72), min_size=3, max_size=4, unique=True), st.data())
def test_voice_leading_is_no_more_than_any_pairing(one: list[int], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.integers(48, 72), min_size=len(one), max_size=len(one), unique=True))
    pairings = [
        sum(abs(a - b) for a, b in zip(one, order, strict=True)) / len(one) for order in permutations(other)
    ]
    led = voice_leading_semitones(tuple(one), tuple(other))
    assert led <= min(pairings) + 1e-9
    assert led == voice_leading_semitones(tuple(other), tuple(one))
    assert led >= min(abs(a - b) for a, b in product(one, other))


@pytest.mark.parametrize(
    ("music", "first"),
    [
        (Arrangement(0, ()), 0),
        (Arrangement(4, ()), 4),
        (piece([Note("lead", math.nan, 1.0, 60, 80)]), 0),
        (piece([Note("lead", 0.0, 0.0, 60, 80)]), 0),
        (piece([Note("lead", 0.0, 1.0, 128, 80)]), 0),
    ],
)
def test_what_is_no_music_is_refused(music: Arrangement, first: int) -> None:
    with pytest.raises(InputError, match="expected"):
        music_figures(music, first)


def test_chords_without_tones_are_refused() -> None:
    with pytest.raises(InputError, match="expected"):
        voice_leading_semitones((), (60,))
