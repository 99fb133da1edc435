"""How far the work is: a bar on a terminal, a line a stage in a pipe, nothing where nothing is wanted."""

import io
import sys

import pytest
from v2m_daemon import progress
from v2m_daemon.progress import STAGE_WORDS, show_progress

from v2m.stages import STAGES

Capture = pytest.CaptureFixture[str]


def test_every_stage_has_its_words() -> None:
    assert tuple(STAGE_WORDS) == STAGES


def test_in_a_pipe_a_stage_is_one_line(capsys: Capture) -> None:
    with show_progress() as report:
        for stage in ("read", "compose"):
            for percent in range(101):
                report(stage, percent / 100)
        report("polish", 0.0)
    captured = capsys.readouterr()
    assert captured.err.splitlines() == ["Reading the timeline ...", "Composing ...", "polish ..."]
    assert captured.out == ""


def test_a_long_stage_says_from_time_to_time_how_far_it_is(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s)
    with show_progress() as report:
        for second in range(25):
            now_s = 100.0 + second
            report("compose", second / 25)
    assert capsys.readouterr().err.splitlines() == ["Composing ...", "Composing ... 44%", "Composing ... 88%"]


def test_quiet_is_quiet(capsys: Capture) -> None:
    with show_progress(quiet=True) as report:
        report("compose", 0.5)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    """Takes what is written and says that a person is looking."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_a_bar_that_goes_away(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    with show_progress() as report:
        report("read", 1.0)
        report("compose", 0.5)
    assert "Reading the timeline" in terminal.getvalue()
    assert "Composing" in terminal.getvalue()
    assert "\x1b[2K" in terminal.getvalue()  # the lines are erased
    assert capsys.readouterr().out == ""
