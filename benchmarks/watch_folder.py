"""A watch folder under stress: timelines come in five ways, its process is killed, its share vanishes.

    python benchmarks/watch_folder.py [--documents 100] [--kills 3] [--vanishings 3] [--seed 1]

Prints a table. Each document must be done once: one set of results, whole whenever somebody looks, and one
job that was done, apart from those whose results went under with the share. Composing is played by the
executor of the daemon's tests, so what is measured is the folder and not the music. The five ways:
    slow       written under its name, a piece at a time, with pauses longer than the looks
    moved      renamed in from another folder, as "Move to" does
    temporary  written under a temporary name and renamed in place, as browsers and rsync do
    dated      copied with its old times, as archives and `cp -p` do
    media      a folder of media comes slowly after the timeline that shows it
The share vanishes as when a network drops: its mount point stays behind, empty.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
from v2m_daemon.commands.watch import watch
from v2m_daemon.config import Config
from v2m_daemon.home import Home
from v2m_daemon.intake.settings import WatchSettings

REPOSITORY = Path(__file__).resolve().parent.parent
LOOK_EVERY_S = 0.05
WAYS = ("slow", "moved", "temporary", "dated", "media")
RATE = 24


def instant() -> ModuleType:
    """The executor of the daemon's tests."""
    spec = importlib.util.spec_from_file_location("instant", REPOSITORY / "tests/v2m_daemon/instant.py")
    if spec is None or spec.loader is None:
        raise SystemExit("tests/v2m_daemon/instant.py is not in this checkout")
    module = importlib.util.module_from_spec(spec)
    sys.modules["instant"] = module
    spec.loader.exec_module(module)
    return module


def serve(home: Path, folder: Path, *, once: bool = False) -> int:
    """Watch until killed, or once until there is nothing left to do."""
    state = Home.at(home)
    state.make()
    settings = WatchSettings(str(folder), look_every_s=LOOK_EVERY_S, poll_every_s=0.2, broken_wait_s=5.0)
    executor = instant().InstantExecutor(slots=2)
    return asyncio.run(watch(settings, state, Config(), executor, once=once))


def timeline(number: int, target: str) -> bytes:
    """A document that shows one second of a file; no two are alike."""

    def span(seconds: float) -> dict[str, object]:
        at = {"OTIO_SCHEMA": "RationalTime.1", "rate": RATE, "value": 0}
        long = {"OTIO_SCHEMA": "RationalTime.1", "rate": RATE, "value": RATE * seconds}
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": at, "duration": long}

    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": target, "available_range": span(2)}
    clip = {"OTIO_SCHEMA": "Clip.1", "name": "shot", "source_range": span(1), "media_reference": media}
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}
    document = {"OTIO_SCHEMA": "Timeline.1", "name": f"film {number}", "tracks": stack}
    return json.dumps(document, indent=1).encode()


