"""The doctor sees what is here and what is not, on the machine that runs the tests."""

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon import doctor
from v2m_daemon.memory import _linux, _macos_free, memory
from v2m_daemon.models import outlook

import v2m

FOUND_ALL: dict[str, Any] = {
    "device": "cpu",
    "dtype": "float32",
    "weights": {
        "backbone": "sketch",
        "path": "sketch.safetensors",
        "sha256": "ab" * 32,
        "licence": "Apache-2.0",
    },
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the seconds that torch takes to answer, as if it had found everything."""
    monkeypatch.setattr(doctor, "_probe", lambda: FOUND_ALL)


@pytest.mark.slow
def test_a_real_report_names_everything_and_is_json() -> None:
    found = doctor.report()
    assert json.loads(json.dumps(found)) == found
    assert found["v2m"] == v2m.__version__
    assert found["torch"]["device"] in {"cpu", "mps"} or found["torch"]["device"].startswith("cuda")
    assert found["torch"]["dtype"] in {"float32", "bfloat16", "float16"}
    assert found["cores"] >= 1
    assert found["libraries"]["torch"] == metadata.version("torch")
    assert set(found["folders"]) == {"config", "data", "cache"}
    assert found["ready"] is (not [problem for problem in found["problems"] if problem["blocks_score"]])
    assert doctor.exit_code(found) == (0 if found["ready"] else 4)


@pytest.mark.slow
def test_a_torch_that_does_not_load_is_a_finding_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so.13: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = doctor.report()
    assert not found["ready"]
    problem = next(problem for problem in found["problems"] if "libcudart" in problem["what"])
    assert "install" in problem["fix"]
    assert problem["what"] in doctor.describe(found)


@pytest.mark.usefixtures("quick")
def test_each_missing_model_is_told_with_what_it_would_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path))
    folder = tmp_path / "data" / "models" / "stable-audio-3-small"
    folder.mkdir(parents=True)
    row = {"name": "model.safetensors", "sha256": "0" * 64, "size_bytes": 3}
    (folder / "model.json").write_text(json.dumps({"files": [row]}))
    (folder / "model.safetensors").write_bytes(b"four")
    monkeypatch.setattr(doctor, "memory", lambda: type(memory())(8_000_000_000, 4_000_000_000))
    found = doctor.report()
    assert json.loads(json.dumps(found)) == found
    rows = {row["name"]: row for row in found["models"]}
    assert rows["stable-audio-3-small"]["present"] is True
    assert rows["gemma-3-4b-it"]["fits"] is False
    assert rows["dinov2-small"]["fits"] is True
    assert rows["cotracker"]["commercial"] is False
    words = doctor.describe(found)
    for row in rows.values():
        assert row["present"] is not (row["brings"] in words)
    assert "not for commercial use" in words
    assert found["ready"]
    fixes = [problem["fix"] for problem in found["problems"]]
    assert "v2m models add t5gemma-b-b-ul2" in fixes
    assert any(fix.startswith("v2m models remove stable-audio-3-small") for fix in fixes)
    (folder / "model.safetensors").write_bytes(b"but")
    assert not any("remove" in problem["fix"] for problem in doctor.report()["problems"])


def test_libraries_built_for_another_torch_are_named() -> None:
    assert list(outlook.mismatched({"torch": "2.13.0+cpu", "torchaudio": None})) == []
    assert list(outlook.mismatched({"torch": "2.13.0", "torchaudio": "2.13.0+cu130"})) == []
    assert list(outlook.mismatched({"torch": "2.13.0", "torchvision": "0.28.0"})) == []
    ((what, fix),) = outlook.mismatched({"torch": "2.13.0+cpu", "torchaudio": "2.11.0"})
    assert "torchaudio 2.11.0" in what
    assert fix.startswith("pip uninstall torchaudio")
    ((what, _),) = outlook.mismatched({"torch": "2.13.0", "torchvision": "0.26.0"})
    assert "torchvision" in what


def test_a_gpu_is_told_with_its_memory_and_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = {
        "name": "Card", "total_bytes": 4_000_000_000, "free_bytes": 3_000_000_000, "cuda": "13.0",
        "bf16": False,
    }  # fmt: skip
    monkeypatch.setattr(doctor, "_probe", lambda: {**FOUND_ALL, "device": "cuda", "gpu": gpu})
    found = doctor.report()
    words = doctor.describe(found)
    assert "Card, 4.0 GB, 3.0 GB free, CUDA 13.0" in words
    assert "float32" in words
    assert {row["name"]: row["fits"] for row in found["models"]}["stable-audio-3-medium"] is False


@pytest.mark.usefixtures("quick")
def test_a_missing_soundfont_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.report()["ready"]
    monkeypatch.setenv("V2M_SOUNDFONT", str(tmp_path / "gone.sf2"))
    found = doctor.report()
    assert not found["ready"]
    assert doctor.exit_code(found) == 4
    assert "gone.sf2" in found["problems"][0]["what"]
    assert "V2M_SOUNDFONT" in found["problems"][0]["fix"]


@pytest.mark.usefixtures("quick")
def test_a_missing_player_gets_the_line_that_works_without_a_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = metadata.version

    def without_player(name: str) -> str:
        if name == "tinysoundfont":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", without_player)
    found = doctor.report()
    assert not found["ready"]
    assert found["problems"][0]["fix"] == f"{sys.executable} -m pip install --no-deps tinysoundfont"


def test_missing_weights_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {**FOUND_ALL["weights"], "sha256": None, "problem": "The weights cannot be read."}
    monkeypatch.setattr(doctor, "_probe", lambda: {**FOUND_ALL, "weights": weights})
    found = doctor.report()
    assert not found["ready"]
    assert "The weights cannot be read." in doctor.describe(found)


@pytest.mark.usefixtures("quick")
def test_little_memory_is_a_note_that_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "memory", lambda: type(memory())(8_000_000_000, 200_000_000))
    found = doctor.report()
    assert found["ready"]
    assert "0.2 GB" in found["problems"][0]["what"] or "200.0 MB" in found["problems"][0]["what"]


@pytest.mark.usefixtures("quick")
def test_all_state_moves_with_v2m_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path))
    assert set(doctor.report()["folders"].values()) == {str(tmp_path)}


def test_memory_of_this_machine_is_plausible() -> None:
    here = memory()
    assert here is not None
    assert 0 < here.free_bytes <= here.total_bytes
    assert here.total_bytes > 2**28


def test_memory_is_read_as_linux_and_macos_write_it() -> None:
    linux = _linux("MemTotal:       24682416 kB\nMemFree:  1 kB\nMemAvailable: 20000000 kB\nHugePages: 0\n")
    assert linux.total_bytes == 24682416 * 1024
    assert linux.free_bytes == 20000000 * 1024
    macos = (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
        "Pages free:                               100.\nPages active:       7.\n"
        "Pages inactive:                            50.\nPages speculative:  25.\n"
    )
    assert _macos_free(macos) == 175 * 16384
