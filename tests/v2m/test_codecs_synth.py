"""Stems stand on their samples, end in silence, and change only where the notes change."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from v2m.audio.loudness import k_weighted
from v2m.codecs.arrangement import DRUM_VOICES, PARTS, Arrangement, Note, Part
from v2m.codecs.desk import CALIBRATION_PITCHES, DRUM_LEVELS_DB, Channel, Desk
from v2m.codecs.room import BLOCK_SAMPLES, Rooms, impulse_response
from v2m.codecs.synth import ScoreSynth
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

STEADY = TempoMap(tuple(i * 0.5 for i in range(200)))
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def synth() -> ScoreSynth:
    return ScoreSynth()


@pytest.fixture(scope="module")
def dry() -> ScoreSynth:
    plain = Desk()
    return ScoreSynth(desk=Desk({p: replace(c, room_send=0.0, pan=0.0) for p, c in plain.channels.items()}))


def band(beat_count: int = 32, seed: int = 0) -> Arrangement:
    rng = np.random.default_rng(seed)
    notes: list[Note] = []
    for step in range(beat_count * 4):
        beat = step / 4 + float(rng.uniform(0, 0.05))
        notes.append(Note("drums", beat, 0.25, int(rng.choice([36, 38, 42, 46])), int(rng.integers(40, 120))))
        if step % 4 == 0:
            notes.append(Note("bass", beat, 0.9, int(rng.integers(30, 50)), 90))
            notes.append(Note("lead", beat, 1.0, int(rng.integers(60, 80)), 80))
        if step % 16 == 0:
            notes += [Note("harmony", beat, 4, pitch, 70) for pitch in (52, 57, 60, 64)]
    notes.sort(key=lambda n: (n.start_beat, n.part, n.pitch))
    return Arrangement(beat_count, tuple(notes), 9, 4, {"harmony": 48, "lead": 73})


def peak_db(samples: Samples) -> float:
    return float(20 * np.log10(max(1e-12, np.abs(samples).max())))


def test_attacks_stand_on_their_sample(dry: ScoreSynth) -> None:
    tempo = TempoMap((0.0, 0.437, 1.009, 1.4, 2.2))
    notes = tuple(Note("drums", beat, 0.25, 38, 110) for beat in (0.0, 1.0, 1.37, 2.5))
    stem = dry.render(Arrangement(4, notes), tempo, sample_count=3 * SAMPLE_RATE_HZ)["drums"]
    alone = dry.render(Arrangement(4, notes[:1]), tempo, sample_count=SAMPLE_RATE_HZ)["drums"][:4800]
    for note in notes:
        at = round(float(tempo.time_s(np.array(note.start_beat))) * SAMPLE_RATE_HZ)
        rang_before = stem[at - 1] if at else np.zeros(2, np.float32)
        assert np.abs(rang_before).max() < 0.05 * np.abs(alone).max()
        np.testing.assert_allclose(stem[at : at + 4800], alone, atol=2e-3 * np.abs(alone).max())


def test_the_offset_moves_the_arrangement_on_the_map(dry: ScoreSynth) -> None:
    one = Arrangement(4, (Note("bass", 0, 1, 40, 90),))
    at_beat_3 = dry.render(one, STEADY, sample_count=3 * SAMPLE_RATE_HZ, beat_offset=3)["bass"]
    at_zero = dry.render(one, STEADY, sample_count=3 * SAMPLE_RATE_HZ)["bass"]
    shift = round(1.5 * SAMPLE_RATE_HZ)
    assert not at_beat_3[:shift].any()
    np.testing.assert_array_equal(at_beat_3[shift:], at_zero[:-shift])


def test_only_parts_with_notes_sound_and_they_end_in_silence(synth: ScoreSynth) -> None:
    music = band(8)
    count = 14 * SAMPLE_RATE_HZ
    stems = synth.render(music, STEADY, sample_count=count)
    assert set(stems) == {"drums", "bass", "harmony", "lead"}
    for samples in stems.values():
        assert samples.shape == (count, 2)
        assert samples.dtype == np.float32
        assert -30 < peak_db(samples[: 4 * SAMPLE_RATE_HZ]) < 6
        assert not samples[10 * SAMPLE_RATE_HZ :].any()  # nothing hangs: silence to the last bit
        assert np.isfinite(samples).all()


def test_no_attack_clicks_on_a_soft_instrument(synth: ScoreSynth) -> None:
    notes = tuple(Note("harmony", beat, 1.5, 60 + beat, 80) for beat in range(8))
    stem = synth.render(Arrangement(8, notes, programs={"harmony": 48}), STEADY, sample_count=240_000)
    samples = stem["harmony"]
    assert np.abs(np.diff(samples, axis=0)).max() < 0.25 * np.abs(samples).max()


def test_rendering_twice_or_in_blocks_or_from_the_middle_gives_the_same_bits(synth: ScoreSynth) -> None:
    music, count = band(), 18 * SAMPLE_RATE_HZ + 1234
    whole = synth.render(music, STEADY, sample_count=count)
    again = ScoreSynth().render(music, STEADY, sample_count=count)
    late = list(synth.blocks(music, STEADY, sample_count=count, first_block=9))
    for part, samples in whole.items():
        np.testing.assert_array_equal(again[part], samples)
        np.testing.assert_array_equal(np.concatenate([b[part] for b in late]), samples[9 * BLOCK_SAMPLES :])


def test_a_changed_bar_changes_nothing_before_and_nothing_after_its_ring(synth: ScoreSynth) -> None:
    music, count = band(40), 21 * SAMPLE_RATE_HZ
    changed = replace(
        music,
        notes=tuple(
            replace(n, pitch=n.pitch + (3 if n.part != "drums" else 0), velocity=60)
            if 12 <= n.start_beat < 16
            else n
            for n in music.notes
        ),
    )
    before, after = (synth.render(each, STEADY, sample_count=count) for each in (music, changed))
    for part in before:
        # the change begins at 6 s, its last note ends by 10 s; rings last 4 s, the room 1 s and its block
        np.testing.assert_array_equal(before[part][: 6 * BLOCK_SAMPLES], after[part][: 6 * BLOCK_SAMPLES])
        np.testing.assert_array_equal(before[part][16 * BLOCK_SAMPLES :], after[part][16 * BLOCK_SAMPLES :])
        assert not np.array_equal(before[part][6 * BLOCK_SAMPLES :], after[part][6 * BLOCK_SAMPLES :])


def test_louder_notes_are_louder_whatever_rendering_they_share(dry: ScoreSynth) -> None:
    peaks = []
    for velocity in range(8, 128, 5):
        stem = dry.render(Arrangement(1, (Note("bass", 0, 1, 40, velocity),)), STEADY, sample_count=48_000)
        peaks.append(float(np.abs(stem["bass"]).max()))
    assert (np.diff(peaks) > 0).all()
    assert peaks[-1] / peaks[0] > 20


@pytest.mark.slow
@pytest.mark.parametrize("part", [p for p in PARTS if p != "drums"])
def test_the_balance_does_not_depend_on_the_instrument(dry: ScoreSynth, part: Part) -> None:
    def level(program: int) -> float:
        notes = (Note(part, 0, 1, CALIBRATION_PITCHES[part], 100),)
        arrangement = Arrangement(2, notes, programs={part: program})
        samples = dry.render(arrangement, STEADY, sample_count=48_000)[part]
        power = np.convolve((samples**2).mean(axis=1), np.ones(9600) / 9600, "valid").max()
        return float(10 * np.log10(power))

    levels = [level(program) for program in (0, 11, 33, 48, 73, 81)]
    assert max(levels) - min(levels) < 3


def test_a_closed_hat_stops_an_open_one(dry: ScoreSynth) -> None:
    opened = Note("drums", 0, 0.25, 46, 110)
    ringing, stopped = (
        dry.render(Arrangement(4, notes), STEADY, sample_count=48_000)["drums"]
        for notes in ((opened,), (opened, Note("drums", 0.25, 0.25, 42, 1)))
    )
    later = slice(round(0.25 * SAMPLE_RATE_HZ), None)
    assert peak_db(ringing[later]) > peak_db(stopped[later]) + 20


def test_unknown_kits_and_programs_fall_back_to_what_the_font_has(synth: ScoreSynth) -> None:
    music = Arrangement(1, (Note("drums", 0, 1, 36, 100),), programs={"drums": 77})
    assert synth.render(music, STEADY, sample_count=4800)["drums"].any()


def test_panning_and_sends_follow_the_desk() -> None:
    desk = Desk({"bass": Channel(level=0.1, pan=-1.0, room_send=0.0)})
    stem = ScoreSynth(desk=desk).render(
        Arrangement(1, (Note("bass", 0, 1, 40, 100),)), STEADY, sample_count=24_000
    )["bass"]
    assert stem[:, 0].any()
    assert not stem[:, 1].any()


def test_the_room_is_the_same_each_time_and_dies_away() -> None:
    response = impulse_response(0.9)
    assert len(response) <= BLOCK_SAMPLES
    np.testing.assert_allclose((response**2).sum(axis=0), 1, rtol=1e-4)
    assert not response[0].any()
    assert peak_db(response[-480:]) < peak_db(response) - 50
    assert abs(float((response[:, 0] * response[:, 1]).sum())) < 0.2  # wide: the sides differ


def test_memory_stays_flat_over_the_length(synth: ScoreSynth) -> None:
    def peak_bytes(seconds: int) -> int:
        notes = tuple(Note("drums", float(beat), 0.25, 36, 90) for beat in range(2 * seconds))
        music = Arrangement(2 * seconds, notes)
        tempo = TempoMap(tuple(i * 0.5 for i in range(2 * seconds + 8)))
        tracemalloc.start()
        heard = sum(
            bool(block["drums"].any())
            for block in synth.blocks(music, tempo, sample_count=seconds * SAMPLE_RATE_HZ)
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert heard == seconds
        return peak

    peak_bytes(5)  # fills the cache of notes
    assert peak_bytes(60) < 1.3 * peak_bytes(15)


@pytest.mark.parametrize("kit", [0, 25, 48])
def test_kick_snare_and_hats_keep_their_balance_in_every_kit(dry: ScoreSynth, kit: int) -> None:
    def level_db(key: int) -> float:
        arrangement = Arrangement(1, (Note("drums", 0, 0.25, key, 100),), programs={"drums": kit})
        samples = dry.render(arrangement, STEADY, sample_count=48_000)["drums"]
        power = np.convolve((k_weighted(samples) ** 2).sum(axis=0), np.ones(2400) / 2400, "full")
        return float(10 * np.log10(power.max()))

    for voice, expected_db in DRUM_LEVELS_DB.items():
        if voice in ("kick", "snare", "closed hat"):
            assert abs(level_db(DRUM_VOICES[voice]) - expected_db) < 1.5


def test_a_room_answers_each_part_as_if_it_were_alone() -> None:
    rng = np.random.default_rng(5)
    sends = {
        part: rng.standard_normal((3, BLOCK_SAMPLES)).astype(np.float32) for part in ("lead", "bass", "x")
    }
    sends["bass"][1] = 0  # silent for a second, in which the one before still rings
    together = Rooms(0.9)
    alone = {part: Rooms(0.9) for part in sends}
    for second in range(3):
        heard = together.answers({part: send[second] for part, send in sends.items()})
        for part, send in sends.items():
            np.testing.assert_array_equal(heard[part], alone[part].answers({part: send[second]})[part])
