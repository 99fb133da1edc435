"""The worker against what kills workers: signals, memory, disks; the executor stays up and nothing is left.

    python benchmarks/worker_faults.py [--kills 200] [--ooms 50] [--full-disks 50] [--small-disks 20]
                                       [--cancels 200] [--seed 1] [--root FOLDER]

Jobs run in the real worker process on a real timeline, with a model that composes in milliseconds
(tests/v2m_daemon/quick_worker.py). A fault comes at a random moment of an undisturbed job's length. After it
the job is tried again as the daemon would, and must end in the very bytes of the undisturbed one; after a
disk that was full the next job must be done. Counted are jobs that were not, results that differ, and files
left beside them or where no result is. Bars: none of these, and 99 of 100 cancels within 1 s.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import opentimelineio as otio
from v2m_daemon.config import WorkerSettings
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.worker.executor import Cause, Done, Event, Failed, Progress, Stopped, Work
from v2m_daemon.worker.local import LocalExecutor

QUICK = Path(__file__).parents[1] / "tests" / "v2m_daemon" / "quick_worker.py"
LARGEST_RESULT_BYTES = 3 << 20
"""A job's results take 2 MB here."""

MOST_ATTEMPTS = 40
"""A random kill may hit the retry too."""


@dataclass
class Tally:
    """What came out of one kind of fault."""

    name: str
    faults: int = 0
    hit: int = 0
    """Faults that cost an attempt."""

    unfinished: int = 0
    differing: int = 0
    left_over: int = 0
    next_failed: int = 0
    seconds: list[float] = field(default_factory=list)
    """From the fault to the outcome."""

    def row(self) -> str:
        """Of the table."""
        p99 = sorted(self.seconds)[max(0, -(-len(self.seconds) * 99 // 100) - 1)] if self.seconds else 0.0
        return (
            f"{self.name:<12}{self.faults:>7}{self.hit:>7}{self.unfinished:>12}{self.differing:>11}"
            f"{self.left_over:>11}{self.next_failed:>13}{p99:>12.2f}"
        )

    @property
    def is_clean(self) -> bool:
        """Whether all was as it must be."""
        return not (self.unfinished or self.differing or self.left_over or self.next_failed)


HEAD = (
    f"{'fault':<12}{'faults':>7}{'hit':>7}{'unfinished':>12}{'differing':>11}{'left over':>11}"
    f"{'next failed':>13}{'p99 end s':>12}"
)


class Stand:
    """An executor with quick workers, a timeline, and the bytes that an undisturbed job makes of it."""

    def __init__(self, root: Path, seed: int = 1) -> None:
        self.root = root
        self.random = random.Random(seed)  # noqa: S311  moments, not secrets
        self.executor = LocalExecutor(WorkerSettings(), command=(sys.executable, str(QUICK)))
        self.document = small_timeline(root / "small.otio")
        self.expected: dict[str, str] = {}
        self.length_s = 1.0
        self._count = 0

    def work(self, prompt: str = "calm", out: Path | None = None) -> Work:
        """A new job in a folder of its own; all are called alike, so all draw the same seed."""
        self._count += 1
        folder, out = self.root / f"{self._count}" / "job", out or self.root / f"{self._count}" / "out"
        folder.mkdir(parents=True)
        spec = JobSpec(kind=JobKind.SCORE, document=str(self.document), out_dir=str(out), prompt=prompt)
        return Work("job", spec, folder)

    async def attempt(self, work: Work, on_progress: Callable[[Progress], None] | None = None) -> Event:
        """One attempt's outcome."""
        outcome: Event | None = None
        async for event in self.executor.run(work):
            if not isinstance(event, Progress):
                outcome = event
            elif on_progress is not None:
                on_progress(event)
        if outcome is None:
            raise AssertionError("a run ended without an outcome")
        return outcome

    async def calibrate(self) -> None:
        """Learn how long a job takes and what it makes."""
        for _ in range(2):  # the first one starts the worker
            work = self.work()
            began = time.monotonic()
            outcome = await self.attempt(work)
            self.length_s = time.monotonic() - began
            expect(isinstance(outcome, Done), outcome)
        self.expected = contents(work)

    def pid(self) -> int | None:
        """Of the worker."""
        return self.executor._seats[0].pid

    def check(self, tally: Tally, work: Work, outcome: Event) -> None:
        """Count what is not as it must be after a job."""
        found = contents(work)
        if isinstance(outcome, Done):
            tally.differing += found != self.expected
        else:
            tally.unfinished += 1
        tally.left_over += len([name for name in found if name not in self.expected])


@asynccontextmanager
async def stand(root: Path, seed: int = 1) -> AsyncIterator[Stand]:
    """A stand, calibrated, with a worker that is gone afterwards."""
    new = Stand(root, seed)
    await new.executor.open()
    try:
        await new.calibrate()
        yield new
    finally:
        await new.executor.close()


def small_timeline(path: Path, seconds: int = 2) -> Path:
    """Three shots without media."""
    timeline, track = otio.schema.Timeline("small"), otio.schema.Track("V1")
    timeline.tracks.append(track)
    for number in range(3):
        length = otio.opentime.RationalTime(8 * seconds, 24)
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), length)
        track.append(otio.schema.Clip(f"shot {number}", otio.schema.MissingReference(), span))
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")
    return path


def contents(work: Work) -> dict[str, str]:
    """Path below the out folder -> hash, of every file, hidden ones included.

    But for the page, which tells how long the stages took.
    """
    out = Path(str(work.spec.out_dir))
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "report.html"]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def kills(at: Stand, count: int) -> Tally:
    """SIGKILL at a random moment of a job, and of its next attempts one time in two."""
    tally = Tally("SIGKILL")
    while tally.faults < count:
        work = at.work()
        outcome: Event = Stopped()
        for number in range(1, MOST_ATTEMPTS):
            attempt = asyncio.create_task(at.attempt(replace(work, attempt=number)))
            killed_at = None
            if number == 1 or at.random.random() < 0.5:
                await asyncio.sleep(at.random.uniform(0, at.length_s))
                if not attempt.done() and (pid := at.pid()) is not None:
                    killed_at = time.monotonic()
                    os.kill(pid, signal.SIGKILL)
                    tally.faults += 1
            outcome = await attempt
            if isinstance(outcome, Done):
                break
            expect(isinstance(outcome, Failed) and outcome.cause is Cause.LOST, outcome)
            tally.hit += 1
            tally.left_over += len(contents(work))  # nothing is in place before all is
            if killed_at is not None:
                tally.seconds.append(time.monotonic() - killed_at)
        at.check(tally, work, outcome)
        tally.next_failed += not isinstance(await at.attempt(at.work()), Done)
    return tally