def film(path: Path) -> bytes:
    """Two seconds of noise as MP4, whose index stands at its end."""
    noise = np.random.default_rng(1)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(RATE))
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(2 * RATE):
            picture = noise.integers(0, 255, (64, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


@dataclass
class Share:
    """A folder that vanishes now and then; whoever writes into it waits meanwhile."""

    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def vanish(self, seconds: float) -> None:
        """Leave an empty mount point for a while."""
        away = self.folder.with_name("away")
        with self.lock:
            self.folder.rename(away)
            self.folder.mkdir()
            time.sleep(seconds)
            while away.exists():
                shutil.rmtree(
                    self.folder, ignore_errors=True
                )  # what somebody wrote there lies under the mount
                with contextlib.suppress(OSError):  # somebody has written there again meanwhile
                    away.rename(self.folder)

    def write(self, name: str, data: bytes, *, pieces: int = 1, pause_s: float = 0.0) -> None:
        """Write a file, a piece at a time."""
        size = -(-len(data) // pieces)
        for at in range(0, len(data), size):
            with self.lock:
                (self.folder / name).parent.mkdir(exist_ok=True)
                with (self.folder / name).open("ab") as file:
                    file.write(data[at : at + size])
            time.sleep(pause_s)


class Droppers:
    """People who drop documents, several at a time."""

    def __init__(self, share: Share, staging: Path, documents: int, seed: int) -> None:
        self.share, self.staging = share, staging
        self.ways = {f"film{number:03}": WAYS[number % len(WAYS)] for number in range(documents)}
        self.media = film(staging / "film.mp4")
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._left = list(self.ways.items())
        self._random.shuffle(self._left)
        self._threads = [threading.Thread(target=self._drop_all) for _ in range(4)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    @property
    def are_done(self) -> bool:
        """Whether everything was dropped."""
        return not any(thread.is_alive() for thread in self._threads)

    def _drop_all(self) -> None:
        while self._left:
            stem, way = self._left.pop()
            time.sleep(self._random.uniform(0, 0.1))
            getattr(self, f"_{way}")(stem, timeline(int(stem[4:]), f"{stem}_media/film.mp4"))

    def _media_at_once(self, stem: str) -> None:
        self.share.write(f"{stem}_media/film.mp4", self.media)

    def _slow(self, stem: str, data: bytes) -> None:
        self._media_at_once(stem)
        self.share.write(f"{stem}.otio", data, pieces=4, pause_s=6 * LOOK_EVERY_S)

    def _moved(self, stem: str, data: bytes) -> None:
        self._media_at_once(stem)
        outside = self.staging / f"{stem}.otio"
        outside.write_bytes(data)
        with self.share.lock:
            outside.rename(self.share.folder / outside.name)

    def _temporary(self, stem: str, data: bytes) -> None:
        self._media_at_once(stem)
        name = self._random.choice((f".{stem}.otio.aX3f9", f"{stem}.otio.part", f"{stem}.tmp.otio"))
        self.share.write(name, data, pieces=3, pause_s=4 * LOOK_EVERY_S)
        with self.share.lock:
            (self.share.folder / name).rename(self.share.folder / f"{stem}.otio")

    def _dated(self, stem: str, data: bytes) -> None:
        self._media_at_once(stem)
        outside = self.staging / f"{stem}.otio"
        outside.write_bytes(data)
        os.utime(outside, (1_000_000_000, 1_000_000_000))
        with self.share.lock:
            shutil.copy2(outside, self.share.folder / outside.name)

    def _media(self, stem: str, data: bytes) -> None:
        self.share.write(f"{stem}.otio", data)
        time.sleep(self._random.uniform(0.2, 0.6))
        self.share.write(f"{stem}_media/film.mp4", self.media, pieces=4, pause_s=6 * LOOK_EVERY_S)


class Witness:
    """Somebody who opens every result as soon as it appears."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.looks = 0
        self.torn: list[str] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ends.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ends.wait(0.01):
            for path in self.output.glob("[!.]*"):
                try:
                    data = path.read_bytes()
                except OSError:
                    continue  # renamed, or gone with the share
                self.looks += 1
                if not _is_whole(path, data):
                    self.torn.append(path.name)


def _is_whole(path: Path, data: bytes) -> bool:
    if path.suffix == ".json":
        try:
            return bool(json.loads(data)["state"])
        except (ValueError, KeyError):
            return False
    return path.suffix != ".wav" or (data[:4] == b"RIFF" and len(data) == 4 + 16 * 256)


@contextmanager
def watching(home: Path, folder: Path) -> Iterator[Callable[[], None]]:
    """The process that watches; yields what kills it and starts it anew."""
    command = [sys.executable, __file__, "--serve", str(home), str(folder)]
    processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL)]

    def again() -> None:
        processes[-1].send_signal(signal.SIGKILL)
        processes[-1].wait()
        processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))

    try:
        yield again
    finally:
        processes[-1].terminate()
        processes[-1].wait()


@dataclass(frozen=True)
class Verdict:
    """What came of it."""

    seconds: float
    done_once: Counter[str]
    """Way -> documents with exactly one set of results."""

    missing: list[str]
    doubled: list[str]
    failed: list[str]
    torn: list[str]
    composed_again: int
    """Jobs beyond one a document: their first results went under with the share."""

    looks: int

    @property
    def is_good(self) -> bool:
        """Whether each was done once, whole."""
        return not (self.missing or self.doubled or self.failed or self.torn)


def stress(root: Path, documents: int, kills: int, vanishings: int, seed: int) -> Verdict:
    """Drop documents, do harm meanwhile, and judge."""
    home, share = root / "home", Share(root / "share")
    share.folder.mkdir()
    (root / "staging").mkdir()
    droppers = Droppers(share, root / "staging", documents, seed)
    output = share.folder / "Output"
    began = time.monotonic()
    with watching(home, share.folder) as kill:
        droppers.start()
        witness = Witness(output)
        try:
            _do_harm(kill, share, output, documents, kills, vanishings, random.Random(seed))  # noqa: S311
            _wait_for(lambda: droppers.are_done and _ended(share.folder) >= documents, documents)
            kill()  # while the last is perhaps not noted yet
        finally:
            witness.end()
    serve(home, share.folder, once=True)  # what is done must not be done again
    return _judge(droppers, share.folder, home, witness, time.monotonic() - began)


def _do_harm(
    kill: Callable[[], None], share: Share, output: Path, documents: int, kills: int, vanishings: int,
    chance: random.Random,
) -> None:  # fmt: skip
    """At even shares of the work, in random order, and at random moments."""
    harm = ["kill"] * kills + ["vanish"] * vanishings
    chance.shuffle(harm)
    for number, what in enumerate(harm, start=1):
        due = documents * number // (len(harm) + 1)
        _wait_for(lambda due=due: _ended(output.parent) >= due, documents)
        time.sleep(chance.uniform(0, 0.3))
        if what == "kill":
            kill()
        else:
            share.vanish(chance.uniform(0.3, 1.5))


def _ended(folder: Path) -> int:
    return sum(1 for _ in (folder / "Output").glob("*.wav")) + sum(1 for _ in (folder / "Failed").glob("*"))


def _wait_for(is_so: Callable[[], bool], documents: int) -> None:
    """A document takes a tenth of a second here; a machine may be busy with fifty other things."""
    deadline = time.monotonic() + 180 + 5 * documents
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)


def _judge(droppers: Droppers, folder: Path, home: Path, witness: Witness, seconds: float) -> Verdict:
    results = Counter(path.name[:7] for path in (folder / "Output").glob("*.wav"))
    with sqlite3.connect(home / "jobs.sqlite3") as store:
        (jobs,) = store.execute("SELECT count(*) FROM jobs WHERE state = 'done'").fetchone()
    return Verdict(
        seconds,
        Counter(way for stem, way in droppers.ways.items() if results[stem] == 1),
        [stem for stem in droppers.ways if not results[stem]],
        [stem for stem in droppers.ways if results[stem] > 1],
        sorted(path.name for path in (folder / "Failed").glob("*")),
        witness.torn,
        jobs - len(droppers.ways),
        witness.looks,
    )


def main() -> int:
    """Stress a folder and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--vanishings", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", nargs=2, type=Path, metavar=("HOME", "DIR"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(*arguments.serve)
    with tempfile.TemporaryDirectory() as root:
        verdict = stress(
            Path(root), arguments.documents, arguments.kills, arguments.vanishings, arguments.seed
        )  # fmt: skip
    dropped = Counter(WAYS[number % len(WAYS)] for number in range(arguments.documents))
    print(f"{'way':<12}{'dropped':>8}{'done once':>11}")
    for way in WAYS:
        print(f"{way:<12}{dropped[way]:>8}{verdict.done_once[way]:>11}")
    print(
        f"\nkilled {arguments.kills + 1} times, vanished {arguments.vanishings} times, "
        f"{verdict.seconds:.0f} s\n"
        f"missing {len(verdict.missing)}, doubled {len(verdict.doubled)}, failed {len(verdict.failed)}, "
        f"torn in {verdict.looks} looks {len(verdict.torn)}, composed again {verdict.composed_again}"
    )
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
