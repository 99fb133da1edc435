"""A crowd at a full queue: sent back before its requests are read, but never one whose job is there."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from v2m_daemon.client import Client, JobSpec
from v2m_daemon.client.address import Address
from v2m_daemon.home import Home
from v2m_daemon.server.gate import SUBMITS
from v2m_daemon.server.status import DETAILS_KEY, encoded, from_details

from v2m.errors import BusyError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m.rpc.v1 import scoring_pb2_grpc

Ask = Callable[..., JobSpec]

NEW = (("v2m-new", "1"),)
NO_REQUEST = b"\xff\xff\xff"
"""Bytes that are no message: whoever reads them stumbles."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]) -> Any:
    """A daemon whose queue is full; the last job in it has the request id `last`."""
    daemon = start(Home.at(tmp_path_factory.mktemp("home")), "--limit", "2")
    film = daemon.home.state / "film.otio"
    film.write_text("{}")
    score(daemon, "sleep 600")
    while daemon.call("GetServerInfo", pb.GetServerInfoRequest()).running == 0:
        pass
    score(daemon, "calm")
    score(daemon, "calm", request_id="last")
    return daemon


def score(daemon: Any, prompt: str, *more: tuple[str, str], **submission: Any) -> pb.Job:
    request = pb.ScoreRequest(
        document=str(daemon.home.state / "film.otio"),
        composing=pb.Composing(prompt=prompt),
        submission=pb.Submission(**submission),
    )
    return daemon.stub.Score(request, metadata=(*daemon.metadata, *more), timeout=30).job


def sent(daemon: Any, method: str, metadata: tuple[tuple[str, str], ...]) -> grpc.RpcError:
    """How a call ends that carries no request worth the name."""
    with pytest.raises(grpc.RpcError) as refused:
        daemon.channel.unary_unary(method)(NO_REQUEST, metadata=metadata, timeout=30)
    return refused.value


def test_every_method_that_makes_a_job_has_the_gate() -> None:
    assert {method.rpartition("/")[2] for method in SUBMITS} == {"Score", "Retime", "Restyle", "Analyze"}


@pytest.mark.parametrize("method", sorted(SUBMITS))
def test_who_is_new_is_sent_back_before_the_request_is_read(full: Any, method: str) -> None:
    refused = sent(full, method, (*full.metadata, *NEW))
    assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    error = from_details(dict(refused.trailing_metadata())[DETAILS_KEY])
    assert isinstance(error, BusyError)
    assert error.retry_after_s >= 1
    assert refused.details() == error.sentence()
    # who does not say so is read
    assert sent(full, method, full.metadata).code() not in (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.OK,
    )


@pytest.mark.parametrize("method", sorted(SUBMITS))
def test_the_token_is_asked_for_first(full: Any, method: str) -> None:
    assert sent(full, method, NEW).code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_job_that_is_there_is_found_though_the_queue_is_full(full: Any) -> None:
    first = score(full, "calm", request_id="last")
    assert first.id == score(full, "calm", request_id="last").id
    with pytest.raises(grpc.RpcError) as refused:
        score(full, "calm", request_id="another")
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_other_calls_pass(full: Any) -> None:
    info = full.stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=(*full.metadata, *NEW), timeout=30)
    assert info.queued == 2


class Moody(scoring_pb2_grpc.ScoringServiceServicer):
    """Answers each call as it is told to, and remembers whether it was said to be new."""

    def __init__(self) -> None:
        self.moods: list[grpc.StatusCode] = []
        self.news: list[bool] = []

    def Score(self, request: Any, context: Any) -> pb.ScoreResponse:
        self.news.append("v2m-new" in dict(context.invocation_metadata()))
        mood = self.moods.pop(0)
        if mood is grpc.StatusCode.RESOURCE_EXHAUSTED:
            error = BusyError("Full.")
            error.retry_after_s = 0.01
            context.set_trailing_metadata(((DETAILS_KEY, encoded(error)[1]),))
        if mood is not grpc.StatusCode.OK:
            context.abort(mood, "No.")
        return pb.ScoreResponse(job=pb.Job(id="a", kind=pb.JOB_KIND_SCORE, state=pb.JOB_STATE_QUEUED))


@pytest.fixture
def moody(tmp_path: Path) -> Iterator[tuple[Moody, Client]]:
    server, service = grpc.server(ThreadPoolExecutor(1)), Moody()
    scoring_pb2_grpc.add_ScoringServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Client(lambda: Address(f"127.0.0.1:{port}", "t"), patience_s=20.0) as client:
        yield service, client
    server.stop(0)


def test_the_client_says_that_a_job_is_new_until_it_may_have_been_taken_in(
    moody: tuple[Moody, Client], ask: Ask
) -> None:
    service, client = moody
    full, away, fine = (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.OK,
    )
    service.moods = [full, full, away, full, fine]
    client.submit(ask("calm"))
    assert service.news == [True, True, True, False, False]


def test_a_job_with_an_id_of_its_own_may_have_been_asked_for_before(
    moody: tuple[Moody, Client], ask: Ask
) -> None:
    service, client = moody
    service.moods = [grpc.StatusCode.OK]
    client.submit(ask("calm", request_id="mine"))
    assert service.news == [False]
