"""Hits are struck where they are, in proportion, and the piece ends where it is told to."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.codecs.accents import accent_hits
from v2m.codecs.arrangement import Arrangement, Note, Part

KICK, SNARE, HAT, CRASH = 36, 38, 42, 49


def piece(*notes: Note, beat_count: int = 32, **programs: int) -> Arrangement:
    named: dict[Part, int] = {part: programs[part] for part in programs}  # type: ignore[misc]
    return Arrangement(beat_count, notes, 0, 4, named)


def groove(beat_count: int = 32) -> tuple[Note, ...]:
    notes = [Note("drums", beat / 2, 0.25, HAT, 70) for beat in range(2 * beat_count)]
    notes += [Note("drums", beat, 0.25, KICK if beat % 2 == 0 else SNARE, 90) for beat in range(beat_count)]
    notes += [Note("bass", beat, 1, 36, 80) for beat in range(beat_count)]
    return tuple(sorted(notes, key=lambda n: (n.start_beat, n.part, n.pitch)))


def pads(beat_count: int = 32) -> tuple[Note, ...]:
    return tuple(
        Note("harmony", bar, 4, pitch, 60) for bar in range(0, beat_count, 4) for pitch in (60, 64, 67)
    )


def at(arrangement: Arrangement, beat: float, part: Part | None = None) -> list[Note]:
    return [n for n in arrangement.notes if n.start_beat == beat and part in (None, n.part)]


hit_lists = st.lists(
    st.tuples(st.floats(0, 31), st.floats(0.5, 1), st.sampled_from(["cut", "marker"])), max_size=12
)


@given(hits=hit_lists, band=st.sampled_from(["groove", "pads", "both", "nothing"]))
def test_every_heavy_hit_has_an_attack_exactly_there(hits: list[tuple[float, float, str]], band: str) -> None:
    notes = {"groove": groove(), "pads": pads(), "both": groove() + pads(), "nothing": ()}[band]
    out = accent_hits(piece(*notes, harmony=48), hits)
    for beat, weight, _ in hits:
        heavier = [b for b, w, _ in hits if b != beat and max(b, beat) - 0.2 <= min(b, beat) and w >= weight]
        struck = at(out, beat)
        assert struck or heavier
        if struck and not heavier:
            assert max(n.velocity for n in struck) >= 60 + 30 * weight
    assert all(1 <= n.velocity <= 127 and n.duration_beats > 0 and n.start_beat >= 0 for n in out.notes)
    assert list(out.notes) == sorted(out.notes, key=lambda n: (n.start_beat, n.part, n.pitch))


@pytest.mark.parametrize(("first", "second", "kept"), [(1.0, 1.0, 0.0), (1.0, 0.6, 0.0), (0.6, 1.0, 0.2)])
def test_of_two_hits_as_far_apart_as_a_note_is_pulled_the_heavier_is_struck(
    first: float, second: float, kept: float
) -> None:
    out = accent_hits(piece(*groove()), [(0.0, first, "cut"), (0.2, second, "cut")])
    assert at(out, kept)
    assert not at(out, 0.2 - kept)


@settings(max_examples=30)
@given(hits=hit_lists)
def test_music_away_from_the_hits_stays_as_it_was(hits: list[tuple[float, float, str]]) -> None:
    given_notes = groove() + pads()
    out = set(accent_hits(piece(*given_notes, harmony=48), hits).notes)
    for note in given_notes:
        end = note.start_beat + note.duration_beats
        if all(not note.start_beat - 0.5 < beat < end + 0.5 for beat, _, _ in hits):
            assert note in out


def test_light_hits_are_left_to_the_music() -> None:
    before = piece(*groove())
    assert accent_hits(before, [(4.0, 0.4, "cut"), (5.3, 0.1, "visual")]).notes == before.notes


def test_attacks_there_are_raised_by_weight_and_the_ones_before_give_way() -> None:
    soft, hard = (accent_hits(piece(*groove()), [(8.0, weight, "cut")]) for weight in (0.5, 1.0))
    kick_soft, kick_hard = (
        next(n.velocity for n in at(each, 8.0, "drums") if n.pitch == KICK) for each in (soft, hard)
    )
    assert 90 < kick_soft < kick_hard <= 127
    close = piece(*groove(), Note("drums", 7.75, 0.25, HAT, 70))
    hat = next(n for n in accent_hits(close, [(8.0, 1.0, "cut")]).notes if n.start_beat == 7.75)
    assert hat.velocity < 55


def test_a_crash_marks_only_heavy_hits_and_not_twice() -> None:
    hits = [(4.0, 0.6, "cut"), (8.0, 0.9, "cut"), (8.5, 0.9, "cut"), (16.0, 1.0, "marker")]
    crashes = [n.start_beat for n in accent_hits(piece(*groove()), hits).notes if n.pitch == CRASH]
    assert crashes == [8.0, 16.0]


def test_a_hit_beside_the_beat_pulls_it_over_instead_of_flamming() -> None:
    out = accent_hits(piece(*groove()), [(8.08, 0.8, "cut")])
    assert not at(out, 8.0)
    assert {n.pitch for n in at(out, 8.08, "drums")} >= {KICK, HAT}
    bass = at(out, 8.08, "bass")[0]
    assert bass.start_beat + bass.duration_beats == pytest.approx(9.0)


def test_a_held_chord_is_struck_again_as_it_sounds() -> None:
    out = accent_hits(piece(*pads(), harmony=0), [(5.3, 0.8, "cut")])
    assert sorted(n.pitch for n in at(out, 5.3, "harmony")) == [60, 64, 67]
    assert all(n.duration_beats == pytest.approx(1.3) for n in at(out, 4.0, "harmony"))
    assert not [n for n in out.notes if n.part == "drums"]  # a piano speaks for itself


def test_soft_instruments_get_a_low_drum_but_never_a_crash() -> None:
    out = accent_hits(piece(*pads(), harmony=48), [(5.3, 1.0, "cut"), (7.0, 1.0, "cut")])
    drums = [n for n in out.notes if n.part == "drums"]
    assert [(n.start_beat, n.pitch) for n in drums] == [(5.3, KICK), (7.0, KICK)]
    assert out.programs["drums"] == 48


# --- the end ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ([(28.0, 1.0, "cut"), (32.0, 1.0, "end")], 28.0),
        ([(28.0, 1.0, "cut"), (31.5, 1.0, "cut"), (32.0, 1.0, "end")], 28.0),
        ([(10.0, 1.0, "cut"), (32.0, 1.0, "end")], 28.0),
        ([(32.0, 1.0, "end")], 28.0),
        ([(29.3, 1.0, "cut"), (32.7, 1.0, "end")], 29.3),
    ],
)
def test_the_piece_ends_on_a_tonic_chord_that_rings(
    hits: list[tuple[float, float, str]], expected: float
) -> None:
    out = accent_hits(piece(*groove(), *pads(), beat_count=36, harmony=0), hits)
    chord = at(out, expected, "harmony")
    assert {n.pitch % 12 for n in chord} == {0, 4, 7}
    assert {n.pitch % 12 for n in at(out, expected, "bass")} == {0}
    later_hits = {beat for beat, _, kind in hits if kind != "end" and beat > expected}
    assert {n.start_beat for n in out.notes if n.start_beat > expected} <= later_hits
    end = next(beat for beat, _, kind in hits if kind == "end")
    assert max(n.start_beat + n.duration_beats for n in out.notes if n.part == "harmony") > end


@pytest.mark.parametrize(("before", "breath"), [(20.0, 0.5), (27.5, 0.25)])
def test_a_breath_is_taken_before_the_last_chord_but_no_hit_is_lost_for_it(
    before: float, breath: float
) -> None:
    fast = tuple(Note("lead", beat / 4, 0.5, 72, 90) for beat in range(128))
    out = accent_hits(
        piece(*groove(), *pads(), *fast, beat_count=36),
        [(before, 1.0, "cut"), (28.0, 1.0, "cut"), (32.0, 1.0, "end")],
    )
    assert not [n for n in out.notes if 28.0 - breath < n.start_beat < 28.0]
    held = [n for n in out.notes if n.part != "drums" and n.start_beat < 28.0]
    assert max(n.start_beat + n.duration_beats for n in held) == pytest.approx(28.0 - breath)
    assert at(out, before)
    assert {n.pitch for n in at(out, 28.0, "drums")} >= {KICK, SNARE, CRASH}


def test_the_last_root_is_heard_however_low_the_bass_went() -> None:
    low = tuple(Note("bass", beat, 1, 8, 80) for beat in range(32))
    out = accent_hits(piece(*low, *pads(), beat_count=36), [(28.0, 1.0, "cut"), (32.0, 1.0, "end")])
    (root,) = at(out, 28.0, "bass")
    assert root.pitch % 12 == 0
    assert root.pitch >= 28


def test_a_crash_leaves_the_beats_after_it_to_be_heard() -> None:
    out = accent_hits(piece(*groove(), *pads()), [(12.0, 1.0, "cut"), (28.0, 1.0, "cut"), (32.0, 1.0, "end")])
    for beat in (12.0, 28.0):
        struck = {n.pitch: n.velocity for n in at(out, beat, "drums")}
        assert struck[CRASH] <= 80 < 110 < struck[KICK]


def test_a_minor_piece_ends_in_minor_and_short_pieces_end_too() -> None:
    minor = tuple(Note("harmony", 0, 4, pitch, 60) for pitch in (60, 63, 67))
    out = accent_hits(piece(*minor, beat_count=8), [(6.0, 1.0, "end")])
    assert {n.pitch % 12 for n in at(out, 4.0, "harmony")} == {0, 3, 7}
    tiny = accent_hits(piece(*minor, beat_count=4), [(0.5, 1.0, "end")])
    assert {n.start_beat for n in tiny.notes} == {0.0}
    assert accent_hits(piece(beat_count=4), [(3.0, 1.0, "end")]).notes == ()


def test_work_grows_with_length_not_its_square() -> None:
    def instructions(beat_count: int) -> int:
        notes = groove(beat_count) + pads(beat_count)
        hits = [(at + 0.3, 0.8, "cut") for at in range(0, beat_count, 5)]
        done = 0

        def count(frame: FrameType, event: str, _: object) -> Callable[..., Any]:
            nonlocal done
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            done += event == "opcode"
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            accent_hits(piece(*notes, beat_count=beat_count), hits)
        finally:
            sys.settrace(before)
        return done

    assert instructions(400) < 10 * instructions(50)