async def ooms(at: Stand, count: int) -> Tally:
    """An allocation that fails while the usual window is composed; the smaller one fits."""
    tally = Tally("no memory")
    for _ in range(count):
        work = at.work("small")
        began = time.monotonic()
        outcome = await at.attempt(work)
        tally.faults += 1
        tally.hit += isinstance(outcome, Failed) and outcome.cause is Cause.OUT_OF_MEMORY
        tally.seconds.append(time.monotonic() - began)
        tally.left_over += len(contents(work))
        outcome = await at.attempt(replace(work, attempt=2, window_scale=0.5))
        tally.unfinished += not isinstance(outcome, Done)
        tally.differing += contents(work).keys() != at.expected.keys()
        tally.next_failed += not isinstance(await at.attempt(at.work()), Done)
    return tally


async def full_disks(at: Stand, count: int) -> Tally:
    """Files that may not grow past a random length, as on a disk that is full; then they may again."""
    import resource

    tally = Tally("full disk")
    largest = max(path.stat().st_size for path in at.root.rglob("*") if path.is_file())
    for number in range(count):
        work = at.work()
        pid = at.pid() or 0
        most = round(largest * (number + 0.5) / count)
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))
        began = time.monotonic()
        outcome = await at.attempt(work)
        tally.faults += 1
        if isinstance(outcome, Failed):
            tally.hit += 1
            tally.seconds.append(time.monotonic() - began)
            tally.left_over += len(contents(work))
            tally.unfinished += outcome.error.code != "output_write" or outcome.cause is not Cause.REFUSED
        else:
            at.check(tally, work, outcome)
        expect(at.pid() == pid, "the worker did not live through it")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        after = at.work()
        at.check(tally, after, await at.attempt(after))
    return tally


