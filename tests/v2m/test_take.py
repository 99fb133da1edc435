"""A take's record comes back from disk."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from v2m.errors import DocumentError
from v2m.hits import Hit
from v2m.take import Source, TakeRecord, from_json, read_record, to_json
from v2m.tempo import TempoMap

RECORD = TakeRecord(
    sources=(Source("/media/a é.otio", "0" * 64),),
    prompt="lo-fi, glorfindel",
    terms=("lo-fi",),
    unknown_words=("glorfindel",),
    seed=7,
    backbone="sketch",
    weights_sha256="1" * 64,
    soundfont_sha256="2" * 64,
    encoder="pixel",
    settings={"adherence": 0.5, "tempo_freedom": None},
    frame_rate=Fraction(24000, 1001),
    start_frame=86400,
    duration_s=Fraction(1001, 24),
    hits=(Hit("cut-1", Fraction(1001, 240), "cut", 0.8, "a new picture"),),
    tempo_map=TempoMap((0.0, 0.5, 1.01), 3, 1),
    tonic=9,
    curve={"rate_hz": 25.0, "values": [0.0, 1.5], "encoder": "pixel", "kernel_s": 0.7},
    metrics={"sch": {"value": 1.0, "tolerance_s": 0.1, "chance": 0.4}},
    notes=("a.mov: not found",),
    v2m_version="0.1.0",
)


def test_a_record_comes_back_exactly() -> None:
    assert from_json(to_json(RECORD)) == RECORD


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1}', to_json(RECORD)[:200]])
def test_what_is_no_record_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(DocumentError, match="no record of a take"):
        from_json(text)


def test_a_newer_format_is_named() -> None:
    with pytest.raises(DocumentError, match="format 99"):
        from_json(to_json(replace(RECORD, format=99)))


def test_a_record_is_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "take.json").write_text(to_json(RECORD), encoding="utf-8")
    assert read_record(tmp_path) == RECORD


def test_a_folder_without_a_record_is_no_take(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="is no take"):
        read_record(tmp_path)
