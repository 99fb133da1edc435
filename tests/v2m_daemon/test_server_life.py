"""A daemon from its start to its end: one a home, nothing lost by signals, no stranger let in."""

import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from v2m_daemon.config import ServerSettings
from v2m_daemon.home import Home
from v2m_daemon.server.listen import Address

from v2m.errors import UsageError
from v2m.rpc.v1 import scoring_pb2 as pb

Start = Callable[..., Any]
HERE = Path(__file__).parent
DRAIN_S = 30


@pytest.fixture
def film(tmp_path: Path) -> str:
    (tmp_path / "film.otio").write_text("{}")
    return str(tmp_path / "film.otio")


def submit(daemon: Any, film: str, prompt: str, request_id: str = "") -> str:
    request = pb.ScoreRequest(
        document=film,
        composing=pb.Composing(prompt=prompt),
        submission=pb.Submission(request_id=request_id),
    )
    return str(daemon.call("Score", request).job.id)


def finished(daemon: Any, job_id: str) -> pb.Job:
    *_, last = daemon.call("WatchJob", pb.WatchJobRequest(job_id=job_id))
    return last.job


def until_it_runs(daemon: Any, job_id: str) -> None:
    for answer in daemon.call("WatchJob", pb.WatchJobRequest(job_id=job_id)):
        if answer.job.stage:
            return


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGINT, signal.SIGHUP)),
    ],
)
def test_told_to_stop_it_ends_in_order_and_loses_nothing(
    home: Home, start: Start, film: str, number: int
) -> None:
    daemon = start(home)
    jobs = [submit(daemon, film, "sleep 60"), submit(daemon, film, "calm")]
    until_it_runs(daemon, jobs[0])
    watching = daemon.call("WatchJob", pb.WatchJobRequest(job_id=jobs[0]))
    next(watching)
    began = time.monotonic()
    assert daemon.end(number) == 0
    assert time.monotonic() - began < DRAIN_S
    with pytest.raises(grpc.RpcError) as ended:
        list(watching)
    assert ended.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert not home.endpoint.exists()
    assert not home.socket.exists()
    after = start(home, "--slowness", "0")
    assert [finished(after, job).state for job in jobs] == [pb.JOB_STATE_DONE] * 2
    assert after.end() == 0


@pytest.mark.slow
def test_a_job_that_hears_nothing_does_not_hold_the_daemon_up(home: Home, start: Start, film: str) -> None:
    daemon = start(home)
    job = submit(daemon, film, "deaf 60")
    until_it_runs(daemon, job)
    began = time.monotonic()
    assert daemon.end() == 0
    assert time.monotonic() - began < DRAIN_S
    assert finished(start(home, "--slowness", "0"), job).state == pb.JOB_STATE_DONE


def test_killed_it_goes_on_where_it_was(home: Home, start: Start, film: str) -> None:
    daemon = start(home)
    done = submit(daemon, film, "calm", "r0")
    finished(daemon, done)
    jobs = [submit(daemon, film, "sleep 60", "r1"), submit(daemon, film, "calm", "r2")]
    stopped = submit(daemon, film, "sleep 60", "r3")
    daemon.call("CancelJob", pb.CancelJobRequest(job_id=stopped))
    until_it_runs(daemon, jobs[0])
    daemon.end(signal.SIGKILL)
    assert home.socket.exists()  # of the dead
    after = start(home, "--slowness", "0")
    assert [submit(after, film, "sleep 60", "r1"), submit(after, film, "calm", "r2")] == jobs
    for job in jobs:
        seen = finished(after, job)
        assert seen.state == pb.JOB_STATE_DONE
        assert [artifact.name for artifact in seen.artifacts] == ["wav"]
    assert after.call("GetJob", pb.GetJobRequest(job_id=stopped)).job.state == pb.JOB_STATE_CANCELLED
    assert after.call("GetJob", pb.GetJobRequest(job_id=done)).job.attempts == 1


def test_a_second_daemon_does_not_take_the_socket(home: Home, start: Start, film: str) -> None:
    daemon = start(home)
    command = [sys.executable, str(HERE / "instant_daemon.py"), str(home.state)]
    second = subprocess.run(
        command, capture_output=True, text=True, timeout=30, env=os.environ | {"PYTHONPATH": str(HERE)}
    )
    assert second.returncode == 4
    assert f"process {daemon.process.pid} has" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert finished(daemon, submit(daemon, film, "calm")).state == pb.JOB_STATE_DONE


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Unix socket")
def test_the_socket_is_for_the_user_alone(home: Home, start: Start) -> None:
    daemon = start(home)
    assert daemon.target == f"unix:{home.socket}"
    assert stat.S_IMODE(home.socket.parent.stat().st_mode) == 0o700
    assert stat.S_ISSOCK(home.socket.stat().st_mode)


