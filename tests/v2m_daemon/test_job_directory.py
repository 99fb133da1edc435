"""Job directories from outside: a client that only writes files has its job done, or is told why not."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.config import QueueSettings
from v2m_daemon.confine import Confinement
from v2m_daemon.home import Home
from v2m_daemon.intake.errand import Errand
from v2m_daemon.intake.inbox import Inbox
from v2m_daemon.intake.job_directory import JobDirectory, Mark
from v2m_daemon.intake.schema import FOLDER, JOB_FIELDS, SCHEMAS, write_all
from v2m_daemon.jobs.desk import Desk
from v2m_daemon.jobs.spec import JobSpec

from tests.v2m_daemon.schema_check import violations
from v2m.errors import V2MError

Run = Callable[[Any], Any]


def wrong(value: Any, form: str) -> list[str]:
    """What a file has against its schema, as shipped."""
    schema = json.loads((FOLDER / f"{form}.schema.json").read_bytes())
    return list(violations(value, schema))


class Client:
    """Writes and reads files, and nothing else."""

    def __init__(self, home: Home, executor: Any) -> None:
        self.home, self.executor = home, executor
        self.queue = QueueSettings()
        self.inbox = home.inbox

    def put(self, name: str, **job: Any) -> Path:
        """A whole job directory, its job.json renamed into place last."""
        folder = self.inbox / name
        folder.mkdir()
        (folder / "edit.otio").write_text("{}")
        asked = {"version": 1, "kind": "score", "document": "edit.otio"} | job
        (folder / ".job.json").write_text(json.dumps(asked))
        (folder / ".job.json").rename(folder / "job.json")
        return folder

    @contextlib.asynccontextmanager
    async def served(self, inbox: Inbox | None = None, **options: Any) -> AsyncIterator[Desk]:
        async with Desk.opened(self.home, self.executor, self.queue) as desk:
            attendant = inbox or Inbox(self.inbox, **options)
            task = asyncio.create_task(attendant.attend(desk, Confinement(self.home)))
            try:
                yield desk
                assert not task.done(), task.exception()
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def read(path: Path) -> dict[str, Any]:
    value = json.loads(path.read_bytes())
    form = path.name.removesuffix(".json")
    assert not wrong(value, form), wrong(value, form)
    return dict(value)


async def come(path: Path) -> dict[str, Any]:
    """A file once it is there, held to its schema."""
    while not path.exists():
        await asyncio.sleep(0.01)
    return read(path)


async def final(folder: Path) -> dict[str, Any]:
    """The last status; until then every one that is seen is whole and as its schema says."""
    while True:
        status = await come(folder / "status.json")
        if status["state"] in ("done", "failed", "cancelled"):
            return status
        await asyncio.sleep(0.01)


@pytest.fixture
def client(home: Home, instant: ModuleType) -> Client:
    return Client(home, instant.InstantExecutor())


def test_a_job_is_done_and_its_files_left_in_the_directory(client: Client, run: Run) -> None:
    async def scenario() -> Path:
        before = client.put("a", prompt="calm", takes=2)
        async with client.served():
            after = client.put("b", prompt="sleep 0.3")
            await final(before)
            status = await final(after)
            assert (status["state"], status["fraction"], status["eta_s"]) == ("done", 1.0, None)
        return after

    folder = run(scenario())
    assert not (folder / "error.json").exists()
    result = read(folder / "result.json")
    assert Path(result["outputs"]["wav"]).parent == folder
    assert Path(result["outputs"]["wav"]).is_file()
    assert result["result"]["wav"] == result["outputs"]["wav"]
    assert result["job"] == read(folder / "status.json")["job"]
    first = client.executor.started[0].spec
    assert (first.prompt, first.takes, first.document) == ("calm", 2, str(client.inbox / "a/edit.otio"))


def test_paths_count_from_the_directory_and_results_go_where_they_are_wished(
    client: Client, run: Run, tmp_path: Path
) -> None:
    async def scenario() -> None:
        folder = client.put("one", out_dir="results", picture="../one/edit.otio")
        (tmp_path / "edit.otio").write_text("{}")
        other = client.put("two", document=str(tmp_path / "edit.otio"), in_place=True)
        async with client.served():
            await final(folder)
            await final(other)
        assert Path(read(folder / "result.json")["outputs"]["wav"]).parent == folder / "results"
        assert Path(read(other / "result.json")["outputs"]["wav"]).parent == tmp_path
        assert client.executor.started[0].spec.picture == str(folder / "edit.otio")

    run(scenario())


@pytest.mark.parametrize(
    ("job", "code", "word"),
    [
        ({"version": 2}, "unsupported", "version 2, this V2M knows version 1"),
        ({"version": "1"}, "unsupported", "version '1'"),
        ({"version": True}, "unsupported", "version True"),
        ({"version": None}, "bad_field", "version"),
        ({"promt": "x"}, "bad_field", "promt"),
        ({"takes": 99}, "bad_field", "takes"),
        ({"kind": "sing"}, "bad_field", "kind"),
        ({"document": "gone.otio"}, "bad_input", "gone.otio"),
        ({"document": 3}, "bad_field", "document"),
        ({"request_id": "x"}, "bad_field", "request_id"),
        ({"prompt": "refuse"}, "bad_document", "no picture"),
    ],
)
def test_what_makes_no_sense_is_told(
    client: Client, run: Run, job: dict[str, Any], code: str, word: str
) -> None:
    async def scenario() -> Path:
        folder = client.put("job", **job)
        async with client.served():
            assert (await final(folder))["state"] == "failed"
        return folder

    error = read(run(scenario()) / "error.json")
    assert error["code"] == code
    assert word in error["message"]


@pytest.mark.slow
def test_half_a_job_is_waited_for_and_no_json_is_told(client: Client, run: Run) -> None:
    async def scenario() -> None:
        slow, broken = client.inbox / "slow", client.inbox / "broken"
        for folder in (slow, broken):
            folder.mkdir()
            (folder / "edit.otio").write_text("{}")
            (folder / "job.json").write_text('{"version": 1, "kind": "score", ')
        async with client.served():
            for piece in ('"document": ', '"edit.otio"}'):
                await asyncio.sleep(0.6)
                with (slow / "job.json").open("a") as file:
                    file.write(piece)
            assert (await final(slow))["state"] == "done"
            assert (await final(broken))["state"] == "failed"
        assert "no JSON" in read(broken / "error.json")["message"]

    run(scenario())


def test_a_file_named_cancel_cancels(client: Client, run: Run) -> None:
    async def scenario() -> None:
        running = client.put("a", prompt="sleep 20")
        queued = client.put("b")
        never = client.put("c")
        (never / "cancel").touch()
        async with client.served():
            while (await come(running / "status.json"))["state"] != "running":
                await asyncio.sleep(0.01)
            await come(queued / "status.json")
            began = time.monotonic()
            (queued / "cancel").touch()
            await final(queued)  # before the other makes room for it
            (running / "cancel").touch()
            for folder in (running, queued, never):
                assert (await final(folder))["state"] == "cancelled"
                assert read(folder / "error.json")["code"] == "cancelled"
                assert not (folder / "result.json").exists()
            assert time.monotonic() - began < 18  # and not the 20 s that the first would have taken

    run(scenario())
    assert len(client.executor.started) == 1


@pytest.mark.slow
def test_a_restart_forgets_nothing_and_does_nothing_twice(client: Client, run: Run) -> None:
    async def scenario() -> None:
        done, open_one = client.put("done"), client.put("open", prompt="sleep 0.5")
        async with client.served():
            await final(done)
            while (await come(open_one / "status.json"))["state"] != "running":
                await asyncio.sleep(0.01)
        # as if the last status could not be written any more
        (done / "status.json").write_text(json.dumps(read(done / "status.json") | {"state": "running"}))
        async with client.served():
            await final(open_one)
            assert (await final(done))["state"] == "done"
        assert len(list(open_one.glob("*.wav"))) == len(list(done.glob("*.wav"))) == 1

    run(scenario())
    assert [work.attempt for work in client.executor.started] == [1, 1, 2]


def test_the_same_name_again_is_another_job(client: Client, run: Run) -> None:
    async def scenario() -> None:
        async with client.served():
            await final(client.put("x"))
            first = read(client.inbox / "x" / "result.json")["job"]
            shutil.rmtree(client.inbox / "x")
            second = client.put("x")  # too soon for anybody to see that the first went
            await final(second)
            assert read(second / "result.json")["job"] != first

    run(scenario())


@pytest.mark.parametrize("before", [None, '{"version": 1, "kind": "score", "document": "gone.otio"}'])
def test_a_job_that_comes_between_two_looks_is_done(client: Client, run: Run, before: str | None) -> None:
    class Between(JobDirectory):
        """The client puts its job in place after the first look at which there is."""

        def mark(self) -> Mark | None:
            mark = super().mark()
            if (ready := self.path / ".job.json").exists():
                ready.replace(self.path / "job.json")
            return mark

    folder = client.put("x", prompt="sleep 0.3")
    (folder / "job.json").rename(folder / ".job.json")
    if before is not None:
        (folder / "job.json").write_text(before)

    async def scenario() -> None:
        async with Desk.opened(client.home, client.executor, client.queue) as desk:
            errand = Errand(Between(folder), desk, Confinement(client.home))
            while not (folder / "result.json").exists():
                await errand.advance()
                await asyncio.sleep(0.01)
                assert not (folder / "error.json").exists(), (folder / "error.json").read_text()

    run(scenario())
    assert len(client.executor.started) == 1


def test_a_client_that_takes_its_directory_away_wants_no_more(
    client: Client, run: Run, tmp_path: Path
) -> None:
    async def scenario() -> None:
        folder = client.put("x", prompt="sleep 20")
        async with client.served() as desk:
            status = await come(folder / "status.json")
            folder.rename(tmp_path / "taken away")  # at once: a status may be written while a tree is emptied
            while (await desk.get(status["job"])).state != "cancelled":
                await asyncio.sleep(0.01)

    run(scenario())


@pytest.mark.slow
def test_more_jobs_than_the_queue_holds_are_all_done(client: Client, run: Run) -> None:
    client.queue = QueueSettings(limit=1)
    folders = [client.put(f"job{number}") for number in range(3)]

    async def scenario() -> None:
        async with client.served():
            for folder in folders:
                assert (await final(folder))["state"] == "done"

    run(scenario())


def test_leftovers_go_after_a_while_and_nothing_else(client: Client, run: Run, tmp_path: Path) -> None:
    def aged(folder: Path) -> Path:
        for path in (*folder.iterdir(), folder):
            os.utime(path, (time.time() - 3600,) * 2)
        return folder

    async def scenario() -> None:
        half = client.inbox / "half"
        half.mkdir()
        (half / ".job.json").write_text("{")
        aged(half)
        fresh = client.inbox / "fresh"
        fresh.mkdir()
        done = client.put("done")
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "dear").touch()
        aged(outside)
        (client.inbox / "link").symlink_to(outside)
        async with client.served():
            await final(done)
        aged(done)
        async with client.served(keep_days=1.0, leftover_s=600.0):
            while half.exists():
                await asyncio.sleep(0.01)
            assert done.exists()
        async with client.served(keep_days=0.01, leftover_s=600.0):
            while done.exists():
                await asyncio.sleep(0.01)
        assert fresh.exists()
        assert (outside / "dear").exists()

    run(scenario())


def read_spec(directory: JobDirectory) -> JobSpec | None:
    mark = directory.mark()
    assert mark is not None
    return directory.read_spec(mark)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
JOBS = st.fixed_dictionaries(
    {
        "version": st.just(1) | JSON,
        "kind": st.sampled_from(["score", "analyze", 3]),
        "document": st.just("a"),
    },
    optional={name: JSON for name in JOB_FIELDS if name not in ("kind", "document")},
)


@given(JOBS | JSON)
def test_whatever_a_client_writes_is_a_job_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, job: Any
) -> None:
    folder = tmp_path_factory.mktemp("job")
    (folder / "job.json").write_text(json.dumps(job))
    try:
        spec = read_spec(JobDirectory(folder))
    except V2MError:
        return
    assert spec is None or not wrong(job, "job"), "what is accepted fits the schema"


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[" * 100_000, b"1" * 5_000_000, b"", b'{"a":1}' * 2])
def test_what_is_no_json_object_never_gets_through(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "job.json").write_bytes(data)
    directory = JobDirectory(tmp_path)
    for _ in range(100):  # it may be half written for a while
        with contextlib.suppress(V2MError):
            assert read_spec(directory) is None
    with pytest.raises(V2MError):
        read_spec(directory)


def test_the_shipped_schemas_are_fresh_and_say_what_the_reader_reads(tmp_path: Path) -> None:
    write_all(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert set(made) == {f"{name}.schema.json" for name in SCHEMAS}
    asked = json.loads(made["job.schema.json"])["properties"]
    assert set(asked) - {"version"} == set(JobSpec.__dataclass_fields__) - {"request_id"}


def test_the_checker_finds_what_is_wrong() -> None:
    good = {"version": 1, "kind": "score", "document": "a.otio"}
    assert wrong(good, "job") == []
    bad: Iterator[dict[str, Any]] = iter(
        [
            {"version": 2}, {"kind": "x"}, {"document": 1}, {"takes": 0}, {"takes": 1.5}, {"takes": True},
            {"nudges": [["a"]]}, {"nudges": [["a", ""]]}, {"more": 1}, {"client": "x" * 129}, {"lock": "x"},
        ]
    )  # fmt: skip
    assert all(len(wrong(good | change, "job")) == 1 for change in bad)
    assert wrong({}, "error") != []


def test_reading_jobs_needs_no_heavy_library() -> None:
    code = (
        "import sys, v2m_daemon.intake, v2m_daemon.intake.inspector\n"
        "heavy = {'torch', 'av', 'opentimelineio', 'v2m_otio', 'grpc', 'numpy', 'watchdog'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
