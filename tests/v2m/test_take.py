"""A take's record comes back from disk, and its folder is whole or absent."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from v2m.errors import DocumentError, OutputExistsError
from v2m.hits import Hit
from v2m.take import Source, TakeRecord, building_take, free_take_folder, from_json, read_record, to_json
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


def test_a_take_appears_whole_and_failures_leave_nothing(tmp_path: Path) -> None:
    def stop_half_way() -> None:
        with building_take(tmp_path / "a.v2m") as folder:
            (folder / "music.wav").write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_half_way()
    assert list(tmp_path.iterdir()) == []
    with building_take(tmp_path / "new" / "a.v2m") as folder:
        (folder / "take.json").write_text(to_json(RECORD), encoding="utf-8")
        assert not (tmp_path / "new" / "a.v2m").exists()
    assert read_record(tmp_path / "new" / "a.v2m") == RECORD
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.v2m"]


def test_a_take_is_replaced_only_when_told_and_only_by_a_take(tmp_path: Path) -> None:
    taken = tmp_path / "a.v2m"
    taken.mkdir()
    with pytest.raises(OutputExistsError, match="there already"), building_take(taken):
        pass
    with pytest.raises(OutputExistsError, match="no take"), building_take(taken, overwrite=True):
        pass
    (taken / "take.json").write_text("old")
    with building_take(taken, overwrite=True) as folder:
        (folder / "take.json").write_text("new")
    assert (taken / "take.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.v2m"]


def test_names_count_on_where_takes_stand_already(tmp_path: Path) -> None:
    assert free_take_folder(tmp_path, "a", overwrite=False).name == "a.v2m"
    (tmp_path / "a.v2m").mkdir()
    (tmp_path / "a-2.v2m").mkdir()
    assert free_take_folder(tmp_path, "a", overwrite=False).name == "a-3.v2m"
    assert free_take_folder(tmp_path, "a", overwrite=True).name == "a.v2m"


def test_a_folder_without_a_record_is_no_take(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="is no take"):
        read_record(tmp_path)