def test_on_loopback_it_speaks_grpc_and_nothing_else(home: Home, start: Start, film: str) -> None:
    home.config_file.write_text('[server]\nlisten = "127.0.0.1:0"')
    daemon = start(home)
    host, port = daemon.target.split(":")
    assert host == "127.0.0.1"
    assert finished(daemon, submit(daemon, film, "calm")).state == pb.JOB_STATE_DONE
    for request in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n{}"):
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            plain.sendall(request)
            answer = b"".join(iter(lambda: plain.recv(4096), b""))
        assert b"HTTP/1" not in answer
    taken = Home.at(home.state / "other")
    taken.make()
    taken.config_file.write_text(f'[server]\nlisten = "127.0.0.1:{port}"')
    with pytest.raises(AssertionError, match="Cannot listen"):
        start(taken)


@pytest.mark.parametrize(
    ("listen", "is_local"),
    [
        ("unix:", True), ("127.0.0.1:0", True), ("127.1.2.3:7", True), ("[::1]:0", True), ("[::1]:7", True),
        ("0.0.0.0:50051", False), ("[::]:50051", False), ("192.168.1.5:0", False), ("studio.local:1", False),
    ],
)  # fmt: skip
def test_beyond_loopback_a_certificate_is_needed(listen: str, is_local: bool) -> None:
    tls = ServerSettings(listen=listen, tls_cert="a.pem", tls_key="b.pem")
    assert Address.of(tls).is_local is is_local
    if is_local:
        Address.of(ServerSettings(listen=listen))
    else:
        with pytest.raises(UsageError, match="TLS"):
            Address.of(ServerSettings(listen=listen))


@pytest.mark.parametrize("listen", ["50051", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", ":1", "unix:/a"])
def test_what_is_no_address_is_told(listen: str) -> None:
    with pytest.raises(UsageError, match="listen"):
        Address.of(ServerSettings(listen=listen))


def test_beyond_loopback_who_is_at_home_comes_by_a_door_of_his_own(
    home: Home, start: Start, film: str, tmp_path: Path
) -> None:
    key, certificate = self_signed(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home.config_file.write_text(
        f'[server]\nlisten = "0.0.0.0:{port}"\ntls_cert = "{certificate}"\ntls_key = "{key}"'
    )
    daemon = start(home)
    assert daemon.target == f"unix:{home.socket}"  # 0.0.0.0 stands in no certificate
    assert daemon.call("GetServerInfo", pb.GetServerInfoRequest()).pid == daemon.process.pid
    trust = grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{port}", trust) as channel:
        stub = type(daemon.stub)(channel)
        answer = stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=daemon.metadata, timeout=20)
        assert answer.pid == daemon.process.pid


def test_with_a_certificate_it_speaks_tls_only(home: Home, start: Start, film: str, tmp_path: Path) -> None:
    key, certificate = self_signed(tmp_path)
    home.config_file.write_text(
        f'[server]\nlisten = "127.0.0.1:0"\ntls_cert = "{certificate}"\ntls_key = "{key}"'
    )
    daemon = start(home)
    with pytest.raises(grpc.RpcError) as refused:
        daemon.call("GetServerInfo", pb.GetServerInfoRequest())
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    told = json.loads(home.endpoint.read_bytes())
    assert (told["is_tls"], told["certificate"]) == (True, str(certificate))
    trust = grpc.ssl_channel_credentials(certificate.read_bytes())
    options = (("grpc.ssl_target_name_override", "localhost"),)
    with grpc.secure_channel(daemon.target, trust, options) as channel:
        daemon.stub = type(daemon.stub)(channel)
        assert finished(daemon, submit(daemon, film, "calm")).state == pb.JOB_STATE_DONE
    with socket.create_connection(daemon.target.split(":"), timeout=10) as plain:
        context = ssl.create_default_context(cafile=str(certificate))
        context.set_alpn_protocols(["h2"])
        with context.wrap_socket(plain, server_hostname="localhost") as safe:
            assert safe.selected_alpn_protocol() == "h2"


def test_a_job_that_leads_out_of_the_roots_is_refused(
    home: Home, start: Start, film: str, tmp_path: Path
) -> None:
    root = tmp_path / "edits"
    root.mkdir()
    (root / "film.otio").write_text("{}")
    home.config_file.write_text(f'[server]\nroots = ["{root}"]\npath_map = {{ "D:/Edit" = "{root}" }}')
    daemon = start(home)
    with pytest.raises(grpc.RpcError) as refused:
        submit(daemon, film, "calm")
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
    request = pb.ScoreRequest(
        document="D:\\Edit\\film.otio", destination=pb.Destination(out_dir="d:/edit/music")
    )
    done = finished(daemon, daemon.call("Score", request).job.id)
    assert (done.document, done.out_dir) == (str(root / "film.otio"), str(root / "music"))
    assert os.listdir(root / "music") == [Path(done.artifacts[0].path).name]


def test_the_parent_never_imports_what_is_heavy() -> None:
    code = """
import sys
import v2m_daemon.server.run, v2m_daemon.jobs.desk, v2m_daemon.worker.choose
heavy = {"torch", "av", "opentimelineio", "v2m_otio", "numpy", "scipy", "rich"}
print(sorted(heavy & {name.split(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for localhost."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("a certificate needs openssl, which is not installed")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    return key, certificate
