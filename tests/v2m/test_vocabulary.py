"""Laws of the vocabulary and of the dictionary that prompts are read with."""

from hypothesis import given
from hypothesis import strategies as st

from v2m.codecs.arrangement import PARTS
from v2m.codecs.programs import PROGRAM_TABLES
from v2m.prompt.instruments import instrument_words, programs_of
from v2m.prompt.lexicon import folded
from v2m.prompt.tempo_words import STYLE_BPM, TEMPO_MARKS, TEMPO_SHARE, tempo_words
from v2m.prompt.vocabulary import CATEGORY_OF, IMPLIED, TERM_INDEX, TERMS, Term
from v2m.prompt.words import read_prompt

PHRASES = [(phrase, term.name) for term in TERMS for phrase in (term.name, *term.synonyms)]
FIRST_80 = ("lo-fi", "happy", "low energy", "slow", "major", "4/4", "piano", "sparse", "drums", "building")


def test_there_are_words_enough() -> None:
    assert len(TERMS) >= 150
    assert len(PHRASES) - len(TERMS) >= 500


def test_every_phrase_has_one_meaning() -> None:
    assert len(PHRASES) == len({phrase for phrase, _ in PHRASES})
    meanings: dict[str, set[str]] = {}
    for phrase, name in PHRASES:
        meanings.setdefault(" ".join(folded(phrase).split()), set()).add(name)
    assert [phrase for phrase, names in meanings.items() if len(names) > 1] == []


def test_the_rows_of_shipped_weights_stay_where_they_are() -> None:
    rows = (0, 16, 30, 33, 36, 42, 45, 73, 75, 77)
    assert tuple(TERMS[row].name for row in rows) == FIRST_80
    assert list(TERM_INDEX.values()) == list(range(len(TERMS)))


def test_every_phrase_is_read_as_its_term() -> None:
    briefs = [(phrase, name, read_prompt(phrase)) for phrase, name in PHRASES]
    assert {phrase: brief.unknown for phrase, _, brief in briefs if brief.unknown} == {}
    assert {
        phrase: brief.terms
        for phrase, name, brief in briefs
        if name not in brief.terms and not _restated(name, brief.terms)
    } == {}


def _restated(name: str, terms: tuple[str, ...]) -> bool:
    """Metres that are composed alike, and modes that a key says, come back under their own names."""
    return CATEGORY_OF[name] == "metre" and bool(set(terms) & {"4/4", "3/4", "6/8"})


def test_what_is_implied_is_known_and_leads_nowhere_back() -> None:
    for name in IMPLIED:
        seen, queue = set(), list(IMPLIED[name])
        while queue:
            broad = queue.pop()
            assert broad in TERM_INDEX
            assert broad != name
            if broad not in seen:
                seen.add(broad)
                queue += IMPLIED[broad]


@given(st.sampled_from(TERMS))
def test_a_narrow_word_says_the_broad_one_too(term: Term) -> None:
    assert {*term.implies, term.name} <= set(read_prompt(term.name).terms)


def test_tempo_words_agree_with_numbers() -> None:
    assert set(STYLE_BPM) == {term.name for term in TERMS if term.category == "style"}
    assert set(TEMPO_SHARE) == {term.name for term in TERMS if term.category == "tempo"}
    for low, high in (*STYLE_BPM.values(), *TEMPO_MARKS.values()):
        assert 60 <= low < high <= 180
    named = [tempo_words(bpm) for bpm in (62, 75, 100, 140, 170)]
    assert [words[-1] for words in named] == ["very slow", "slow", "mid-tempo", "fast", "very fast"]
    assert all(set(IMPLIED[words[-1]]) <= set(words) for words in named)


def test_every_program_has_a_word_and_every_instrument_a_program() -> None:
    for part in PARTS:
        for program in PROGRAM_TABLES[part]:
            words = instrument_words(part, program)
            assert words, (part, program)
            assert set(IMPLIED[words[-1]]) <= set(words)
            assert all(program in programs_of(word, part) for word in words)
    for term in TERMS:
        if term.category == "instrument":
            assert any(programs_of(term.name, part) for part in PARTS), term.name
