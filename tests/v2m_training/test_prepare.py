"""Preparing music: sources, what is refused, what belongs together, and what is never done twice."""

import csv
import functools
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from v2m_training.prepare.checks import Limits, measured
from v2m_training.prepare.encoders import sound_encoder
from v2m_training.prepare.fingerprint import Overlap, fingerprint, overlaps
from v2m_training.prepare.manifest import read_sources
from v2m_training.prepare.prepared import PreparedSet
from v2m_training.prepare.run import Order, prepare
from v2m_training.prepare.sound import resampled
from v2m_training.prepare.works import duplicates, joined_works, splits

from v2m.added_models import models_folder
from v2m.curves import event_curve
from v2m.encoders import spectral
from v2m.errors import InputError, MissingPartError, UsageError
from v2m.timebase import SAMPLE_RATE_HZ

RATE_HZ = 22_050
CC0 = "CC0-1.0"


def music(seed: int, seconds: float = 8.0, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """Chords of decaying tones that change at random, no two seeds alike."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * rate_hz))
    at = 0.0
    while at < seconds - 0.3:
        time_s = np.arange(len(sound) - round(at * rate_hz)) / rate_hz
        for pitch in rng.uniform(100, 2500, 4):
            sound[-len(time_s) :] += np.sin(2 * np.pi * pitch * time_s) * np.exp(-6 * time_s)
        at += rng.uniform(0.15, 0.4)
    sound = 0.5 * sound / np.abs(sound).max()
    return np.stack([sound, sound], axis=1).astype(np.float32)


def write(path: Path, sound: NDArray[np.float32], **facts: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, RATE_HZ)
    if facts:
        path.with_suffix(".json").write_text(json.dumps(facts))
    return path


@pytest.fixture
def order(toy: ModuleType, tmp_path: Path) -> Order:
    model = functools.partial(toy.ToyModel)
    limits = Limits(shortest_s=4.0)
    return Order((tmp_path / "music",), tmp_path / "set", model, limits=limits, validation_share=0.3)


def excluded(order: Order) -> dict[str, str]:
    lines = (order.out / "excluded.jsonl").read_text().splitlines()
    return {row["id"]: row["reason"] for row in map(json.loads, lines)}


def test_folders_tables_and_shards_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write(folder / "a.wav", music(1), caption="calm piano", license=CC0, song="one")
    write(folder / "below" / "b.wav", music(2))
    (folder / "below" / "b.txt").write_text("fast drums\n")
    found = {e.id: e for e in read_sources([folder], licence="mine")}
    assert (found["a.wav"].text, found["a.wav"].licence, found["a.wav"].work) == ("calm piano", CC0, "one")
    assert (found["below/b.wav"].text, found["below/b.wav"].licence) == ("fast drums", "mine")
    assert found["below/b.wav"].work == "below/b.wav"
    with (tmp_path / "table.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerows(
            [["file_name", "text", "licence", "year"], ["folder/a.wav", "calm piano", CC0, "1999"]]
        )
    (entry,) = read_sources([tmp_path / "table.csv"])
    assert (entry.path, entry.text, entry.licence) == (folder / "a.wav", "calm piano", CC0)
    (tmp_path / "table.jsonl").write_text(
        json.dumps({"path": "folder/a.wav", "prompt": ["calm", "x"]}) + "\n"
    )
    (entry,) = read_sources([tmp_path / "table.jsonl"])
    assert entry.text == "calm"


def shard(path: Path, sounds: dict[str, NDArray[np.float32]], licence: str = CC0) -> Path:
    with tarfile.open(path, "w") as tar:
        for key, sound in sounds.items():
            wav = io.BytesIO()
            soundfile.write(wav, sound, RATE_HZ, format="WAV")
            told = {"text": f"words of {key}", "license": licence}
            for suffix, content in ((".wav", wav.getvalue()), (".json", json.dumps(told).encode())):
                member = tarfile.TarInfo(key + suffix)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.slow
def test_a_set_is_made_of_a_shard_and_is_what_a_file_would_be(order: Order, tmp_path: Path) -> None:
    pieces = {f"d/{i}": music(i) for i in range(3)}
    tar = shard(tmp_path / "x.tar", pieces)
    prepared = PreparedSet(prepare(replace(order, sources=(tar,))))
    assert [t.id for t in prepared.tracks] == [f"x.tar:d/{i}" for i in range(3)]
    assert {t.text for t in prepared.tracks} == {f"words of d/{i}" for i in range(3)}
    assert {t.split for t in prepared.tracks} == {"training", "validation"}
    track = prepared.tracks[1]
    assert track.duration_s == pytest.approx(8.0, abs=0.001)
    assert track.frames == 80
    assert prepared.latents(track, 10, 20).shape == (20, 4)
    # the curve is what analysis gives of the same sound, at the middles of the latent frames
    sound = resampled(music(1), RATE_HZ)
    expected = event_curve(spectral.encode(sound, SAMPLE_RATE_HZ), 8.0, rate_hz=120.0, kernel_s=0.7)
    curve = prepared.curves(track, "spectral", [0.7, 2.0])
    assert curve.shape == (80, 2)
    assert np.corrcoef(curve[:, 0], expected.at((np.arange(80) + 0.5) / 10))[0, 1] > 0.999
    assert np.abs(np.diff(curve[:, 1])).sum() < np.abs(np.diff(curve[:, 0])).sum()


@pytest.mark.slow
def test_what_may_not_be_learned_from_is_left_out_with_its_reason(order: Order, tmp_path: Path) -> None:
    folder, facts = tmp_path / "music", {"text": "calm", "licence": CC0}
    for i in range(2):
        write(folder / f"good{i}.wav", music(i), **facts)
    write(folder / "short.wav", music(3, 2.0), **facts)
    write(folder / "unlicensed.wav", music(4), text="calm")
    write(folder / "other.wav", music(5), text="calm", licence="all rights reserved")
    write(folder / "wordless.wav", music(6), licence=CC0)
    write(folder / "silent.wav", np.concatenate([music(7), np.zeros((RATE_HZ * 8, 2), np.float32)]), **facts)
    write(folder / "clipped.wav", np.clip(20 * music(8), -1, 1), **facts)
    write(folder / "copy.wav", 0.5 * music(0)[RATE_HZ // 2 :], **facts)
    (folder / "broken.wav").write_bytes(b"RIFF and nothing")
    limits = replace(order.limits, licences=(CC0,))
    prepared = PreparedSet(prepare(replace(order, limits=limits, workers=2)))
    assert [track.id for track in prepared.tracks] == ["good0.wav", "good1.wav"]
    reasons = excluded(order)
    assert reasons.pop("broken.wav").startswith("unreadable: ")
    assert reasons == {
        "short.wav": "too short", "unlicensed.wav": "no licence", "other.wav": "another licence",
        "wordless.wav": "no words", "silent.wav": "silent", "clipped.wav": "clipped", "copy.wav": "duplicate",
    }  # fmt: skip
    found = json.loads((order.out / "found.json").read_text())
    assert (found["found"], found["kept"]) == (10, 2)
    assert found["hours_by_licence"] == {CC0: pytest.approx(16 / 3600, abs=1e-3)}
    assert (order.out / "found.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_nothing_is_computed_twice(order: Order, tmp_path: Path) -> None:
    folder, facts = tmp_path / "music", {"text": "calm", "licence": CC0}
    for i in range(3):
        write(folder / f"{i}.wav", music(i), **facts)
    prepare(order)
    made = {p: p.stat().st_mtime_ns for p in order.out.rglob("*.safetensors")}
    (folder / "0.wav").rename(folder / "renamed.wav")
    (folder / "0.json").rename(folder / "renamed.json")
    write(folder / "new.wav", music(9), **facts)
    next(iter(order.out.glob("latents/*/*.safetensors"))).write_bytes(b"cut short")
    prepared = PreparedSet(prepare(order))
    after = {p: p.stat().st_mtime_ns for p in order.out.rglob("*.safetensors")}
    assert len(after) == len(made) + 2
    assert sum(after[path] != made[path] for path in made) == 1  # the damaged one
    assert {t.id for t in prepared.tracks} == {"renamed.wav", "1.wav", "2.wav", "new.wav"}
    assert all(prepared.latents(t, 0, 5).shape == (5, 4) for t in prepared.tracks)


@pytest.mark.slow
def test_copies_are_found_whatever_their_level_format_and_beginning() -> None:
    plain = music(1, 20.0)
    noisy = 0.3 * plain[RATE_HZ * 3 :] + 0.003 * np.random.default_rng(0).standard_normal(
        (17 * RATE_HZ, 2)
    ).astype(np.float32)
    prints = [
        fingerprint(plain, RATE_HZ),
        fingerprint(music(2, 20.0), RATE_HZ),
        fingerprint(resampled(noisy, RATE_HZ, 16_000), 16_000),
        fingerprint(np.zeros((RATE_HZ * 20, 2), np.float32), RATE_HZ),
        fingerprint(plain[:100], RATE_HZ),
    ]
    (found,) = overlaps(prints)
    assert (found.first, found.second) == (0, 2)
    assert found.share > 0.95
    assert list(overlaps([])) == []


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=30), st.integers(0, 5))
def test_works_are_never_torn_apart(works: list[str], seed: int) -> None:
    chosen = splits(works, 0.3, seed)
    by_work = {work: {s for w, s in zip(works, chosen, strict=True) if w == work} for work in works}
    assert all(len(found) == 1 for found in by_work.values())
    if len(by_work) > 1:
        assert set(chosen) == {"training", "validation"}


@given(st.sets(st.text("abc", min_size=1, max_size=8)), st.integers(0, 5))
def test_a_set_that_grows_keeps_who_is_held_out(added: set[str], seed: int) -> None:
    works = [f"work {i}" for i in range(40)]
    assert splits([*works, *sorted(added)], 0.3, seed)[:40] == splits(works, 0.3, seed)


def test_overlapping_pieces_are_one_work_and_copies_are_dropped() -> None:
    found = [Overlap(0, 1, 0.4), Overlap(1, 3, 0.9)]
    works = joined_works(["a", "b", "c", "d"], found)
    assert works[0] == works[1] == works[3] != works[2]
    assert duplicates(["w", "x", "y", "z"], [9.0, 5.0, 9.0, 7.0], found) == {1: 3}


def test_measures_of_sounds_that_are_known() -> None:
    tone = np.sin(np.arange(48_000) / 10)[:, None].repeat(2, axis=1).astype(np.float32)
    assert measured(tone, 48_000).level_db == pytest.approx(-3.0, abs=0.1)
    assert measured(np.clip(2 * tone, -1, 1), 48_000).clipped == pytest.approx(2 / 3, abs=0.05)
    assert measured(0.9 * tone, 48_000).clipped == 0
    assert measured(np.zeros((0, 2), np.float32), 48_000).silent == 1
    half = np.concatenate([tone, np.zeros_like(tone)])
    assert measured(half, 48_000).silent == pytest.approx(0.5, abs=0.05)
    assert measured(half, 48_000).duration_s == 2


def test_what_makes_no_sense_is_refused(order: Order, tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    with pytest.raises(InputError, match="hold no music"):
        prepare(order)
    for name, content in (("a.csv", "text\nhello\n"), ("a.jsonl", "[1]\n"), ("a.jsonl", "{"), ("a.tar", "x")):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=name):
            read_sources([tmp_path / name])
    with pytest.raises(InputError, match="no folder"):
        read_sources([tmp_path / "nothing"])
    write(tmp_path / "music/a.wav", music(1))
    with pytest.raises(InputError, match="listed twice"):
        read_sources([tmp_path / "music", tmp_path / "music"])
    with pytest.raises(InputError, match="None of 1 pieces may be learned from: no licence"):
        prepare(order)
    with pytest.raises(UsageError):
        Limits(shortest_s=5, longest_s=4)
    with pytest.raises(UsageError, match="sound encoder"):
        prepare(replace(order, encoders=("ears",)))


@pytest.mark.slow
def test_a_set_holds_the_curves_of_every_encoder(
    order: Order, toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    sound_encoder.cache_clear()  # it remembers where the models of another test were
    with pytest.raises(MissingPartError):
        prepare(replace(order, encoders=("musicfm",)))
    toy.tiny("encoders").write_musicfm(models_folder() / "musicfm")
    for i in range(2):
        write(tmp_path / "music" / f"{i}.wav", music(i), text="calm", licence=CC0)
    prepared = PreparedSet(prepare(replace(order, encoders=("spectral", "musicfm"))))
    curves = [prepared.curves(prepared.tracks[0], name, [0.7])[:, 0] for name in ("spectral", "musicfm")]
    assert all(curve.shape == (80,) and curve.std() > 0.1 for curve in curves)
    assert abs(np.corrcoef(curves)[0, 1]) < 0.99
    sound_encoder.cache_clear()
