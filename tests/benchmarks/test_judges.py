"""The judges of the benchmarks: right where the answer is known, blind where there is nothing to see."""

from dataclasses import replace

import numpy as np
import pytest
from following import accent_ratio, loudness_change_db
from genre import accuracy, composed_example, features, from_downbeat, learn
from keys import relation
from music import FIGURE_NAMES, beyond, draw_prompt
from programmes import as_delivered, cut_programme, planned_hits
from seams import MEASURES, Long, border_beats, changes, compare, excess, holm, spliced
from shares import paired_p, share
from two_samples import distance, distances_of_the_same
from v2m_training.compose import STYLE_NAMES, compose
from v2m_training.quick_sound import QuickPlayer
from words import Directions, draw_directions, near, plays, plays_any, usual_words

from v2m.backbones.sketch import OVERLAP_FRAMES, WINDOW_FRAMES
from v2m.codecs.accents import HEAVY_WEIGHT
from v2m.codecs.arrangement import Arrangement, Note
from v2m.prompt.words import read_prompt
from v2m.tempo import TempoMap

BEATS = 16


def tune(part: str = "lead", program: int = 42) -> Arrangement:
    notes = tuple(Note(part, float(beat), 1.0, 60 + beat % 5, 80) for beat in range(BEATS))  # type: ignore[arg-type]
    return Arrangement(BEATS, notes, programs={part: program})  # type: ignore[dict-item]


# --- words -------------------------------------------------------------------------------------------


def test_an_instrument_plays_where_its_part_does() -> None:
    cello = tune()
    assert plays(cello, "cello")
    assert plays(cello, "melody")
    assert not plays(cello, "violin")
    assert not plays(cello, "drums")
    once = replace(cello, notes=cello.notes[:1])
    assert not plays(once, "cello")  # one note is not what was asked for
    assert plays_any(once, ("organ", "cello"))  # and it is one too many where it was denied


def test_directions_ask_for_what_can_be_done() -> None:
    for index in range(len(STYLE_NAMES)):
        drawn = draw_directions(index, 0)
        brief = read_prompt(drawn.prompt)
        assert (brief.style, brief.tonic, brief.bpm) == (drawn.style, drawn.tonic, drawn.bpm)
        assert drawn.mode in brief.terms
        assert drawn.wanted in brief.asked
        assert drawn.denied in brief.excluded
        assert not brief.unknown
    assert draw_directions(3, 0) == draw_directions(3, 0)
    assert isinstance(draw_directions(3, 1), Directions)


def test_usual_words_name_no_drums_where_a_style_has_none() -> None:
    assert "drums" in usual_words("rock")
    assert {"piano", "bass", "melody"} <= usual_words("piano solo")


def test_a_tempo_is_near_within_three_percent_or_by_octaves() -> None:
    assert near(123.5, 120)
    assert not near(124, 120)
    assert not near(60, 120)
    assert near(60, 120, octaves=True)
    assert near(240, 120, octaves=True)
    assert not near(180, 120, octaves=True)
    assert not near(float("nan"), 120, octaves=True)


def test_every_prompt_of_the_music_benchmark_is_understood() -> None:
    for index in range(64):
        brief = read_prompt(draw_prompt(index, 0))
        assert brief.style == STYLE_NAMES[index % len(STYLE_NAMES)]
        assert not brief.unknown


def test_a_wrong_key_is_called_by_what_it_is_to_the_right_one() -> None:
    assert relation(0, "minor", "minor") == "the key itself"
    assert relation(-9, "minor", "major") == relation(9, "major", "minor") == "the relative"
    assert relation(8, "minor", "major") == relation(4, "major", "minor") == "a third"
    assert relation(0, "major", "minor") == "the parallel"
    assert relation(7, "minor", "minor") == relation(5, "major", "major") == "a fifth"
    assert relation(2, "major", "major") == relation(1, "major", "minor") == "afar"


# --- genre -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_genre_of_unseen_pieces_is_known_far_above_chance() -> None:
    styles = ("techno", "jazz", "trap", "orchestral")
    seen = [composed_example((100 + i, style)) for i in range(8) for style in styles]
    unseen = [composed_example((200 + i, style)) for i in range(4) for style in styles]
    for with_tempo in (True, False):
        assert np.mean(accuracy(learn(seen, with_tempo=with_tempo), unseen)) >= 0.85  # chance is 0.25


@pytest.mark.slow
def test_composed_pieces_are_judged_with_strokes_off_the_beat_as_delivered_ones_have() -> None:
    beats = np.array([beat for hits in planned_hits()[:2] for beat, _, _ in hits])
    off_beat = np.abs(beats - np.round(beats)) > 0.02
    assert 0 < off_beat.mean() < 0.5
    piece = compose(1, "rock")
    struck = {round(note.start_beat, 6) for note in as_delivered(piece, 0).notes}
    heavy = [beat for beat, weight, _ in planned_hits()[0] if weight >= HEAVY_WEIGHT]
    assert {round(beat, 6) for beat in heavy if beat < piece.arrangement.beat_count} <= struck


def test_a_piece_that_begins_within_a_bar_is_judged_by_its_bars() -> None:
    piece = compose(3, "house").arrangement
    late = replace(piece, notes=tuple(replace(note, start_beat=note.start_beat + 1) for note in piece.notes))
    again = from_downbeat(late, first_downbeat=1)
    assert again.beat_count % piece.beats_per_bar == 3
    groove = slice(3, 3 + 16)  # the first of the kit's, after the three signs of the metre
    kicks, moved, found = (features(music, None)[groove] for music in (piece, late, again))
    assert not np.allclose(moved, kicks, atol=0.1)
    assert np.allclose(found, kicks, rtol=0.1)
    assert from_downbeat(piece, 0) == from_downbeat(piece, 4) == piece


