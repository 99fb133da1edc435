"""A home, an executor that composes in milliseconds, and an event loop for the daemon's tests."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from v2m_daemon.access import read_token
from v2m_daemon.home import Home
from v2m_daemon.jobs.spec import JobKind, JobSpec

from v2m.rpc.v1 import scoring_pb2_grpc

LONGEST_S = 120
HERE = Path(__file__).parent


@dataclass
class RunningDaemon:
    """A process of `instant_daemon.py` and the way to call it."""

    process: subprocess.Popen[str]
    home: Home
    target: str
    channel: grpc.Channel = field(init=False)

    def __post_init__(self) -> None:
        self.channel = grpc.insecure_channel(self.target)
        self.stub = scoring_pb2_grpc.ScoringServiceStub(self.channel)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {read_token(self.home)}"),)

    def call(self, name: str, request: Any) -> Any:
        """One call with the token and a deadline."""
        return getattr(self.stub, name)(request, metadata=self.metadata, timeout=LONGEST_S)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; returns the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        code = self.process.wait(LONGEST_S)
        self.channel.close()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


Start = Callable[..., RunningDaemon]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Starts daemons in processes of their own: `start(home, "--slots", "2")`; what still runs is killed."""
    running: list[RunningDaemon] = []

    def begin(home: Home, *flags: str) -> RunningDaemon:
        command = [sys.executable, str(HERE / "instant_daemon.py"), str(home.state), *flags]
        environment = os.environ | {"PYTHONPATH": str(HERE)}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        assert process.stdout is not None
        assert process.stderr is not None
        target = process.stdout.readline().strip()
        if not target:
            _, words = process.communicate()
            raise AssertionError(words)
        running.append(RunningDaemon(process, home, target))
        return running[-1]

    yield begin
    for daemon in running:
        daemon.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def instant() -> ModuleType:
    """The module `instant.py` beside this file; see there what its executor does at which prompt."""
    return import_module("tests.v2m_daemon.instant")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that is there."""
    home = Home.at(tmp_path / "home")
    home.make()
    return home


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Runs a coroutine to its end; one that hangs fails."""

    def to_its_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(LONGEST_S):
                return await coroutine

        return asyncio.run(bounded())

    return to_its_end


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., JobSpec]:
    """Makes a spec that scores a document which is there, in the words of its prompt."""
    document = tmp_path / "film.otio"
    document.write_text("{}")

    def spec(prompt: str | None = None, **values: Any) -> JobSpec:
        return JobSpec(**{"kind": JobKind.SCORE, "document": str(document), "prompt": prompt} | values)

    return spec
