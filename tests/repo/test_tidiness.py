"""What is in the repository is small, readable, and at home on any machine."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.repo.source import source_of

FILE_LIMIT_BYTES = 2_000_000
WEIGHTS_LIMIT_BYTES = 16 * 2**20
FILE_LIMIT_LINES = 450
FUNCTION_LIMIT_LINES = 60
MACHINE_PATHS = re.compile(r"(?<![\w.-])/" + r"(work|tmp/bash_jobs|root|home/\w+/)" + r"(?=/|\b)")


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[Path]:
    """The files that git keeps and that are there."""
    if not (repository / ".git").exists():
        pytest.skip("this is no git checkout, so there are no tracked files to look at")
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True
    )
    return [path for name in done.stdout.split("\0") if name and (path := repository / name).is_file()]


def test_files_are_small(tracked: list[Path]) -> None:
    def limit(path: Path) -> int:
        return WEIGHTS_LIMIT_BYTES if path.suffix == ".safetensors" else FILE_LIMIT_BYTES

    assert not [path for path in tracked if path.stat().st_size > limit(path)]


def test_no_file_names_a_place_on_one_machine(tracked: list[Path]) -> None:
    found = {}
    for path in tracked:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or weights
        if path.name != Path(__file__).name and (match := MACHINE_PATHS.search(text)):
            found[path.name] = match.group()
    assert not found


def test_files_and_functions_are_short(tracked: list[Path]) -> None:
    long = {}
    for path in tracked:
        if path.suffix != ".py" or "rpc" in path.parts:
            continue
        source = source_of(path)
        if source.line_count > FILE_LIMIT_LINES:
            long[path.name] = source.line_count
        for name, length in source.functions:
            if length > FUNCTION_LIMIT_LINES:
                long[f"{path.name}:{name}"] = length
    assert not long, (
        f"longer than {FILE_LIMIT_LINES} lines a file or {FUNCTION_LIMIT_LINES} a function: {long}"
    )


def test_the_changelog_says_what_is_new(repository: Path) -> None:
    text = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    sections = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert set(sections) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_changelog_knows_the_version(repository: Path) -> None:
    import v2m

    text = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    assert not released or released[0] == v2m.__version__


def test_the_licence_is_whole(repository: Path) -> None:
    text = (repository / "LICENSE").read_text(encoding="utf-8")
    assert text.lstrip().startswith("Apache License")
    assert "END OF TERMS AND CONDITIONS" in text
