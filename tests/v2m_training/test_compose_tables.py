"""The tables of the composer fit together: every name is known, every pattern has its length."""

import pytest
from v2m_training.compose.bass import BASSES
from v2m_training.compose.comping import COMPS
from v2m_training.compose.figures import FIGURES
from v2m_training.compose.grooves import FILLS, GROOVES, ORCHESTRAL_FILLS
from v2m_training.compose.harmony import SCALES
from v2m_training.compose.melody import RHYTHMS
from v2m_training.compose.progressions import progressions
from v2m_training.compose.styles import STYLES, Style, names
from v2m_training.compose.words import instrument

from v2m.codecs.arrangement import DRUM_VOICES, Part
from v2m.codecs.programs import PROGRAM_TABLES
from v2m.prompt.vocabulary import TERM_INDEX


@pytest.mark.parametrize("name", STYLES)
def test_a_style_names_what_exists(name: str) -> None:
    style = STYLES[name]
    assert name in TERM_INDEX
    assert set(names(style.moods)) <= set(TERM_INDEX)
    assert set(names(style.modes)) <= set(SCALES)
    assert set(names(style.basses)) | set(names(style.basses_in_three)) <= set(BASSES)
    assert set(names(style.comps)) | set(names(style.comps_in_three)) <= set(COMPS)
    assert set(names(style.figures)) <= set(FIGURES)
    assert style.pace in RHYTHMS
    for listed in (style.grooves, style.grooves_in_three):
        assert not listed or set(names(listed)) <= set(GROOVES)
    assert all(progressions(style.chords, mode) for mode in names(style.modes))
    assert 60 <= style.bpm[0] < style.bpm[1] <= 180


def _programs(style: Style) -> dict[Part, tuple[int, ...]]:
    return {
        "drums": style.kits,
        "bass": style.bass,
        "harmony": style.harmony,
        "lead": style.lead,
        "extras": style.extras,
    }


@pytest.mark.parametrize("name", STYLES)
def test_instruments_can_be_written_and_named(name: str) -> None:
    for part, programs in _programs(STYLES[name]).items():
        assert set(programs) <= set(PROGRAM_TABLES[part]), part
        if part != "drums":
            assert all(instrument(part, program) in TERM_INDEX for program in programs), part


@pytest.mark.parametrize("name", GROOVES)
def test_a_groove_fills_its_bar(name: str) -> None:
    groove = GROOVES[name]
    lengths = {len(pattern) for pattern in (*groove.voices.values(), *groove.lift.values())}
    assert lengths in ({16}, {12})
    assert set(groove.voices) | set(groove.lift) <= set(DRUM_VOICES)
    assert groove.light
    assert groove.light <= set(groove.voices)
    assert set("".join([*groove.voices.values(), *groove.lift.values()])) <= set("Xxog?.")


def test_patterns_are_written_in_their_own_signs() -> None:
    assert set("".join(BASSES.values())) <= set("R3578a-.")
    assert set("".join(COMPS.values())) <= set("Xxo01234-.")
    assert set("".join(FIGURES.values())) <= set("0123456-.")
    assert all(set(pattern) <= set("x-.") for bars in RHYTHMS.values() for pattern in bars)
    for fill in (*FILLS, *ORCHESTRAL_FILLS):
        assert set(fill) <= set(DRUM_VOICES)


def test_there_are_styles_enough() -> None:
    assert len(STYLES) >= 16