async def small_disks(at: Stand, count: int) -> Tally:
    """Results that go to another disk, in memory here, which is too small for most of them."""
    tally = Tally("small disk")
    disk = at.root / "disk"
    disk.mkdir()
    for number in range(count):
        size = round(LARGEST_RESULT_BYTES * (number + 1) / count)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "v2m-bench", str(disk)]
        if subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode:
            print("small disk: not permitted to mount one here")
            return tally
        try:
            work = at.work(out=disk / "out")
            outcome = await at.attempt(work)
            tally.faults += 1
            if isinstance(outcome, Failed):
                tally.hit += 1
                tally.left_over += len(contents(work))
                tally.unfinished += outcome.error.code != "output_write" or outcome.cause is not Cause.REFUSED
            else:
                at.check(tally, work, outcome)
        finally:
            subprocess.run(["umount", str(disk)], check=True)
        after = at.work()
        at.check(tally, after, await at.attempt(after))
    return tally


async def cancels(at: Stand, count: int) -> Tally:
    """A cancel at a random moment: the job stops, or was already being put in place."""
    tally = Tally("cancel")
    for _ in range(count):
        work = at.work()
        attempt = asyncio.create_task(at.attempt(work))
        await asyncio.sleep(at.random.uniform(0, at.length_s))
        began = time.monotonic()
        await at.executor.cancel(work.job_id)
        outcome = await attempt
        tally.faults += 1
        tally.seconds.append(time.monotonic() - began)
        if isinstance(outcome, Stopped):
            tally.hit += 1
            tally.left_over += len(contents(work))
        else:
            at.check(tally, work, outcome)
    return tally


async def run(arguments: argparse.Namespace, root: Path) -> bool:
    """All faults; prints the table, true if it is clean."""
    async with stand(root, arguments.seed) as at:
        print(f"an undisturbed job takes {at.length_s:.2f} s and makes {len(at.expected)} files\n{HEAD}")
        tallies = []
        for fault, count in (
            (kills, arguments.kills),
            (ooms, arguments.ooms),
            (full_disks, arguments.full_disks if sys.platform == "linux" else 0),
            (small_disks, arguments.small_disks if sys.platform == "linux" else 0),
            (cancels, arguments.cancels),
        ):
            tallies.append(await fault(at, count))
            print(tallies[-1].row(), flush=True)
        pid = at.pid()
    if pid is not None and sys.platform == "linux":
        print(f"worker left: {Path(f'/proc/{pid}').exists()}")
    return all(tally.is_clean for tally in tallies)


def expect(fact: bool, otherwise: object) -> None:
    """Stop where a figure would mean nothing.

    Raises:
        RuntimeError: it is not so.
    """
    if not fact:
        raise RuntimeError(f"unexpected: {otherwise}")


def main(argv: Sequence[str] | None = None) -> int:
    """The benchmark; 0 when the table is clean."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, count in (
        ("kills", 200),
        ("ooms", 50),
        ("full-disks", 50),
        ("small-disks", 20),
        ("cancels", 200),
    ):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--root", type=Path, help="where the jobs lie: a small file system, for instance")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=arguments.root) as root:
        return 0 if asyncio.run(run(arguments, Path(root))) else 1


if __name__ == "__main__":
    raise SystemExit(main())
