"""How a watched job is shown: a bar that goes away on a terminal, few lines in a pipe."""

import io
import sys
from dataclasses import replace

import pytest
from v2m_daemon import following
from v2m_daemon.client import JobKind, JobState, JobView
from v2m_daemon.following import follow

QUEUED = JobView(
    id="j", kind=JobKind.SCORE, state=JobState.QUEUED, document="/a.otio", out_dir="/", created_ms=0
)
RUNNING = replace(QUEUED, state=JobState.RUNNING)
DONE = replace(RUNNING, state=JobState.DONE, stage="place", fraction=1.0)
COURSE = (
    QUEUED,
    RUNNING,
    replace(RUNNING, stage="read", fraction=0.1),
    replace(RUNNING, stage="compose", fraction=0.3, eta_s=12.0),
    replace(RUNNING, stage="compose", fraction=0.5, eta_s=7.0),
    DONE,
)


def test_in_a_pipe_there_is_a_line_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(COURSE) == DONE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "Waiting for its turn ...", "Starting ...", "Reading the timeline ...", "Composing ...",
    ]  # fmt: skip


def test_what_takes_long_is_told_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = iter(range(0, 1000, 6))
    monkeypatch.setattr(following.time, "monotonic", lambda: float(next(now_s)))
    waiting = replace(QUEUED, state=JobState.WAITING_MEDIA, message="Waiting for a.mov")
    follow((waiting, *(replace(RUNNING, stage="compose", fraction=share / 10) for share in range(5)), DONE))
    assert capsys.readouterr().err.splitlines() == [
        "Waiting for a.mov ...", "Composing ...", "Composing ... 20%", "Composing ... 40%",
    ]  # fmt: skip


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(COURSE, quiet=True) == DONE
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    """Takes what is written and says that a person is looking."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_a_bar_that_goes_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "stderr", terminal)

    def slowly() -> object:
        yield from COURSE[:-1]
        following.time.sleep(0.3)  # the bar is drawn ten times a second
        yield DONE

    follow(slowly())  # type: ignore[arg-type]
    shown = terminal.getvalue()
    assert "Composing" in shown
    assert "50%" in shown
    assert "7 s left" in shown
    assert "\x1b[2K" in shown  # the line is erased
    assert capsys.readouterr().out == ""
