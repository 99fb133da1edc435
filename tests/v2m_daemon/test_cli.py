"""The command line as such: what it takes, and that whatever happens ends in one sentence and a code."""

import inspect
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from v2m_daemon.cli import build_parser, main
from v2m_daemon.commands import doctor

import v2m
from v2m.score import ScoreSettings

Capture = pytest.CaptureFixture[str]
COMMANDS = ("score", "analyze", "serve", "submit", "jobs", "watch-job", "cancel", "watch", "doctor")
V2M = (sys.executable, "-m", "v2m_daemon.cli")


def test_the_version_is_that_of_the_package(capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"v2m {v2m.__version__}\n"


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_is_there_for_every_command(command: tuple[str, ...], capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: {' '.join(('v2m', *command))} ")
    assert "None" not in shown


def test_flags_left_out_are_what_the_library_does_by_itself() -> None:
    left_out = build_parser().parse_args(["score", "edit.otio"])
    alone = ScoreSettings()
    names = {"tempo_bpm": "tempo", "loudness_lufs": "loudness"}
    for field in inspect.signature(ScoreSettings).parameters.keys() - {"window_scale"}:  # no flag: a retry's
        assert getattr(left_out, names.get(field, field)) == getattr(alone, field), field


def test_flags_are_read_as_what_they_mean() -> None:
    given = build_parser().parse_args(
        ["score", "edit.otio", "--in", "01:00:00:00", "--out-point", "300f", "--path-map", "D:/a=/mnt/b=c",
         "--path-map", "/x=/y", "--takes", "4", "--seed", "9", "--tempo", "92.5", "--tempo-freedom", "0"]
    )  # fmt: skip
    assert (given.in_point, given.out_point) == ("01:00:00:00", "300f")
    assert given.path_map == [("D:/a", "/mnt/b=c"), ("/x", "/y")]
    assert (given.takes, given.seed, given.tempo, given.tempo_freedom) == (4, 9, 92.5, 0)


def ends_with(error: BaseException, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command in which something is raised."""

    def run(_: Any) -> int:
        raise error

    monkeypatch.setattr(doctor, "run", run)
    return main(["doctor", *arguments])


def test_the_unexpected_is_one_sentence_and_where_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert ends_with(RuntimeError("the moon is full"), monkeypatch, "--json") == 4
    captured = capsys.readouterr()
    sentence, place = captured.err.splitlines()
    assert sentence.startswith("v2m: Something went wrong inside v2m: RuntimeError: the moon is full.")
    assert "test_cli.py" in place
    error = json.loads(captured.out)["error"]
    assert error["code"] == "internal"
    assert "v2m doctor" in error["hint"]


def test_an_interruption_is_a_cancellation(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert ends_with(KeyboardInterrupt(), monkeypatch, "--json") == 130
    captured = capsys.readouterr()
    assert captured.err == "v2m: Cancelled; nothing was left behind.\n"
    assert json.loads(captured.out)["error"]["code"] == "cancelled"


def test_without_json_nothing_is_printed_where_results_go(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert ends_with(RuntimeError("x"), monkeypatch) == 4
    assert capsys.readouterr().out == ""


def test_a_reader_that_has_gone_is_no_drama() -> None:
    """As in `v2m score | head -0`: the pipe is closed before anything is written."""
    script = (
        "import sys; from v2m_daemon.commands import doctor; from v2m_daemon.cli import main\n"
        "doctor.run = lambda arguments: print('{}') or 0\n"
        "sys.stdin.read(); sys.argv[1:] = ['doctor', '--json']; sys.exit(main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 4


def test_an_unknown_command_is_told_with_the_known_ones() -> None:
    done = subprocess.run([*V2M, "frobnicate"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "score" in done.stderr
    assert done.stderr.count("\n") == 1
