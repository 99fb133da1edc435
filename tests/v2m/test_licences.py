"""A take says what its models' licences ask, and what its words come from where nobody gave any."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.v2m.plain_backbone import PlainBackbone, analysis_of, programme
from v2m.analysis import Analysis
from v2m.licences import LICENCES, licence_notes
from v2m.prompt.watching.unasked import Unasked
from v2m.score import ScoreSettings, score
from v2m.take.shelf import Shelf


@pytest.fixture
def analysis() -> Analysis:
    return analysis_of(programme([24, 48], 96, Fraction(24)))


def notes_of(analysis: Analysis, folder: Path, prompt: str | None) -> tuple[str, ...]:
    with Shelf(folder) as shelf:
        (take,) = score(
            analysis, ScoreSettings(prompt, seed=1), shelf=shelf, stem="film", backbone=PlainBackbone(),
            with_report=False,
        )  # fmt: skip
    return take.record.notes


def test_a_take_seen_by_a_non_commercial_encoder_says_so(analysis: Analysis, tmp_path: Path) -> None:
    seen = replace(analysis, curve=replace(analysis.curve, encoder="cotracker"))
    notes = notes_of(seen, tmp_path, "piano")
    assert [note for note in notes if "cotracker" in note] == list(licence_notes(["cotracker"]))
    assert "not for commercial use" in licence_notes(["cotracker"])[0]


@pytest.mark.slow
def test_a_take_whose_words_were_found_says_where(
    analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    found = replace(analysis, words=Unasked("slow piano", "Somebody watched.", ("avsiam",)))
    notes = notes_of(found, tmp_path / "a", None)
    assert "Somebody watched." in notes
    assert set(licence_notes(["avsiam"])) <= set(notes)
    assert "Somebody watched." not in notes_of(found, tmp_path / "b", "techno")
    assert any("No prompt was given" in note for note in notes_of(analysis, tmp_path / "c", " "))


def test_what_needs_no_note_has_none() -> None:
    assert licence_notes(["sketch", "pixel", "dinov2-large", "musicfm", "ace-step", "nobody"]) == ()


def test_licences_are_whole() -> None:
    for licence in LICENCES.values():
        assert licence.notice.endswith(".")
        assert licence.commercial or licence.take_note
