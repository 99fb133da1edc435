"""The table of typical descriptions, read off listings of a corpus."""

import json
from pathlib import Path

import pytest
from v2m_training.typical_terms import LEARNED_FROM, SETS_PER_STYLE, table_text

from v2m.prompt.completion import FILLED
from v2m.prompt.vocabulary import CATEGORY_OF


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two styles; a vibraphone in too few pieces to be learned, and a scene that is not filled in."""
    full = ["jazz", "piano", "acoustic bass", "saxophone", "drums", "minor", "4/4", "swing", "comedy"]
    pieces = [{"style": "jazz", "terms": [*full, "calm" if k % 2 else "happy"]} for k in range(LEARNED_FROM)]
    pieces += [{"style": "rock", "terms": ["rock", "drums", "vibraphone"]}] * (LEARNED_FROM - 1)
    pieces += [{"style": "", "terms": ["drums"]}]  # a user's own music
    (tmp_path / "0000.json").write_text(json.dumps(pieces), encoding="utf-8")
    return tmp_path


def test_sets_are_whole_pieces_of_a_style_in_what_is_filled(corpus: Path) -> None:
    styles = json.loads(table_text([corpus]))["styles"]
    assert set(styles) == {"jazz", "rock"}
    assert len(styles["jazz"]) == 2 <= SETS_PER_STYLE
    for style, sets in styles.items():
        for terms in sets:
            assert terms[0] == style
            assert all(CATEGORY_OF[name] in FILLED for name in terms)
    assert styles["rock"] == [["rock", "drums", "vibraphone"]]


def test_terms_that_few_pieces_had_are_not_known(corpus: Path) -> None:
    known = json.loads(table_text([corpus]))["known"]
    assert {"jazz", "swing", "comedy", "drums"} <= set(known)
    assert not {"vibraphone", "rock", "calm"} & set(known)
    assert {"rock", "vibraphone"} <= set(json.loads(table_text([corpus, corpus]))["known"])
