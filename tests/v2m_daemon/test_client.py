"""The Python client against a real daemon process: typed answers, errors of ours, connections that break."""

import inspect
import itertools
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.client import Client, JobKind, JobSpec, JobState, JobView, connect
from v2m_daemon.client.address import elsewhere
from v2m_daemon.client.requests import request_of
from v2m_daemon.home import Home
from v2m_daemon.server import requests as served

import v2m
from v2m import errors
from v2m.errors import FieldError, V2MError

Ask = Callable[..., JobSpec]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]) -> Any:
    return start(Home.at(tmp_path_factory.mktemp("home")), "--limit", "8")


@pytest.fixture
def client(daemon: Any) -> Iterator[Client]:
    with connect(home=daemon.home) as client:
        yield client


def test_a_job_goes_from_a_spec_to_its_file(client: Client, ask: Ask) -> None:
    submitted = client.submit(ask("calm", client="test", priority=3))
    assert (submitted.kind, submitted.client, submitted.priority) == (JobKind.SCORE, "test", 3)
    seen = list(client.watch(submitted.id))
    assert [view.fraction for view in seen] == sorted(view.fraction for view in seen)
    assert all(a != b for a, b in itertools.pairwise(seen))
    assert seen[-1].state is JobState.DONE
    assert seen[-1] == client.get(submitted.id) == client.wait(submitted.id)
    assert Path(seen[-1].outputs["wav"]).is_file()
    assert seen[-1].result is not None
    assert seen[-1].result["wav"] == seen[-1].outputs["wav"]
    with pytest.raises(FrozenInstanceError):
        seen[-1].state = JobState.QUEUED  # type: ignore[misc]


