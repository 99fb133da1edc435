"""Hostile documents and media by the thousand, through what the daemon's worker reads them with.

    python benchmarks/fuzz.py [--documents 2000] [--media 40] [--processes 2] [--seed 1]
                              [--from FOLDER] [--keep FOLDER]     (full: --documents 100000 --media 2000)

Documents are real ones with something wrong and shapes that hypothesis thinks of, in equal parts; media are
broken copies of short real files. Each is read in a process of its own kind (`fuzz_reader.py`), so that a
crash or a hang costs a process and is counted. Then come files that only point elsewhere: at a socket that
listens here and must hear nothing, and at a video that must not be read. Seconds are of the processor, for
those of the wall say how busy the machine is; a case may be made again from the seed and its number.
Bars: any outcome but a read file or an error of `v2m.errors` 0, documents over 2 s 0, hangs 0, connections 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import hostile_media
from footage import MEDIA
from witness import Listener, can_see_readings

READER: Final = Path(__file__).with_name("fuzz_reader.py")
DOCUMENTS: Final = ("mutated", "generated")
SLOWEST_S: Final = 2.0
"""For a document."""

HANGS_S: Final = 120.0
"""Of the wall, less what it waited for a processor: on a busy machine that may be minutes."""

TELL_EVERY_S: Final = 60.0

BATCH: Final = {"mutated": 100, "generated": 500, "media": 10}
"""Cases that a process is asked for at once; hypothesis begins each time with the plainest."""


@dataclass
class Tally:
    """What became of the cases of one kind."""

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    wall_s: float = 0.0

    def add(self, kind: str, outcome: str, cpu_s: float) -> bool:
        """Count an outcome; returns whether it is as it must be."""
        self.cases += 1
        self.outcomes[outcome.partition(":")[0]] += 1
        self.slowest_s = max(self.slowest_s, cpu_s)
        slow = kind in DOCUMENTS and cpu_s > SLOWEST_S
        if slow:
            self.faults.append(f"took {cpu_s:.1f} s")
        if outcome.startswith(("raised", "died", "hung")):
            self.faults.append(outcome)
            return False
        return not slow


@dataclass(frozen=True)
class Batch:
    """Cases that are made from a seed and their numbers."""

    kind: str
    seed: str
    first: int
    count: int

    def after(self, done: int) -> Batch | None:
        """What is left when the case after so many ended its process."""
        left = self.count - done - 1
        return Batch(self.kind, self.seed, self.first + done + 1, left) if left > 0 else None


class Process:
    """A reader that is started again when it is gone."""

    def __init__(self, folder: Path, media: Path, keep: Path) -> None:
        """It starts with the first question.

        Args:
            folder: its own.
            media: where the seeds are.
            keep: a copy of every case that went wrong is put here.
        """
        folder.mkdir()
        self._folder, self._media, self._keep = folder, media, keep
        self._process: asyncio.subprocess.Process | None = None

    async def ask(self, kind: str, question: dict[str, Any], tally: Tally) -> int:
        """Have cases read and count them; returns how many were, fewer than asked where it died."""
        process = self._process or await self._start()
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps(question).encode() + b"\n")
        at, done = "", 0
        while True:
            line = await _line(process.stdout, process.pid)
            if line is None:
                await self.end()
                return self._lost(kind, f"hung for {HANGS_S:g} s", at, tally, done)
            if not line:
                code, self._process = await process.wait(), None
                return self._lost(kind, f"died of {code}", at, tally, done)
            told = json.loads(line)
            at = told.get("at", at)
            if "outcome" in told:
                done += 1
                if not tally.add(kind, told["outcome"], told["cpu_s"]):
                    self._save(at, tally)
            if "end" in told:
                tally.peak_mb = max(tally.peak_mb, told["end"])
                return done

    async def end(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(READER), str(self._folder), str(self._media),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        return self._process

    def _lost(self, kind: str, how: str, at: str, tally: Tally, done: int) -> int:
        tally.add(kind, how, 0.0)
        self._save(at, tally)
        return done

    def _save(self, at: str, tally: Tally) -> None:
        path = Path(at)
        if path.is_file():
            kept = self._keep / f"{len(list(self._keep.iterdir())):03}{path.suffix}"
            shutil.copyfile(path, kept)
            tally.faults[-1] += f" ({kept})"


async def _line(answers: asyncio.StreamReader, pid: int) -> bytes | None:
    """A process's next line, empty where it ended, None where it hangs."""
    line = asyncio.ensure_future(answers.readline())
    began_s, waited_s, left_s = time.monotonic(), waited_for_processor_s(pid), HANGS_S
    while left_s > 0 and not line.done():
        await asyncio.wait([line], timeout=left_s)
        waits_s = waited_for_processor_s(pid) - waited_s
        left_s = HANGS_S - (time.monotonic() - began_s - waits_s)
    if line.done():
        return line.result()
    line.cancel()
    return None


