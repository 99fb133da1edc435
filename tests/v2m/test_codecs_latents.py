"""The score codec holds what an arranger writes: exactly when clean, nearly always under noise."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.codecs.arrangement import DRUM_VOICES, PITCHED_PARTS, Arrangement, Note, Part
from v2m.codecs.latents import CHANNEL_COUNT, GROUPS, decode, dynamics_curve, encode, group_slices
from v2m.codecs.layout import CHANNEL_NAMES, fold_pitch, pitch_range
from v2m.codecs.programs import PROGRAM_TABLES, nearest_program
from v2m.errors import InputError

STEP_S_AT_120_BPM = 0.125
LINES: tuple[Part, ...] = ("bass", "lead", "extras")


def composed(seed: int, *, tonic: int | None = None, beat_count: int = 32) -> Arrangement:
    """A random piece within what the layout holds: grooves, chords, lines, swing, rests, repeated notes."""
    rng = np.random.default_rng(seed)
    tonic = int(rng.integers(12)) if tonic is None else tonic
    steps = beat_count * 4
    notes: list[Note] = []
    swing = rng.uniform(0, 0.35)

    def start(step: int) -> float:
        return (step + swing * (step % 2)) / 4

    for key in DRUM_VOICES.values():
        for step in np.flatnonzero(rng.random(steps) < 0.2):
            notes.append(Note("drums", start(step), 0.25, key, int(rng.integers(1, 128))))
    for part in LINES:
        step = int(rng.integers(4))
        while step < steps:
            held = min(int(rng.integers(1, 9)), steps - step)
            pitch = int(rng.choice(pitch_range(part, tonic)))
            # a line's note ends where the next may begin, swung or not
            notes.append(
                Note(part, start(step), start(step + held) - start(step), pitch, int(rng.integers(1, 128)))
            )
            step += held + int(rng.integers(3))
    step = 0
    while step < steps:
        held = min(int(rng.integers(1, 17)), steps - step)
        velocity = int(rng.integers(1, 128))
        for pitch in rng.choice(pitch_range("harmony", tonic), size=4, replace=False):
            length = start(step + held) - start(step)
            notes.append(Note("harmony", start(step), length, int(pitch), velocity))
        step += held
    notes.sort(key=lambda note: (note.start_beat, note.part, note.pitch))
    programs = {part: int(rng.choice(table)) for part, table in PROGRAM_TABLES.items()}
    return Arrangement(beat_count, tuple(notes), tonic, 4, programs)


def places(arrangement: Arrangement) -> set[tuple[Part, int, int]]:
    return {(n.part, int(n.start_beat * 4 + 0.5), n.pitch) for n in arrangement.notes}


def by_place(arrangement: Arrangement) -> dict[tuple[Part, int, int], Note]:
    return {(n.part, int(n.start_beat * 4 + 0.5), n.pitch): n for n in arrangement.notes}


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_clean_round_trip_is_exact(seed: int) -> None:
    piece = composed(seed)
    back = decode(encode(piece), piece.tonic)
    assert places(back) == places(piece)
    assert back.programs == piece.programs
    assert back.beat_count == piece.beat_count
    written, read = by_place(piece), by_place(back)
    for place, note in written.items():
        other = read[place]
        assert abs(other.start_beat - note.start_beat) * 4 * STEP_S_AT_120_BPM < 0.005
        assert abs(other.velocity - note.velocity) <= 2
        # the end of a line's note is read as whole within a twentieth of a sixteenth
        assert other.duration_beats == pytest.approx(note.duration_beats, abs=0.05 / 4 + 1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_noise_of_015_loses_under_one_note_in_a_hundred(seed: int) -> None:
    piece = composed(seed)
    latents = encode(piece)
    noisy = latents + np.random.default_rng(seed + 1).normal(0, 0.15, latents.shape)
    back = decode(noisy, piece.tonic)
    # noise moves an attack by up to half a sixteenth only where swing already put it near the border
    written = by_place(piece)
    clean_steps = {(n.part, round(n.start_beat * 4 - 0.1), n.pitch) for n in piece.notes}
    read_steps = {(n.part, round(n.start_beat * 4 - 0.1), n.pitch) for n in back.notes}
    assert len(clean_steps & read_steps) >= 0.99 * len(written)
    assert len(read_steps - clean_steps) <= 0.01 * len(written)
    assert back.programs == piece.programs


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), shift=st.integers(0, 11))
def test_a_transposed_piece_has_the_same_latents(seed: int, shift: int) -> None:
    piece = composed(seed, tonic=0, beat_count=8)
    up = shift - 12 if shift > 6 else shift
    moved = Arrangement(
        piece.beat_count,
        tuple(
            n if n.part == "drums" else Note(n.part, n.start_beat, n.duration_beats, n.pitch + up, n.velocity)
            for n in piece.notes
        ),
        shift,
        4,
        piece.programs,
    )
    np.testing.assert_array_equal(encode(moved), encode(piece))


def test_groups_cover_every_channel_once_and_keep_a_part_whole() -> None:
    covered = [c for group in GROUPS for c in range(CHANNEL_COUNT)[group_slices[group]]]
    assert covered == list(range(CHANNEL_COUNT))
    piece, other = composed(1, tonic=3), composed(2, tonic=3)
    mixed = encode(piece)
    mixed[:, group_slices["drums"]] = encode(other)[:, group_slices["drums"]]
    back = decode(mixed, 3)
    assert {p for p in places(back) if p[0] == "drums"} == {p for p in places(other) if p[0] == "drums"}
    assert {p for p in places(back) if p[0] != "drums"} == {p for p in places(piece) if p[0] != "drums"}
    assert back.programs["drums"] == other.programs["drums"]
    assert back.programs["bass"] == piece.programs["bass"]


def test_repeated_notes_and_held_chords_are_told_apart() -> None:
    struck_twice = (
        Note("harmony", 0, 1, 60, 80),
        Note("harmony", 1, 1, 60, 80),
        Note("harmony", 0, 2, 64, 80),
    )
    line = (Note("lead", 0, 0.25, 72, 90), Note("lead", 0.25, 0.25, 72, 90), Note("lead", 0.5, 1.5, 72, 90))
    back = decode(encode(Arrangement(2, struck_twice + line)), 0)
    assert sorted((n.start_beat, n.duration_beats) for n in back.notes if n.pitch == 60) == [(0, 1), (1, 1)]
    assert [n.duration_beats for n in back.notes if n.pitch == 64] == [2]
    assert [n.start_beat for n in back.notes if n.pitch == 72] == [0, 0.25, 0.5]


def read_back(*notes: Note, beat_count: int = 4, noise: float = 0.0) -> list[Note]:
    latents = encode(Arrangement(beat_count, notes))
    return list(decode(latents + noise * np.random.default_rng(0).standard_normal(latents.shape), 0).notes)


def assert_same_notes(found: list[Note], expected: list[Note]) -> None:
    assert [(n.part, n.pitch) for n in found] == [(n.part, n.pitch) for n in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.start_beat == pytest.approx(other.start_beat, abs=0.005)
        assert abs(one.velocity - other.velocity) <= 1
        if one.part != "drums":
            assert one.duration_beats == pytest.approx(other.duration_beats, abs=0.05 / 4 + 1e-6)


def test_rolls_flams_and_ghosts_keep_every_stroke() -> None:
    hats = [Note("drums", i / 8, 0.25, 42, 60 + i) for i in range(16)]
    flam = [Note("drums", 2.95, 0.25, 38, 40), Note("drums", 3, 0.25, 38, 110)]
    crash = [Note("drums", 3.2, 0.25, 49, 60), Note("drums", 3.25, 0.25, 49, 100)]  # has no second channel
    assert_same_notes(read_back(*hats, *flam, *crash), [*hats, *flam, *crash])


def test_every_string_of_a_strum_keeps_its_time_and_touch() -> None:
    strum = [Note("harmony", 1 + 0.02 * i, 1.6 - 0.02 * i, 52 + 4 * i, 70 + 6 * i) for i in range(5)]
    upward = [Note("harmony", 3.05 - 0.01 * i, 0.5 + 0.01 * i, 52 + 4 * i, 60) for i in range(5)][::-1]
    assert_same_notes(read_back(*strum, *upward), [*strum, *upward])


def test_a_strum_across_the_border_of_two_sixteenths_stays_one_chord() -> None:
    latents = encode(
        Arrangement(4, tuple(Note("harmony", 1.11 + 0.01 * i, 1, 52 + 4 * i, 80) for i in range(4)))
    )
    assert ((latents[:, group_slices["harmony"]][:, 36]) > 0).sum() == 1


def test_chords_end_inside_a_sixteenth() -> None:
    notes = [Note("harmony", 0.03, 0.1, 60, 80), Note("harmony", 1, 1.9, 64, 80)]
    assert_same_notes(read_back(*notes), notes)


def test_triplets_and_six_eight_survive_in_every_part() -> None:
    thirds = [i / 3 for i in range(12)]
    notes = [
        Note(part, at, 1 / 3, 60 if part != "bass" else 40, 90) for at in thirds for part in PITCHED_PARTS
    ]
    notes += [Note("drums", at, 0.25, 42, 90) for at in thirds]
    notes.sort(key=lambda n: (n.start_beat, n.part, n.pitch))
    assert_same_notes(read_back(*notes), notes)


def test_a_grace_note_takes_the_free_sixteenth_beside_it() -> None:
    notes = [Note("lead", 0, 1, 72, 90), Note("lead", 1.95, 0.05, 73, 60), Note("lead", 2, 1, 74, 90)]
    assert_same_notes(read_back(*notes), notes)


@pytest.mark.parametrize("interval", [3, 7, 9, 12])
@pytest.mark.parametrize("part", ["lead", "extras"])
def test_a_double_stop_keeps_its_lower_note(part: Part, interval: int) -> None:
    notes = [
        Note(part, 0, 0.25, 72 - interval, 90),
        Note(part, 0, 0.25, 72, 90),
        Note(part, 0.25, 0.5, 71, 90),
    ]
    for noise in (0.0, 0.1):
        assert [(n.pitch, round(n.start_beat * 4)) for n in read_back(*notes, noise=noise)] == [
            (72 - interval, 0),
            (72, 0),
            (71, 1),
        ]


def swelling(beat_count: int = 8) -> Arrangement:
    notes = (Note("harmony", 0, beat_count, 60, 80), Note("lead", 0, 1, 72, 80), Note("drums", 0, 1, 36, 90))
    swell = tuple(np.linspace(-18, 3, 16).tolist()) + (0.0,) * (4 * beat_count - 16)
    pedals: dict[Part, tuple[tuple[float, float], ...]] = {
        "harmony": ((0.0, 2.0), (2.0, 4.5)),
        "lead": ((0.5, 8.0),),
    }
    return Arrangement(beat_count, notes, pedals=pedals, loudness_db={"harmony": swell})


@pytest.mark.parametrize(("noise", "tolerance_db"), [(0.0, 1.5), (0.05, 4.5)])
def test_pedals_and_swells_come_back(noise: float, tolerance_db: float) -> None:
    piece = swelling()
    latents = encode(piece)
    back = decode(latents + noise * np.random.default_rng(3).standard_normal(latents.shape), 0)
    # a pedal that is changed comes up for the sixteenth before
    assert back.pedals == {"harmony": ((0.0, 1.75), (2.0, 4.5)), "lead": ((0.5, 8.0),)}
    assert set(back.loudness_db) == {"harmony"}
    errors = np.subtract(back.loudness_db["harmony"], piece.loudness_db["harmony"])
    assert np.abs(errors).max() < tolerance_db


def test_what_is_undecided_adds_nothing() -> None:
    piece = composed(5)
    latents = encode(piece)
    written = latents.copy()
    for channel, name in enumerate(CHANNEL_NAMES):
        if any(word in name for word in ("second", "doubled", "pedal", "loudness", "velocity", "release")):
            written[:, channel] = 0.0
    back = decode(written, piece.tonic)
    assert {(n.part, n.pitch) for n in back.notes if n.part != "drums"} == {
        (n.part, n.pitch) for n in piece.notes if n.part != "drums"
    }
    assert not back.pedals
    assert not back.loudness_db


def test_staccato_keeps_its_length() -> None:
    back = decode(encode(Arrangement(2, (Note("bass", 0, 0.125, 36, 90), Note("bass", 1, 0.6, 36, 90)))), 0)
    assert [n.duration_beats for n in back.notes] == pytest.approx([0.125, 0.6], abs=1e-6)


def test_what_cannot_be_held_is_brought_near() -> None:
    notes = (Note("bass", 0, 1, 100, 90), Note("drums", 0, 1, 35, 90), Note("drums", 1, 1, 27, 90))
    back = decode(encode(Arrangement(4, notes, programs={"bass": 112})), 0)
    bass, kick = (next(n for n in back.notes if n.part == part) for part in ("bass", "drums"))
    assert bass.pitch % 12 == 100 % 12
    assert bass.pitch in pitch_range("bass", 0)
    assert kick.pitch == DRUM_VOICES["kick"]
    assert len(back.notes) == 2  # key 27 has no voice
    assert back.programs["bass"] == nearest_program("bass", 112)


@given(pitch=st.integers(0, 127), tonic=st.integers(0, 11), part=st.sampled_from(PITCHED_PARTS))
def test_folding_keeps_the_pitch_class_and_lands_inside(pitch: int, tonic: int, part: Part) -> None:
    folded = fold_pitch(part, tonic, pitch)
    assert folded in pitch_range(part, tonic)
    assert folded % 12 == pitch % 12
    assert folded == pitch or pitch not in pitch_range(part, tonic)


@given(st.sampled_from(PITCHED_PARTS), st.integers(0, 127))
def test_every_program_has_a_stand_in_of_its_family_where_there_is_one(part: Part, program: int) -> None:
    near = nearest_program(part, program)
    families = {known // 8 for known in PROGRAM_TABLES[part]}
    assert near // 8 == program // 8 or program // 8 not in families


def test_dynamics_rise_with_what_is_played() -> None:
    quiet = [Note("drums", beat, 0.25, 42, 40) for beat in range(16)]
    loud = [Note("drums", 16 + beat / 4, 0.25, 38, 120) for beat in range(64)]
    curve = dynamics_curve(Arrangement(32, tuple(quiet + loud)))
    assert curve.shape == (128,)
    assert 0 < curve[:32].max() < 0.1
    assert curve[96:].min() > 0.5


@pytest.mark.parametrize(
    "call",
    [
        lambda: encode(Arrangement(0, ())),
        lambda: encode(Arrangement(4, (Note("bass", -1, 1, 40, 80),))),
        lambda: decode(np.zeros((7, CHANNEL_COUNT)), 0),
        lambda: decode(np.zeros((8, 3)), 0),
        lambda: decode(np.full((8, CHANNEL_COUNT), np.nan), 0),
        lambda: decode(np.zeros((8, CHANNEL_COUNT)), 12),
    ],
)
def test_what_makes_no_sense_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"expected|not finite"):
        call()


def test_noise_alone_does_not_crash() -> None:
    back = decode(np.random.default_rng(0).normal(0, 3, (64, CHANNEL_COUNT)), 5)
    assert all(n.start_beat >= 0 and n.duration_beats > 0 and 1 <= n.velocity <= 127 for n in back.notes)
