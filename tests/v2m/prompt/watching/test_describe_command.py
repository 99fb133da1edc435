"""`--describe` shows each step, `--description` keeps them to be edited, and the take says who watched."""

import json
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon.cli import main

from v2m.prompt.watching import instructions

pytestmark = pytest.mark.slow  # transformers takes seconds to import

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose store has the tiny models."""
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    (home / "data" / "models").symlink_to(models)
    monkeypatch.setenv("V2M_HOME", str(home))
    for name in ("CAPTION_TOKENS", "SUMMARY_TOKENS", "PROMPT_TOKENS"):
        monkeypatch.setattr(instructions, name, 8)  # so small models never end by themselves
    return home


def told(capsys: Capture, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_steps_are_shown_kept_edited_and_scored_with(film: Path, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "steps.json"
    shown = told(capsys, "analyze", str(film), "--encoder", "pixel", "--description", str(file))
    steps = shown["description"]
    assert steps["models"]["captions"] == "gemma-3-4b-it"
    assert {"transcript", "captions", "summary", "prompt", "note"} <= steps.keys()
    kept = json.loads(file.read_text())
    assert kept == {name: value for name, value in steps.items() if name != "note"}
    file.write_text(json.dumps({**kept, "prompt": "ambient, calm, 72 BPM"}))
    scored = told(
        capsys, "score", str(film), "--encoder", "pixel", "--description", str(file), "--seed", "1",
        "--steps", "1", "--no-report", "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert scored["prompt"] == "ambient, calm, 72 BPM"
    assert any("of the description" in note for note in scored["notes"])
    take = json.loads((Path(scored["take"]) / "take.json").read_text())
    assert take["prompt"] == "ambient, calm, 72 BPM"


def test_words_for_a_person(film: Path, capsys: Capture) -> None:
    assert main(["analyze", str(film), "--encoder", "pixel", "--describe", "--watcher", "qwen3-vl"]) == 0
    words = capsys.readouterr().out
    for heading in ("Said", "Seen", "In short", "Asked for", "qwen3-vl"):
        assert heading in words


def test_without_models_a_plain_reading_is_shown_and_says_so(film: Path, capsys: Capture, home: Path) -> None:
    (home / "data" / "models").unlink()
    steps = told(capsys, "analyze", str(film), "--encoder", "pixel", "--describe")["description"]
    assert steps["captions"] is None
    assert steps["prompt"]
    assert "v2m models add gemma-3-4b-it" in steps["note"]
    assert "description" not in told(capsys, "analyze", str(film), "--encoder", "pixel")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--watcher", "llama"], 2, "no model 'llama' that looks"),
        (["--writer", "gpt"], 2, "no model 'gpt' that writes"),
        (["--watcher", "qwen3-vl"], 4, "v2m models add qwen3-vl"),
    ],
)
def test_what_cannot_be_done_is_told(
    film: Path, capsys: Capture, home: Path, arguments: list[str], code: int, said: str
) -> None:
    (home / "data" / "models").unlink()
    assert main(["analyze", str(film), "--encoder", "pixel", "--describe", *arguments]) == code
    assert said in capsys.readouterr().err


def test_a_file_that_is_no_description_is_refused(film: Path, capsys: Capture, tmp_path: Path) -> None:
    (file := tmp_path / "x.json").write_text("[1]")
    assert main(["analyze", str(film), "--encoder", "pixel", "--description", str(file)]) == 3
    assert "expected an object" in capsys.readouterr().err
    assert file.read_text() == "[1]"


def test_a_daemon_does_not_describe(film: Path, capsys: Capture) -> None:
    assert main(["score", str(film), "--daemon", "--describe"]) == 2
    assert "not for a daemon" in capsys.readouterr().err
