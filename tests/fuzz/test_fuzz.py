"""A few of the cases of `benchmarks/fuzz.py`, the same ones each time, and that it sees what it looks for."""

import asyncio
import random
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import fuzz
import hostile_documents
import hostile_media
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its limits are of Unix")


@pytest.mark.slow
def test_nothing_hostile_ends_a_reader_or_leads_it_elsewhere(tmp_path: Path, media_dir: Path) -> None:
    (tmp_path / "keep").mkdir()
    (tmp_path / "root").mkdir()
    work = fuzz.fuzz(
        tmp_path / "root", media_dir, documents=80, broken=4, processes=1, seed=5, keep=tmp_path / "keep"
    )
    tallies = asyncio.run(work)
    assert {kind: tally.faults for kind, tally in tallies.items()} == {kind: [] for kind in tallies}
    assert {kind: tally.cases for kind, tally in tallies.items() if kind != "tricks"} == {
        "mutated": 40, "generated": 40, "media": 4,
    }  # fmt: skip
    assert tallies["tricks"].cases > 300
    assert tallies["mutated"].outcomes["read"]
    assert tallies["tricks"].outcomes["MediaError"] > 200


@pytest.mark.slow
def test_a_reader_that_dies_hangs_or_raises_is_counted_and_its_case_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keep").mkdir()
    case = tmp_path / "case.otio"
    case.write_text("{}")
    reader = tmp_path / "reader.py"
    reader.write_text(
        "import json, os, sys, time\n"
        "def say(**told):\n    print(json.dumps(told), flush=True)\n"
        "for number, line in enumerate(sys.stdin):\n"
        f"    say(at={str(case)!r})\n"
        "    kind = json.loads(line)['seed']\n"
        "    if kind == 'dies': os.abort()\n"
        "    if kind == 'hangs': time.sleep(600)\n"
        "    outcome = 'raised KeyError: a' if kind == 'raises' else 'read'\n"
        "    say(outcome=outcome, cpu_s=3.0 if kind == 'slow' else 0)\n"
        "    say(end=1.0)\n"
    )
    monkeypatch.setattr(fuzz, "READER", reader)
    monkeypatch.setattr(fuzz, "HANGS_S", 5.0)
    seeds = ("fine", "dies", "hangs", "raises", "slow")

    async def scenario() -> dict[str, fuzz.Tally]:
        process = fuzz.Process(tmp_path / "own", tmp_path, tmp_path / "keep")
        try:
            return await fuzz.run_all([fuzz.Batch("mutated", seed, 0, 1) for seed in seeds], [process])
        finally:
            await process.end()

    tally = asyncio.run(scenario())["mutated"]
    assert tally.cases == 5
    assert [fault.partition(" (")[0] for fault in tally.faults] == [
        "died of -6", "hung for 5 s", "raised KeyError: a", "took 3.0 s",
    ]  # fmt: skip
    assert len(list((tmp_path / "keep").iterdir())) == 4


def test_after_a_death_the_cases_behind_it_are_still_read() -> None:
    batch = fuzz.Batch("mutated", "1", 100, 50)
    assert batch.after(20) == fuzz.Batch("mutated", "1", 121, 29)
    assert batch.after(49) is None


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_the_listener_hears_who_calls(kind: int) -> None:
    listener = fuzz.Listener()
    with socket.socket(socket.AF_INET, kind) as caller:
        caller.connect(("127.0.0.1", listener.port))
        caller.send(b"hello")
        deadline = time.monotonic() + 60
        while not listener.heard and time.monotonic() < deadline:
            time.sleep(0.01)
    assert listener.heard
    listener.close()


@pytest.mark.parametrize("make", [hostile_documents.mutated, hostile_media.broken])
def test_a_case_can_be_made_again(make: Callable[..., tuple[str, bytes]]) -> None:
    seeds = [
        (".otio", b'{"OTIO_SCHEMA": "Timeline.1", "tracks": null}' * 3),
        (".mp4", bytes(range(256)) * 40),
    ]
    made = [[make(random.Random(f"1/{n}"), seeds) for n in range(100)] for _ in range(2)]  # noqa: S311
    assert made[0] == made[1]
    assert len(set(made[0])) > 50


def test_a_reference_replaces_where_the_samples_lie(media_dir: Path) -> None:
    film = (media_dir / "odd" / "psd_delayed_start.mp4").read_bytes()
    changed = hostile_media.with_reference(film, "http://127.0.0.1:1/a.mp4")
    assert b"http://127.0.0.1:1/a.mp4\0" in changed
    assert len(changed) != len(film)
