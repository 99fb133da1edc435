"""Every call over a real socket to a real daemon process."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from v2m_daemon.endpoint import Endpoint
from v2m_daemon.home import Home
from v2m_daemon.server.status import DETAILS_KEY, from_details

import v2m
from v2m import errors
from v2m.rpc.v1 import scoring_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["ScoringService"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]) -> Any:
    return start(Home.at(tmp_path_factory.mktemp("home")), "--limit", "8")


@pytest.fixture
def film(tmp_path: Path) -> str:
    (tmp_path / "film.otio").write_text("{}")
    return str(tmp_path / "film.otio")


def scored(daemon: Any, film: str, prompt: str = "calm", **submission: Any) -> pb.Job:
    request = pb.ScoreRequest(
        document=film,
        composing=pb.Composing(prompt=prompt),
        submission=pb.Submission(client="test", **submission),
    )
    return daemon.call("Score", request).job


def finished(daemon: Any, job: pb.Job) -> pb.Job:
    *_, last = daemon.call("WatchJob", pb.WatchJobRequest(job_id=job.id))
    return last.job


def error_of(call: grpc.RpcError) -> errors.V2MError:
    found = from_details(dict(call.trailing_metadata())[DETAILS_KEY])  # type: ignore[attr-defined]
    assert found is not None
    return found


def test_a_job_goes_from_the_request_to_its_file(daemon: Any, film: str) -> None:
    job = scored(daemon, film)
    assert job.state in (pb.JOB_STATE_QUEUED, pb.JOB_STATE_RUNNING)
    seen = [answer.job for answer in daemon.call("WatchJob", pb.WatchJobRequest(job_id=job.id))]
    assert [one.fraction for one in seen] == sorted(one.fraction for one in seen)
    done = seen[-1]
    assert (done.state, done.kind, done.fraction) == (pb.JOB_STATE_DONE, pb.JOB_KIND_SCORE, 1.0)
    assert done.finish_time.ToMilliseconds() >= done.create_time.ToMilliseconds() > 0
    (wav,) = done.artifacts
    assert (wav.name, wav.size_bytes) == ("wav", os.path.getsize(wav.path))
    assert json.loads(done.result_json)["wav"] == wav.path
    assert daemon.call("GetJob", pb.GetJobRequest(job_id=job.id)).job == done


def test_a_file_comes_in_pieces_with_its_digest_and_goes_on_where_it_broke_off(
    daemon: Any, film: str
) -> None:
    done = finished(daemon, scored(daemon, film))
    whole = Path(done.artifacts[0].path).read_bytes()
    for offset in (0, 1, len(whole) - 1, len(whole)):
        request = pb.GetArtifactRequest(job_id=done.id, name="wav", offset_bytes=offset)
        header, *chunks, trailer = daemon.call("GetArtifact", request)
        assert header.header.size_bytes == len(whole)
        assert b"".join(part.chunk for part in chunks) == whole[offset:]
        assert trailer.trailer.sha256 == hashlib.sha256(whole).digest()


def media(content: bytes, **header: Any) -> Iterator[pb.PutMediaRequest]:
    full = {"name": "city.mov", "size_bytes": len(content), "sha256": hashlib.sha256(content).digest()}
    yield pb.PutMediaRequest(header=pb.MediaHeader(**full | header))
    for begin in range(0, len(content), 1 << 16):
        yield pb.PutMediaRequest(chunk=content[begin : begin + (1 << 16)])


def test_media_are_there_whole_and_once(daemon: Any) -> None:
    content = os.urandom(300_000)
    sent = daemon.call("PutMedia", media(content, collection="a"))
    assert Path(sent.path).read_bytes() == content
    assert Path(sent.path).parent == daemon.home.uploads / "a"
    assert daemon.call("PutMedia", media(content, collection="a")) == sent
    with pytest.raises(grpc.RpcError) as refused:
        daemon.call("PutMedia", media(content + b"!", collection="a"))
    assert refused.value.code() == grpc.StatusCode.ALREADY_EXISTS
    assert os.listdir(daemon.home.uploads / "a") == ["city.mov"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"sha256": b"\0" * 32}, grpc.StatusCode.DATA_LOSS),
        ({"size_bytes": 3}, grpc.StatusCode.DATA_LOSS),
        ({"size_bytes": 3_000_000}, grpc.StatusCode.DATA_LOSS),
        ({"size_bytes": -1}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"size_bytes": 2**62}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"sha256": b"\0"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"collection": ".."}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"collection": "a/b"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": ""}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": ".."}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": "../city.mov"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": "a\\city.mov"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": "a\0.mov"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": ".v2m-x.part"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": "nul.mov"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"name": "ü" * 128}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_what_is_not_as_promised_leaves_nothing(daemon: Any, header: dict[str, Any], code: Any) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        daemon.call("PutMedia", media(os.urandom(100_000), **{"collection": "broken"} | header))
    assert refused.value.code() == code
    broken = daemon.home.uploads / "broken"
    assert not broken.exists() or os.listdir(broken) == []


def test_an_upload_needs_a_header(daemon: Any) -> None:
    for requests in ([], [pb.PutMediaRequest(chunk=b"a")]):
        with pytest.raises(grpc.RpcError, match="header"):
            daemon.call("PutMedia", iter(requests))


@pytest.mark.parametrize(
    ("call", "request_", "code", "kind"),
    [
        ("GetJob", pb.GetJobRequest(job_id="no"), grpc.StatusCode.NOT_FOUND, errors.UnknownJobError),
        ("CancelJob", pb.CancelJobRequest(job_id="no"), grpc.StatusCode.NOT_FOUND, errors.UnknownJobError),
        (
            "ListJobs",
            pb.ListJobsRequest(page_size=-1),
            grpc.StatusCode.INVALID_ARGUMENT,
            errors.FieldError,
        ),
        ("ListJobs", pb.ListJobsRequest(states=[9]), grpc.StatusCode.INVALID_ARGUMENT, errors.FieldError),
        ("Score", pb.ScoreRequest(), grpc.StatusCode.INVALID_ARGUMENT, errors.FieldError),
        (
            "Score",
            pb.ScoreRequest(document="/nothing/here.otio"),
            grpc.StatusCode.INVALID_ARGUMENT,
            errors.InputError,
        ),
        ("Score", pb.ScoreRequest(document="/dev/zero"), grpc.StatusCode.PERMISSION_DENIED, errors.V2MError),
        ("Retime", pb.RetimeRequest(take="/take"), grpc.StatusCode.INVALID_ARGUMENT, errors.FieldError),
        ("Restyle", pb.RestyleRequest(take="/take"), grpc.StatusCode.INVALID_ARGUMENT, errors.FieldError),
        ("Analyze", pb.AnalyzeRequest(document="x"), grpc.StatusCode.INVALID_ARGUMENT, errors.FieldError),
    ],
)
def test_what_is_wrong_says_so_in_the_status_and_its_details(
    daemon: Any, call: str, request_: Any, code: Any, kind: Any
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        daemon.call(call, request_)
    assert refused.value.code() == code
    assert isinstance(error_of(refused.value), kind)


def test_streams_say_what_is_wrong_too(daemon: Any) -> None:
    for call, request in (
        ("WatchJob", pb.WatchJobRequest(job_id="no")),
        ("GetArtifact", pb.GetArtifactRequest(job_id="no", name="wav")),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            list(daemon.call(call, request))
        assert isinstance(error_of(refused.value), errors.UnknownJobError)


def test_only_what_a_job_made_is_sent(daemon: Any, film: str) -> None:
    done = finished(daemon, scored(daemon, film))
    for name in ("", "take", "wav/..", "../../token", film, str(daemon.home.token)):
        with pytest.raises(grpc.RpcError) as refused:
            list(daemon.call("GetArtifact", pb.GetArtifactRequest(job_id=done.id, name=name)))
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_job_is_listed_cancelled_and_asked_for_again(daemon: Any, film: str) -> None:
    job = scored(daemon, film, "sleep 20", request_id="once", priority=4)
    assert scored(daemon, film, "sleep 20", request_id="once", priority=4).id == job.id
    with pytest.raises(grpc.RpcError) as refused:
        scored(daemon, film, "calm", request_id="once")
    assert isinstance(error_of(refused.value), errors.ConflictError)
    began = time.monotonic()
    stopped = daemon.call("CancelJob", pb.CancelJobRequest(job_id=job.id)).job
    assert time.monotonic() - began < 15  # and not the 20 s that the job would have taken
    assert stopped.state == pb.JOB_STATE_CANCELLED
    listed = daemon.call("ListJobs", pb.ListJobsRequest(states=[pb.JOB_STATE_CANCELLED], client="test"))
    assert [(one.id, one.priority) for one in listed.jobs] == [(job.id, 4)]


def test_a_failed_job_says_why(daemon: Any, film: str) -> None:
    failed = finished(daemon, scored(daemon, film, "refuse"))
    assert failed.state == pb.JOB_STATE_FAILED
    assert failed.error.code == "bad_document"
    assert failed.error.message == "The document holds no picture."


def test_a_full_queue_answers_everybody_and_says_when_to_come_back(daemon: Any, film: str) -> None:
    gate = scored(daemon, film, "sleep 20")
    request = pb.ScoreRequest(document=film)
    calls = [
        daemon.stub.Score.future(request, metadata=daemon.metadata, timeout=20) for _ in range(50)
    ]  # fmt: skip
    codes = [call.code() for call in calls]
    assert codes.count(grpc.StatusCode.OK) in (8, 9)  # the gate may not be taken up yet
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 50 - codes.count(grpc.StatusCode.OK)
    busy = next(call for call in calls if call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED)
    error = error_of(busy)
    assert isinstance(error, errors.BusyError)
    assert error.retry_after_s >= 1
    daemon.call("CancelJob", pb.CancelJobRequest(job_id=gate.id))


def test_the_daemon_says_what_it_is(daemon: Any) -> None:
    info = daemon.call("GetServerInfo", pb.GetServerInfoRequest())
    assert (info.version, info.pid, info.queue_limit) == (v2m.__version__, daemon.process.pid, 8)
    assert info.device == "instant"
    backbones = daemon.call("ListBackbones", pb.ListBackbonesRequest()).backbones
    assert [(one.name, one.is_ready) for one in backbones] == [("sketch", True)]
    told = Endpoint.read(daemon.home)
    assert told is not None
    assert (told.target, told.pid) == (daemon.target, daemon.process.pid)


def test_a_large_request_is_refused_and_the_next_is_fine(daemon: Any, film: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        scored(daemon, film, "x" * (5 << 20))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert finished(daemon, scored(daemon, film)).state == pb.JOB_STATE_DONE


def test_health_and_reflection_answer_who_has_the_token(daemon: Any) -> None:
    health = health_pb2_grpc.HealthStub(daemon.channel)
    for service in ("", SERVICE.full_name):
        request = health_pb2.HealthCheckRequest(service=service)
        answer = health.Check(request, metadata=daemon.metadata, timeout=30)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflection_pb2_grpc.ServerReflectionStub(daemon.channel)
    ask = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = reflection.ServerReflectionInfo(iter([ask]), metadata=daemon.metadata, timeout=30)
    assert SERVICE.full_name in {each.name for each in answer.list_services_response.service}


def every_method() -> Iterator[str]:
    yield from (f"/{SERVICE.full_name}/{method.name}" for method in SERVICE.methods)
    yield from ("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch")
    yield "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    yield from ("/v2m.rpc.v1.ScoringService/Nothing", "/nothing.at.All/Here")


def shapes(channel: grpc.Channel, method: str) -> Iterator[Callable[..., Any]]:
    """The call in each of the four shapes that a call can have; it returns its code."""
    single, many = b"", lambda: iter([b""])
    yield lambda **given: channel.unary_unary(method).with_call(single, **given)
    yield lambda **given: list(channel.unary_stream(method)(single, **given))
    yield lambda **given: channel.stream_unary(method).with_call(many(), **given)
    yield lambda **given: list(channel.stream_stream(method)(many(), **given))


@pytest.mark.parametrize("method", list(every_method()))
def test_without_the_right_token_nothing_answers(daemon: Any, method: str) -> None:
    (key, value), *_ = daemon.metadata
    wrong = [
        (),
        ((key, ""),),
        ((key, "Bearer "),),
        ((key, "Bearer wrong"),),
        ((key, value[:-1]),),
        ((key, value + "x"),),
        ((key, value.removeprefix("Bearer ")),),
        ((key, value), (key, "Bearer wrong")),
        (("token", value),),
    ]
    for metadata in wrong:
        for call in shapes(daemon.channel, method):
            with pytest.raises(grpc.RpcError) as refused:
                call(metadata=metadata, timeout=30)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED, (method, metadata)


def test_the_real_token_is_told_nowhere(daemon: Any, instant: ModuleType) -> None:
    token = dict(daemon.metadata)["authorization"].removeprefix("Bearer ")
    assert len(token) >= 43  # 32 bytes as base64
    for path in daemon.home.state.rglob("*"):
        if path.is_file() and path != daemon.home.token:
            assert token.encode() not in path.read_bytes()
