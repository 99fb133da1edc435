"""The README tells the truth: its commands run, its flags and exit codes exist, and none is left out."""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from v2m_daemon.cli import build_parser

from v2m.errors import V2MError

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
PROGRAMS = {
    "python": [sys.executable],
    "v2m": [sys.executable, "-m", "v2m_daemon.cli"],
}


@pytest.fixture(scope="module")
def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def runnable_lines(readme: str) -> list[str]:
    """The commands in its `bash` blocks, in order."""
    blocks = re.findall(r"^```bash\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def commands() -> dict[str, set[str]]:
    """Each command of `v2m` with its flags."""
    actions = build_parser()._actions
    subparsers = next(action for action in actions if isinstance(action, argparse._SubParsersAction))
    return {
        name: {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}
        for name, parser in subparsers.choices.items()
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_commands_run_as_written(readme: str, repository: Path, tmp_path: Path) -> None:
    shutil.copytree(repository / "examples", tmp_path / "examples")
    lines = runnable_lines(readme)
    assert len(lines) >= 5
    for line in lines:
        program, *arguments = shlex.split(line)
        done = subprocess.run([*PROGRAMS[program], *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert list((tmp_path / "demo_out").rglob("music.wav"))
    assert (tmp_path / "demo_out" / "curve.png").stat().st_size > 10_000


def test_every_command_it_names_exists(readme: str) -> None:
    named = set(re.findall(r"`v2m ([a-z][a-z-]+)", readme)) | set(
        re.findall(r"^v2m ([a-z-]+)", readme, re.MULTILINE)
    )
    assert named == commands().keys()


def test_flags_in_commands_exist(readme: str) -> None:
    for line in runnable_lines(readme):
        program, command, *_ = shlex.split(line)
        if program == "v2m":
            assert set(FLAG.findall(line)) <= commands()[command], line


def test_every_section_tells_all_flags_and_no_others(readme: str) -> None:
    for command, flags in commands().items():
        section = re.search(rf"^### `v2m {command}.*?(?=^##)", readme, re.MULTILINE | re.DOTALL)
        assert section is not None, f"the README has no section on v2m {command}"
        assert set(FLAG.findall(section.group())) == flags - {"--help"}, command


def test_exit_codes_are_told(readme: str) -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", readme, re.MULTILINE)}
    assert told == {0} | exit_codes(V2MError)


def exit_codes(error: type[V2MError]) -> set[int]:
    return {error.exit_code}.union(*(exit_codes(child) for child in error.__subclasses__()))


def test_files_and_targets_it_names_are_there(readme: str, repository: Path) -> None:
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make (\w+)", readme, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for path in re.findall(r"\b((?:benchmarks|tests|examples)/[\w/]+\.py)", readme):
        assert (repository / path).is_file(), path


@pytest.mark.parametrize("command", ["corpus", "text-to-music", "curve", "export", "all"])
def test_the_training_commands_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from v2m_training.cli import main

    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert "--config" in capsys.readouterr().out
