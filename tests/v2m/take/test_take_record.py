"""A take's record comes back from disk."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from v2m.codecs.layout import CHANNEL_COUNT, CHANNEL_NAMES
from v2m.errors import DocumentError
from v2m.hits import Hit
from v2m.take.latents import TakeLatents, read_latents, write_latents
from v2m.take.record import Origin, Parent, Source, TakeRecord, from_json, read_record, to_json
from v2m.tempo import TempoMap
from v2m.timeline import Cut

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
    arithmetic="cpu float32",
    master_gain=2.7182818284590451,
    cuts=(Cut(Fraction(1001, 240), "dissolve", Fraction(1001, 2400), Fraction(-1001, 4800)),),
    parent=Parent("film", "0123456789abcdef"),
    asked={"nudges": [["cut-1", "1001/240"]]},
)
MOVED = replace(RECORD, origin=replace(RECORD.before, duration_s=Fraction(42)))


@pytest.mark.parametrize("record", [RECORD, MOVED])
def test_a_record_comes_back_exactly(record: TakeRecord) -> None:
    assert from_json(to_json(record)) == record


def test_a_take_is_what_it_was_until_a_hit_is_moved() -> None:
    assert RECORD.before == Origin(
        RECORD.duration_s, RECORD.hits, RECORD.cuts, RECORD.tempo_map, RECORD.curve
    )
    assert MOVED.before.duration_s == 42


def test_a_record_of_the_first_format_is_read() -> None:
    fields = json.loads(to_json(RECORD))
    for name in ("arithmetic", "master_gain", "cuts", "parent", "asked", "origin"):
        del fields[name]
    old = from_json(json.dumps({**fields, "format": 1}))
    assert (old.format, old.cuts, old.parent, old.hits) == (1, (), None, RECORD.hits)


def test_latents_come_back_with_the_names_of_their_channels(tmp_path: Path) -> None:
    composed = np.linspace(-1, 1, 8 * CHANNEL_COUNT, dtype=np.float32).reshape(8, -1)
    written = TakeLatents(composed, CHANNEL_NAMES, composed[:4])
    write_latents(tmp_path, written)
    read = read_latents(tmp_path)
    assert read.channels == CHANNEL_NAMES
    assert np.array_equal(read.composed, composed)
    assert np.array_equal(read.before, composed[:4])


def test_damaged_latents_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no readable latents"):
        read_latents(tmp_path)
    (tmp_path / "latents.safetensors").write_bytes(b"no tensors")
    with pytest.raises(DocumentError, match="no readable latents"):
        read_latents(tmp_path)


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