def test_features_of_silence_are_finite_and_the_key_does_not_matter() -> None:
    assert np.isfinite(features(Arrangement(4, ()), 120.0)).all()
    up = [replace(note, pitch=note.pitch + 3) for note in tune().notes]
    moved = replace(tune(), tonic=3, notes=tuple(up))
    assert np.allclose(features(tune(), None), features(moved, None))
    assert len(features(tune(), 90.0)) == len(features(tune(), None)) + 1


# --- the statistics ----------------------------------------------------------------------------------


def test_a_sample_is_near_another_of_its_origin_and_far_from_others() -> None:
    rng = np.random.default_rng(0)
    sample = rng.normal(size=400)
    same = distances_of_the_same(sample, 100, rng)
    assert distance(rng.normal(size=100), sample) < np.quantile(same, 0.99)
    assert distance(rng.normal(1.0, size=100), sample) > same.max()
    assert distance(sample, np.append(sample, np.nan)) == 0


def test_a_piece_is_beyond_the_last_percentile_on_its_bad_side_alone() -> None:
    composed = np.tile(np.linspace(0.4, 0.6, 101)[:, None], (1, len(FIGURE_NAMES)))
    ordinary = np.full((1, len(FIGURE_NAMES)), 0.5)
    assert not beyond(ordinary, composed).any()
    assert beyond(ordinary - 0.3, composed).all()
    high = {name for name, bad in zip(FIGURE_NAMES, beyond(ordinary + 0.3, composed)[0], strict=True) if bad}
    assert high == {"empty_bar_rate", "voice_leading_semitones"}
    assert not beyond(np.full_like(ordinary, np.nan), composed).any()


def test_shares_and_their_pairs() -> None:
    assert share([True] * 9 + [False]).startswith("0.900 (0.596-0.982")
    assert "n 0" in share([])
    assert paired_p([True, False], [True, False]) == 1
    assert paired_p([True] * 10, [False] * 10) == pytest.approx(2 / 1024)


def test_holm_keeps_the_order_and_never_lowers() -> None:
    assert np.allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert np.allclose(holm([0.9, 0.8]), [1.0, 1.0])


# --- following ---------------------------------------------------------------------------------------


def test_accents_and_changes_are_found_where_they_are() -> None:
    loud = [replace(note, velocity=120 if note.start_beat in (4, 9) else 60) for note in tune().notes]
    assert accent_ratio(replace(tune(), notes=tuple(loud)), (4, 9)) == pytest.approx(4)
    assert accent_ratio(tune(), (4, 9)) == pytest.approx(1)
    tempo_map = TempoMap.steady(120, BEATS / 2)
    sound = np.full((BEATS * 24_000, 2), 0.1, np.float32)
    assert loudness_change_db(sound, tempo_map, (4,)) == pytest.approx(0, abs=1e-6)
    sound[4 * 24_000 :] *= 10
    assert loudness_change_db(sound, tempo_map, (4,)) == pytest.approx(20, abs=0.01)
    assert loudness_change_db(sound, tempo_map, (6,)) < 0


# --- seams -------------------------------------------------------------------------------------------


def test_borders_lie_where_new_music_begins() -> None:
    beats = (2 * WINDOW_FRAMES - OVERLAP_FRAMES) // 4
    assert border_beats(beats) == [WINDOW_FRAMES // 4]
    assert border_beats(WINDOW_FRAMES // 4) == []


def test_programmes_are_cut_alike_by_a_seed() -> None:
    one, again, other = (cut_programme(30.0, seed).timeline.cuts for seed in (1, 1, 2))
    assert one == again != other
    assert len(one) > 5


def test_a_surplus_at_borders_is_found_and_none_where_there_is_none() -> None:
    rng = np.random.default_rng(0)

    def takes(surplus: float) -> list[Long]:
        level = [rng.normal(size=(60, 1)) + 5 * take for take in range(4)]
        return [Long(each[:15] + surplus, each[15:]) for each in level]

    assert excess(takes(0.0), 0, rng)[2] > 0.05
    assert excess(takes(1.0), 0, rng)[2] < 0.001


@pytest.mark.slow
def test_two_pieces_spliced_leave_seams_and_one_piece_leaves_none() -> None:
    player = QuickPlayer()
    pieces = [compose(seed, "house").arrangement for seed in range(10)]
    whole, cut = [], []
    for one, other in zip(pieces[::2], pieces[1::2], strict=True):
        count = min(one.beat_count, other.beat_count)
        borders = list(range(20, count - 8, 16))  # at no place where its form turns
        tempo_map = TempoMap.steady(120, count / 2)
        for music, takes in ((one, whole), (spliced(one, other, borders), cut)):
            shortened = replace(
                music, beat_count=count, notes=tuple(n for n in music.notes if n.start_beat < count)
            )
            found = changes(shortened, tempo_map, player)
            takes.append(replace(compare(found, borders), elsewhere=found[12::16][1:-1]))
    rng = np.random.default_rng(0)
    key = MEASURES.index("key")
    assert excess(whole, key, rng)[2] > 0.01
    assert excess(cut, key, rng)[2] < 0.01
