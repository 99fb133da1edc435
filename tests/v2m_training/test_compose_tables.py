"""The tables of the composer fit together: every name is known, every pattern has its length."""

import pytest
from v2m_training.compose.bass import BASSES
from v2m_training.compose.comping import COMPS
from v2m_training.compose.facts import Metre
from v2m_training.compose.figures import FIGURES
from v2m_training.compose.fills import FILLS, FILLS_IN_SIX, ORCHESTRAL_FILLS
from v2m_training.compose.grooves import GROOVES
from v2m_training.compose.harmony import SCALES
from v2m_training.compose.melody import CELLS
from v2m_training.compose.metre import bar_steps, beats_struck, feel, fit
from v2m_training.compose.progressions import progressions
from v2m_training.compose.styles import STYLES, names

from v2m.codecs.arrangement import DRUM_VOICES
from v2m.codecs.programs import PROGRAM_TABLES
from v2m.prompt.instruments import instrument_words
from v2m.prompt.vocabulary import TERM_INDEX

METRES: tuple[Metre, ...] = ("4/4", "3/4", "6/8")


@pytest.mark.parametrize("name", STYLES)
def test_a_style_names_what_exists(name: str) -> None:
    style = STYLES[name]
    assert name in TERM_INDEX
    assert set(names(style.moods)) <= set(TERM_INDEX)
    assert set(names(style.modes)) <= set(SCALES)
    for metre in METRES:
        grooves, basses, comps, figures = style.in_metre(metre)
        assert set(names(grooves)) <= {*GROOVES, ""}
        assert set(names(basses)) <= set(BASSES)
        assert set(names(comps)) <= set(COMPS)
        assert set(names(figures)) <= set(FIGURES)
    assert style.pace in CELLS
    assert all(progressions(style.chords, mode) for mode in names(style.modes))
    assert 60 <= style.bpm[0] < style.bpm[1] <= 180


@pytest.mark.parametrize("name", STYLES)
def test_instruments_can_be_written_and_named(name: str) -> None:
    for part, programs in STYLES[name].programs.items():
        assert set(programs) <= set(PROGRAM_TABLES[part]), part
        if part != "drums":
            assert all(set(instrument_words(part, program)) <= set(TERM_INDEX) for program in programs), part


@pytest.mark.parametrize("name", GROOVES)
def test_a_groove_fills_its_bar(name: str) -> None:
    groove = GROOVES[name]
    lengths = {len(pattern) for pattern in (*groove.voices.values(), *groove.lift.values())}
    whole = {16: 16, 32: 16, 12: 12, 6: 6}  # 4/4 a bar or two, 3/4 or two bars of 6/8, 6/8
    assert len({whole[length] for length in lengths} - {6} or {6}) == 1
    assert set(groove.voices) | set(groove.lift) <= set(DRUM_VOICES)
    assert groove.light
    assert groove.light <= set(groove.voices)
    assert set("".join([*groove.voices.values(), *groove.lift.values()])) <= set("Xxog?.")


def test_patterns_are_written_in_their_own_signs() -> None:
    assert set("".join(BASSES.values())) <= set("R3578a-.")
    assert set("".join(COMPS.values())) <= set("Xxo01234-.")
    assert set("".join(FIGURES.values())) <= set("0123456-.")
    assert all(set(cell) <= set("x-.") and len(cell) == 4 for cells in CELLS.values() for cell in cells)
    for fill in (*FILLS, *ORCHESTRAL_FILLS, *FILLS_IN_SIX):
        assert set(fill) <= set(DRUM_VOICES)


def test_there_are_styles_enough() -> None:
    assert len(STYLES) >= 16


@pytest.mark.parametrize("metre", METRES)
def test_every_pattern_of_a_metre_fills_whole_bars(metre: Metre) -> None:
    for style in STYLES.values():
        grooves, basses, comps, figures = style.in_metre(metre)
        patterns = [BASSES[name] for name in names(basses)] + [COMPS[name] for name in names(comps)]
        patterns += [FIGURES[name] for name in names(figures)]
        for name in names(grooves):
            patterns += GROOVES[name].voices.values() if name else ()
        for pattern in filter(None, patterns):
            fitted = fit(pattern, metre)
            assert fitted
            assert len(fitted) % bar_steps(metre) == 0
            assert len(fitted) <= 2 * bar_steps(metre)


def test_six_eight_is_two_beats_of_thirds() -> None:
    assert fit("x-oxxx", "6/8") == "x--oxx-x"
    assert fit("x.x..x", "6/8", ".") == "x..x...x"
    assert feel("6/8", 0.5, 2) == pytest.approx((0, 1 / 3, 1 / 2, 2 / 3))
    assert feel("4/4", 0.62, 4)[2] == 0.62
    assert feel("4/4", 0.5, 2) == (0, 0.25, 0.5, 0.75)


def test_the_beats_that_are_struck_are_counted() -> None:
    assert beats_struck("x...x...x...x...") == 1
    assert beats_struck("x-----x-....x---") == 0.5
    assert beats_struck("----------------") == 0
