"""The commands that call a daemon, against a real one: what they print, and how they end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon.cli import main
from v2m_daemon.client import Client, JobState, connect
from v2m_daemon.home import Home

Capture = pytest.CaptureFixture[str]
V2M = (sys.executable, "-m", "v2m_daemon.cli")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]) -> Any:
    return start(Home.at(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def at_home(daemon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2M_HOME", str(daemon.home.state))


@pytest.fixture
def client(daemon: Any) -> Client:
    return connect(home=daemon.home)


@pytest.fixture
def film(tmp_path: Path) -> str:
    (tmp_path / "film.otio").write_text("{}")
    return str(tmp_path / "film.otio")


def submitted(capsys: Capture, film: str, *flags: str) -> str:
    assert main(["submit", film, *flags]) == 0
    job = json.loads(capsys.readouterr().out)
    assert job.keys() == {"job"}
    return str(job["job"])


def test_a_job_is_handed_over_followed_and_listed(capsys: Capture, film: str, tmp_path: Path) -> None:
    job = submitted(capsys, film, "--out", str(tmp_path / "music"), "--json")
    assert main(["watch-job", job, "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert captured.err == ""
    assert Path(result["wav"]).parent == tmp_path / "music"
    assert main(["jobs", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["jobs"][0]
    assert first.pop("stage") in ("", "place")
    out = str(tmp_path / "music")
    assert first == {"id": job, "state": "done", "fraction": 1.0, "out": out, "error": None}


def test_flags_arrive(capsys: Capture, client: Client, film: str) -> None:
    job = client.get(submitted(capsys, film, "--client", "me", "--priority", "-3", "--request-id", "flags"))
    assert (job.client, job.priority, job.document, job.out_dir) == ("me", -3, film, str(Path(film).parent))
    assert submitted(capsys, film, "--client", "me", "--priority", "-3", "--request-id", "flags") == job.id


def test_in_a_pipe_a_watched_job_is_a_quiet_line_a_stage(capsys: Capture, film: str) -> None:
    job = submitted(capsys, film, "--prompt", "sleep 0.3")
    assert main(["watch-job", job]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("wav ")
    lines = captured.err.splitlines()
    assert "Composing ..." in lines
    assert len(lines) == len(set(lines)) <= 9


@pytest.mark.parametrize(("prompt", "code", "said"), [("refuse", 3, "no picture"), ("lose", 4, "worker")])
def test_a_failed_job_ends_as_its_command_would(
    prompt: str, code: int, said: str, capsys: Capture, film: str
) -> None:
    job = submitted(capsys, film, "--prompt", prompt)
    assert main(["watch-job", job, "--json"]) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    error = json.loads(captured.out)["error"]
    assert main(["jobs", "--json", "--state", "failed"]) == 0
    listed = {job["id"]: job for job in json.loads(capsys.readouterr().out)["jobs"]}
    assert listed[job]["error"] == error
    assert main(["score", film, "--daemon", "--prompt", prompt]) == code


def test_cancel_stops_a_job_and_its_watcher_ends_as_cancelled(
    capsys: Capture, client: Client, film: str
) -> None:
    job = submitted(capsys, film, "--prompt", "sleep 30")
    done = submitted(capsys, film, "--priority", "5", "--prompt", "sleep 30")
    assert main(["cancel", job, done, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "jobs": [{"id": job, "state": "cancelled"}, {"id": done, "state": "cancelled"}]
    }
    assert main(["watch-job", job]) == 130
    assert "was cancelled" in capsys.readouterr().err
    assert main(["cancel", job]) == 0
    assert capsys.readouterr().out == f"{job} was cancelled\n"
    assert main(["cancel", "nobody"]) == 3


def test_jobs_in_words(capsys: Capture, film: str) -> None:
    job = submitted(capsys, film, "--client", "words", "--prompt", "refuse")
    main(["watch-job", job])
    capsys.readouterr()
    assert main(["jobs", "--client", "words"]) == 0
    assert capsys.readouterr().out == f"{job}  failed         {film}  The document holds no picture.\n"
    assert main(["jobs", "--client", "nobody"]) == 0
    assert capsys.readouterr().out == "There are no jobs.\n"


def test_score_by_the_daemon_prints_the_result_of_the_job(capsys: Capture, client: Client, film: str) -> None:
    assert main(["score", film, "--daemon", "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert captured.err == ""
    assert Path(result["wav"]).parent == Path(film).parent
    newest = next(iter(client.list(client="cli")))
    assert client.get(newest.id).result == result


@pytest.mark.parametrize(
    "command",
    [("submit", "a.otio"), ("jobs",), ("watch-job", "x"), ("cancel", "x"), ("score", "a.otio", "--daemon")],
)
def test_without_a_daemon_it_is_said_in_a_sentence(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "nobody"))
    assert main([*command, "--json"]) == 4
    captured = capsys.readouterr()
    assert captured.err.startswith("v2m: No daemon runs here")
    assert "v2m serve" in captured.err
    assert json.loads(captured.out)["error"]["code"] == "unreachable"


@pytest.mark.parametrize(
    "command",
    [
        ("score", "a.otio", "--upload"),
        ("score", "a.otio", "--server", "studio.lan:1"),
        ("submit", "a.otio", "--token-file", "t"),
        ("submit", "a.otio", "--upload", "--out", "d"),
        ("submit", "a.otio", "--server", "nonsense"),
        ("submit", "a.otio", "--in", "soon"),
        ("submit", "a.otio", "--priority", "11"),
        ("serve", "--install", "--uninstall"),
        ("jobs", "--state", "happy"),
    ],
)
def test_wrong_use_is_told(command: tuple[str, ...], capsys: Capture) -> None:
    assert main(list(command)) == 2
    assert capsys.readouterr().err.count("\n") == 1


def interrupted(*command: str) -> tuple[int, str]:
    """Ctrl-C once the command tells that the job composes: exit code, and what it says then."""
    with subprocess.Popen([*V2M, *command], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(line == "Composing ...\n" for line in process.stderr)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    return process.returncode, said


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent to a process in the way of POSIX")
def test_an_interrupted_score_cancels_its_job(client: Client, film: str) -> None:
    code, said = interrupted("score", film, "--daemon", "--prompt", "sleep 30")
    assert (code, said) == (130, "v2m: Cancelled; nothing was left behind.\n")
    job = next(iter(client.list(client="cli"))).id
    *_, last = client.watch(job)
    assert last.state is JobState.CANCELLED


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent to a process in the way of POSIX")
def test_an_interrupted_watch_leaves_its_job_alone(client: Client, film: str, capsys: Capture) -> None:
    job = submitted(capsys, film, "--prompt", "sleep 30")
    code, said = interrupted("watch-job", job)
    assert code == 130
    assert f"v2m cancel {job}" in said
    assert client.get(job).state is JobState.RUNNING
    client.cancel(job)


def test_the_light_commands_load_nothing_heavy(film: str, daemon: Any) -> None:
    script = (
        "import sys; from v2m_daemon.cli import main\n"
        f"main(['submit', {film!r}]); main(['jobs']); main(['score', {film!r}, '--daemon', '--json'])\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "av", "opentimelineio"} & set(done.stderr.split())