def waited_for_processor_s(pid: int) -> float:
    """Seconds in which a process could have run and others did; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def batches(kind: str, seed: int, count: int) -> list[Batch]:
    """So many cases."""
    size = BATCH[kind]
    return [Batch(kind, f"{seed}/{kind}", first, min(size, count - first)) for first in range(0, count, size)]


async def run_all(work: Sequence[Batch], processes: Sequence[Process]) -> dict[str, Tally]:
    """Have every case read."""
    tallies = {batch.kind: Tally() for batch in work}
    waiting = list(reversed(work))

    async def one(process: Process) -> None:
        while waiting:
            batch = waiting.pop()
            question = {"kind": batch.kind, "seed": batch.seed, "first": batch.first, "count": batch.count}
            tally, began_s = tallies[batch.kind], time.monotonic()
            done = await process.ask(batch.kind, question, tally)
            tally.wall_s += (time.monotonic() - began_s) / len(processes)
            if done < batch.count and (left := batch.after(done)) is not None:
                waiting.append(left)

    telling = asyncio.create_task(_tell(tallies))
    try:
        await asyncio.gather(*(one(process) for process in processes))
    finally:
        telling.cancel()
    return tallies


async def _tell(tallies: dict[str, Tally]) -> None:
    """How far it is, on stderr: all of it takes hours on a laptop."""
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        counts = ", ".join(f"{kind} {tally.cases}" for kind, tally in tallies.items())
        print(f"{counts}; faults {sum(len(tally.faults) for tally in tallies.values())}", file=sys.stderr)


async def run_tricks(root: Path, media: Path, process: Process) -> Tally:
    """Files that point elsewhere, and documents that name such places as their media."""
    folder, secret, tally = root / "tricks", root / "secret.mp4", Tally()
    folder.mkdir()
    film = (media / "odd" / "psd_delayed_start.mp4").read_bytes()
    secret.write_bytes(film)
    os.utime(secret, (0, time.time()))  # a time of reading before that of writing is renewed by any reading
    listener, began_s = Listener(), time.monotonic()
    for path in _write_tricks(folder, secret, film, listener.port):
        before = tally.outcomes["read"]
        await process.ask("trick", {"path": str(path)}, tally)
        if path.suffix not in (".mov", ".otio") and tally.outcomes["read"] > before:
            tally.faults.append(f"{path.name} was read")
    await asyncio.sleep(0.2)  # who was called late
    listener.close()
    if listener.heard:
        tally.faults.append(f"{listener.heard} connections")
    if secret.stat().st_atime > 0:
        tally.faults.append("the video elsewhere was read")
    tally.wall_s = time.monotonic() - began_s
    return tally


def _write_tricks(folder: Path, secret: Path, film: bytes, port: int) -> Iterator[Path]:
    for name, data in hostile_media.tricks(port, secret, film):
        (folder / name).write_bytes(data)
        yield folder / name
    for number, target in enumerate(hostile_media.targets(port, secret)):
        path = folder / f"names{number}.otio"
        path.write_bytes(hostile_media.document_of(target))
        yield path


async def fuzz(
    root: Path, media: Path, *, documents: int, broken: int, processes: int, seed: int, keep: Path
) -> dict[str, Tally]:
    """All of it; by kind.

    Args:
        root: an empty folder.
        media: the real files.
        documents: how many.
        broken: media, how many.
        processes: at once.
        seed: of the cases.
        keep: where cases that went wrong are put.
    """
    readers = [Process(root / str(number), media, keep) for number in range(processes)]
    half = documents // 2
    work = [
        *batches("mutated", seed, documents - half),
        *batches("generated", seed, half),
        *batches("media", seed, broken),
    ]
    try:
        tallies = await run_all(work, readers)
        return tallies | {"tricks": await run_tricks(root, media, readers[0])}
    finally:
        for reader in readers:
            await reader.end()


def main() -> int:
    """Fuzz and print what came of it; 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--media", type=int, default=40)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", dest="source", type=Path, default=MEDIA)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="for cases that went wrong")
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as root:
        tallies = asyncio.run(
            fuzz(
                Path(root),
                arguments.source,
                documents=arguments.documents,
                broken=arguments.media,
                processes=arguments.processes,
                seed=arguments.seed,
                keep=arguments.keep,
            )
        )
        if not can_see_readings(Path(root)):
            print("this disk does not tell whether a file was read")
    print(f"{'kind':<11}{'cases':>8}{'per s':>8}{'slowest':>9}{'peak MB':>9}{'faults':>8}  outcomes")
    for kind, tally in tallies.items():
        outcomes = ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common())
        rate = tally.cases / tally.wall_s if tally.wall_s else 0.0
        print(
            f"{kind:<11}{tally.cases:>8}{rate:>8.1f}{tally.slowest_s:>7.2f} s{tally.peak_mb:>9.0f}"
            f"{len(tally.faults):>8}  {outcomes}"
        )
    faults = [f"{kind}: {fault}" for kind, tally in tallies.items() for fault in tally.faults]
    print("\n".join(faults[:50]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
