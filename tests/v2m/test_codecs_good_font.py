"""A full SoundFont with compressed samples plays every part as the small one does, only better."""

import numpy as np
import pytest

from v2m.codecs.arrangement import PARTS, Arrangement, Note, Part
from v2m.codecs.programs import PROGRAM_TABLES
from v2m.codecs.soundfont import SoundFont, system_fonts
from v2m.codecs.synth import ScoreSynth
from v2m.metrics.heard import hit_errors_s
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

TEMPO = TempoMap(tuple(beat * 0.5 for beat in range(64)))


@pytest.fixture(scope="module")
def font() -> SoundFont:
    fonts = [font for font in system_fonts() if font.suffix.lower() == ".sf3"]
    if not fonts:
        pytest.skip("no compressed General MIDI font here: apt install musescore-general-soundfont-small")
    return SoundFont(fonts[0])


def test_all_parts_sound_on_their_beats_and_end(font: SoundFont) -> None:
    notes = [Note("drums", beat, 0.25, 36 if beat % 2 == 0 else 38, 100) for beat in range(8)]
    notes += [Note("bass", beat, 0.9, 40 + beat, 90) for beat in range(8)]
    notes += [Note("lead", beat, 0.9, 72 + beat, 90) for beat in range(8)]
    notes += [Note("extras", beat + 0.5, 0.4, 67 + beat, 80) for beat in range(8)]
    notes += [Note("harmony", bar, 3.9, pitch, 80) for bar in (0, 4) for pitch in (57, 60, 64)]
    band = Arrangement(8, tuple(sorted(notes, key=lambda n: (n.start_beat, n.part, n.pitch))))
    stems = ScoreSynth(font).render(band, TEMPO, sample_count=12 * SAMPLE_RATE_HZ)
    assert set(stems) == set(PARTS)
    for part, samples in stems.items():
        assert 0.01 < np.abs(samples[: 4 * SAMPLE_RATE_HZ]).max() < 2, part
        assert not samples[-SAMPLE_RATE_HZ:].any(), part
    strokes_s = [0.5 * beat for beat in range(1, 8)]  # what rises from nothing has no onset
    errors = hit_errors_s(stems["drums"], SAMPLE_RATE_HZ, strokes_s)
    assert all(error is not None and abs(error) < 0.02 for error in errors)


def test_a_note_asks_for_a_small_part_of_the_font(font: SoundFont) -> None:
    samples = font.file.samples(0, 0, 60, 100)
    assert samples
    assert len(font.file.excerpt(0, 0, samples)) < font.path.stat().st_size / 50


def test_rendering_twice_gives_the_same_bits(font: SoundFont) -> None:
    notes = tuple(Note("harmony", 0.5 * step, 1, 50 + step, 20 + 9 * step) for step in range(12))
    piano = Arrangement(6, notes, programs={"harmony": 0})
    first, second = (
        ScoreSynth(font).render(piano, TEMPO, sample_count=5 * SAMPLE_RATE_HZ)["harmony"] for _ in range(2)
    )
    assert first.any()
    np.testing.assert_array_equal(first, second)


def test_above_its_range_an_instrument_plays_octaves_lower_and_free_keys_of_a_kit_are_silent(
    font: SoundFont,
) -> None:
    finger_bass, too_high, analogue_kit, free_key = 33, 100, 25, 58
    assert not font.file.samples(0, finger_bass, too_high, 90)
    assert not font.file.samples(128, analogue_kit, free_key, 90)
    notes = (Note("bass", 0, 1, too_high, 90), Note("bass", 2, 1, too_high - 24, 90))
    programs = {"bass": finger_bass, "drums": analogue_kit}
    band = Arrangement(6, (notes[0], Note("drums", 0, 0.25, free_key, 90), notes[1]), programs=programs)
    stems = ScoreSynth(font).render(band, TEMPO, sample_count=5 * SAMPLE_RATE_HZ)
    beat = SAMPLE_RATE_HZ // 2
    np.testing.assert_allclose(
        np.abs(stems["bass"][:beat]).max(), np.abs(stems["bass"][2 * beat : 3 * beat]).max(), rtol=0.05
    )
    assert not np.any(stems.get("drums", np.zeros(1)))


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_every_instrument_and_kit_of_the_tables_is_there(font: SoundFont, part: Part) -> None:
    bank = 128 if part == "drums" else 0
    missing = [program for program in PROGRAM_TABLES[part] if not font.file.has(bank, program)]
    assert not missing