def test_jobs_are_listed_over_pages(client: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("v2m_daemon.client.client.PAGE_SIZE", 2)
    mine = [client.wait(client.submit(ask("calm", client="pages")).id).id for _ in range(5)]
    assert [view.id for view in client.list(client="pages")] == mine[::-1]
    assert not list(client.list(client="pages", states=[JobState.FAILED, JobState.QUEUED]))
    assert len(list(client.list(client="pages", states=[JobState.DONE]))) == 5


def test_the_same_request_id_is_the_same_job(client: Client, ask: Ask) -> None:
    first = client.submit(ask("calm", request_id="once"))
    assert client.submit(ask("calm", request_id="once")).id == first.id
    with pytest.raises(errors.ConflictError):
        client.submit(ask("stormy", request_id="once"))
    assert client.submit(ask("calm")).id != client.submit(ask("calm")).id


def test_a_job_that_fails_raises_what_it_failed_with(client: Client, ask: Ask) -> None:
    job = client.submit(ask("refuse"))
    with pytest.raises(errors.DocumentError, match="holds no picture"):
        client.wait(job.id)
    assert client.get(job.id).state is JobState.FAILED


def test_a_job_is_cancelled(client: Client, ask: Ask) -> None:
    job = client.submit(ask("sleep 30"))
    assert client.cancel(job.id).state is not JobState.DONE
    with pytest.raises(errors.CancelledError):
        client.wait(job.id)
    assert client.cancel(job.id).state is JobState.CANCELLED


def test_errors_of_the_daemon_are_errors_here(client: Client, ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(errors.UnknownJobError):
        client.get("nobody")
    with pytest.raises(errors.UnknownJobError):
        next(iter(client.watch("nobody")))
    with pytest.raises(errors.InputError, match="There is no file"):
        client.submit(ask(document=str(tmp_path / "nowhere.otio")))


def test_a_full_queue_is_busy_and_says_when_to_come_back(daemon: Any, ask: Ask) -> None:
    with connect(home=daemon.home, patience_s=0.0) as client:
        jobs = [client.submit(ask("sleep 30"))]
        with pytest.raises(errors.BusyError) as caught:
            jobs.extend(client.submit(ask("sleep 30")) for _ in range(20))
        assert caught.value.retry_after_s > 0
        assert len(jobs) <= 9
        for job in jobs:
            client.cancel(job.id)


@pytest.mark.slow
def test_who_is_patient_gets_a_place_in_a_full_queue(daemon: Any, ask: Ask) -> None:
    with connect(home=daemon.home, patience_s=0.0) as client:
        jobs = [client.submit(ask("sleep 30")) for _ in range(8)]
        freed = threading.Timer(0.5, lambda: [client.cancel(job.id) for job in jobs])
        freed.start()
        with connect(home=daemon.home, patience_s=60.0) as patient:
            assert [patient.submit(ask("calm")) for _ in range(3)][-1].id
        freed.join()


def test_the_daemon_tells_of_itself(client: Client, daemon: Any) -> None:
    info = client.server_info()
    assert (info.version, info.device, info.pid) == (v2m.__version__, "instant", daemon.process.pid)
    assert (info.queue_limit, info.free_memory_bytes, info.roots) == (8, None, ())
    assert [backbone.name for backbone in client.backbones() if backbone.is_ready] == ["sketch"]


def test_without_a_daemon_it_is_said_how_to_start_one(home: Home, ask: Ask) -> None:
    with connect(home=home) as client, pytest.raises(errors.UnreachableError) as caught:
        client.submit(ask())
    assert "v2m serve" in caught.value.sentence()


def test_a_wrong_token_is_not_let_in(start: Callable[..., Any], home: Home, tmp_path: Path) -> None:
    home.config_file.write_text('[server]\nlisten = "127.0.0.1:0"\n')
    daemon = start(home)
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_text("guess")
    right.write_bytes(home.token.read_bytes() + b"\n")
    with connect(daemon.target, token_file=wrong) as client, pytest.raises(errors.UnauthenticatedError):
        client.server_info()
    with connect(daemon.target, token_file=right) as client:
        assert client.server_info().pid == daemon.process.pid


@pytest.mark.parametrize("server", ["studio", ":50051", "studio:", "studio:0", "studio:99999", "studio:http"])
def test_an_address_that_makes_no_sense_is_told(server: str, home: Home) -> None:
    with connect(server, home=home) as client, pytest.raises(errors.UsageError, match="HOST:PORT"):
        client.server_info()


def test_the_token_leaves_the_machine_encrypted_alone(home: Home, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    for server, is_tls in {
        "studio.lan:50051": True, "192.168.0.2:50051": True, "[2001:db8::1]:50051": True,
        "localhost:50051": False, "127.0.0.1:50051": False, "[::1]:50051": False,
    }.items():  # fmt: skip
        address = elsewhere(server, token, None, home)
        assert address.is_tls is is_tls, server
        assert "secret" not in repr(address)


# --- connections that break -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_watch_outlives_the_daemon(number: int, start: Callable[..., Any], home: Home, ask: Ask) -> None:
    first = start(home)
    seen: list[JobView] = []
    with connect(home=home) as client:
        job = client.submit(ask("sleep 1"))
        watching = threading.Thread(target=lambda: seen.extend(client.watch(job.id)))
        watching.start()
        while not any(view.stage == "compose" for view in seen):
            time.sleep(0.01)
        first.end(number)
        start(home)
        watching.join(60)
    assert seen[-1].state is JobState.DONE
    assert [view.fraction for view in seen] == sorted(view.fraction for view in seen)


@pytest.mark.slow
def test_a_call_waits_for_a_daemon_that_starts_again(start: Callable[..., Any], home: Home, ask: Ask) -> None:
    first = start(home)
    with connect(home=home, patience_s=60.0) as client:
        client.server_info()
        first.end()
        again = threading.Timer(0.3, lambda: start(home))
        again.start()
        assert client.submit(ask("calm")).id
        again.join()


def test_a_daemon_that_came_back_at_another_port_is_found(
    start: Callable[..., Any], home: Home, ask: Ask
) -> None:
    home.config_file.write_text('[server]\nlisten = "127.0.0.1:0"\n')
    first = start(home)
    with connect(home=home) as client:
        job = client.submit(ask("calm"))
        first.end(signal.SIGKILL)
        second = start(home)
        assert first.target != second.target
        assert client.wait(job.id).state is JobState.DONE


def test_who_gives_up_says_so_in_time(start: Callable[..., Any], home: Home) -> None:
    daemon = start(home)
    with connect(home=home, patience_s=0.5) as client:
        client.server_info()
        daemon.end(signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(errors.UnreachableError, match="does not answer"):
            client.server_info()
        assert time.monotonic() - began < 15  # the default would be longer


@pytest.mark.slow
def test_a_stopped_daemon_is_noticed_by_the_deadline(
    start: Callable[..., Any], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = start(home)
    with connect(home=home, patience_s=0.5) as client:
        client.server_info()
        os.kill(daemon.process.pid, signal.SIGSTOP)
        request = v2m.rpc.v1.scoring_pb2.GetServerInfoRequest()
        with pytest.raises(errors.UnreachableError) as caught:
            client._link.call("GetServerInfo", request, deadline_s=0.5)
        assert "DEADLINE_EXCEEDED" in caught.value.detail
        os.kill(daemon.process.pid, signal.SIGCONT)


# --- specs on the wire ------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
paths = texts.map(lambda text: "/" + text)
times = st.one_of(
    st.integers(0, 10**7).map("{}f".format),
    st.decimals(0, 10**6, places=9).map("{:f}".format),
    st.just("01:00:00:12"),
    st.just("01:00:00;12"),
)
always = {"out_dir": st.none() | paths, "overwrite": st.booleans(), "client": texts,
          "priority": st.integers(-10, 10), "request_id": texts}  # fmt: skip
reading = {"picture": st.none() | paths, "encoder": texts, "in_point": st.none() | times,
           "out_point": st.none() | times, "tempo_bpm": st.none() | st.floats(60, 180),
           "tempo_freedom": st.none() | st.floats(0, 1), "frame_rate": st.none() | texts,
           "path_map": st.lists(st.tuples(texts, paths), max_size=3).map(tuple)}  # fmt: skip
parts = st.sampled_from([None, "rhythm", "drums,melody", "harmony,bass,extras"])
ranges = st.tuples(times, times).map("..".join)
places = st.lists(
    st.tuples(st.just("cut-3") | st.just("my marker") | ranges, st.floats(-5, 5).map(repr)), max_size=3
).map(tuple)
specs = st.one_of(
    st.builds(
        JobSpec, kind=st.just(JobKind.SCORE), document=paths, prompt=st.none() | texts,
        takes=st.integers(1, 16), seed=st.none() | st.integers(0, 2**53), adherence=st.floats(0, 1), to=texts,
        backbone=texts, steps=st.none() | st.integers(1, 1000), loudness_lufs=st.floats(-40, -6),
        soundfont=st.none() | paths, adapter=st.none() | paths,
        lora_strength=st.floats(0, 2), **always, **reading,
    ),
    st.builds(JobSpec, kind=st.just(JobKind.SCORE), document=paths, in_place=st.booleans()),
    st.builds(JobSpec, kind=st.just(JobKind.ANALYZE), document=paths, **reading),
    st.builds(JobSpec, kind=st.just(JobKind.RETIME), document=paths, timeline=paths, **always),
    st.builds(JobSpec, kind=st.just(JobKind.RETIME), document=paths,
              nudges=st.lists(st.tuples(times, times), min_size=1, max_size=3).map(tuple),
              max_bend=st.floats(0, 25)),
    st.builds(JobSpec, kind=st.just(JobKind.RESTYLE), document=paths, prompt=texts,
              seed=st.none() | st.integers(0, 9), lock=parts, mute=parts, intensity=places, **always),
    st.builds(JobSpec, kind=st.just(JobKind.RESTYLE), document=paths, only=parts, solo=parts, prompt=texts),
    st.builds(JobSpec, kind=st.just(JobKind.RESTYLE), document=paths, range=ranges, prompt=st.none() | texts),
)  # fmt: skip


@given(specs)
def test_a_spec_arrives_as_it_was_sent(spec: JobSpec) -> None:
    method, request = request_of(spec)
    read = getattr(served, f"{method.lower()}_spec")
    received = read(type(request).FromString(request.SerializeToString()), lambda path: path)
    assert tidy(received.to_json()) == tidy(spec.to_json())


def tidy(values: dict[str, Any]) -> dict[str, Any]:
    """Times by their value: `12.500` is `12.5`."""
    decimal = re.compile(r"(\d+\.\d*?)0*$")

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        if not isinstance(value, str):
            return value
        return "..".join(decimal.sub(r"\1", part).rstrip(".") for part in value.split(".."))

    return {name: plain(value) for name, value in values.items()}


@pytest.mark.parametrize("text", ["soon", "1e3", "12.", "9" * 30 + "f", "0." + "1" * 30])
def test_a_time_that_cannot_be_sent_is_told(text: str) -> None:
    with pytest.raises(FieldError) as caught:
        request_of(JobSpec(kind=JobKind.SCORE, document="/a.otio", in_point=text))
    assert caught.value.detail == "in_point"


# --- the face ---------------------------------------------------------------------------------------


def test_every_method_says_its_types() -> None:
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_"):
            signature = inspect.signature(method)
            assert signature.return_annotation is not inspect.Signature.empty, name
            assert method.__doc__, name


def test_every_status_becomes_an_error_of_ours() -> None:
    import grpc
    from v2m_daemon.client.failures import error_of

    class Failure(grpc.RpcError):  # type: ignore[misc]
        def __init__(self, code: grpc.StatusCode) -> None:
            self._code = code

        def code(self) -> grpc.StatusCode:
            return self._code

        def details(self) -> str:
            return "said"

        def trailing_metadata(self) -> None:
            return None

    for code in grpc.StatusCode:
        error = error_of(Failure(code))
        assert isinstance(error, V2MError)
        assert code.name in error.detail
        assert error.message.endswith(".")
