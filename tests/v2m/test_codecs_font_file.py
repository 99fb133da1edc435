"""An excerpt of a font plays as the font does, and the tables say which notes sound alike."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v2m.codecs.font_file import FontFile
from v2m.codecs.player import Player
from v2m.codecs.soundfont import SoundFont, find_soundfont
from v2m.errors import InputError
from v2m.timebase import SAMPLE_RATE_HZ

STRINGS, SQUARE_LEAD, PIANO = (0, 48), (0, 80), (0, 0)
KIT = (128, 0)


@pytest.fixture(scope="module")
def font() -> SoundFont:
    return find_soundfont()


def player(font: SoundFont, preset: tuple[int, int], key: int, velocity: int) -> Player:
    samples = font.file.samples(*preset, key, velocity)
    return Player(font.open_preset(*preset, samples, SAMPLE_RATE_HZ), *preset)


@pytest.mark.parametrize("preset", [PIANO, STRINGS, SQUARE_LEAD, KIT])
def test_an_excerpt_sounds_like_the_whole_font(font: SoundFont, preset: tuple[int, int]) -> None:
    whole, _ = font.open_synth(SAMPLE_RATE_HZ)
    for key, velocity in ((38, 100), (60, 40), (77, 127)):
        expected = Player(whole, *preset).note(key, velocity, 9600)
        heard = player(font, preset, key, velocity).note(key, velocity, 9600)
        assert len(heard) == len(expected)
        np.testing.assert_allclose(heard, expected, atol=1e-6)
        assert np.abs(heard).max() > 0.001


@pytest.mark.parametrize("preset", [PIANO, STRINGS, KIT])
def test_notes_of_a_layer_that_is_not_shaped_differ_in_loudness_alone(
    font: SoundFont, preset: tuple[int, int]
) -> None:
    for key in (40, 60):
        (low, high), shaped = font.file.velocity_layer(*preset, key, 70)
        assert low <= 70 <= high
        soft, loud = (player(font, preset, key, v).note(key, v, 9600)[:9600] for v in (70, high))
        alike = np.allclose(soft, loud * 70 / high, atol=1e-5)
        assert alike or shaped


def test_the_tables_name_what_the_font_has(font: SoundFont) -> None:
    assert font.file.has(0, 0)
    assert font.file.has(128, 0)
    assert not font.file.has(7, 99)
    assert all(zone.keys[0] <= 127 for zone in font.file.zones(0, 0))


def test_an_excerpt_is_small(font: SoundFont) -> None:
    samples = font.file.samples(*PIANO, 60, 100)
    assert len(font.file.excerpt(*PIANO, samples)) < font.path.stat().st_size / 5


@given(cut=st.integers(0, 6_000_000))
@settings(max_examples=15, deadline=None)
def test_a_font_cut_short_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    whole = find_soundfont().path.read_bytes()
    file = tmp_path_factory.mktemp("font") / "cut.sf2"
    file.write_bytes(whole[: min(cut, len(whole) - 1)])
    with pytest.raises(InputError, match=r"cut\.sf2"):
        FontFile(file)


@pytest.mark.slow
@given(places=st.lists(st.tuples(st.integers(0, 600_000), st.integers(0, 255)), min_size=1, max_size=40))
@settings(max_examples=25, deadline=None)
def test_tables_with_wrong_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]
) -> None:
    content = bytearray(find_soundfont().path.read_bytes())
    first = content.index(b"phdr")
    for place, value in places:
        content[first + place % (len(content) - first)] = value
    file = tmp_path_factory.mktemp("font") / "wrong.sf2"
    file.write_bytes(content)
    try:
        font = FontFile(file)
        for preset in (PIANO, KIT):
            if font.has(*preset):
                font.excerpt(*preset, font.samples(*preset, 60, 100))
    except InputError:
        pass


def test_a_riff_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sound.sf2").write_bytes(b"RIFF" + struct.pack("<I", 4) + b"WAVE")
    with pytest.raises(InputError, match=r"sound\.sf2"):
        FontFile(tmp_path / "sound.sf2")
