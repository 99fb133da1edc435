"""What a user installs holds the four packages, whole, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGES = {"v2m", "v2m_daemon", "v2m_otio", "v2m_training"}
WEIGHTS_LIMIT_BYTES = 16 * 2**20

pytestmark = pytest.mark.slow  # the wheel is built


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(repository),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_only_our_packages_are_importable(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_type_checkers_are_served(wheel: zipfile.ZipFile) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())


def test_licence_and_commands_come_along(wheel: zipfile.ZipFile) -> None:
    info = next(name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name)
    assert "Apache License" in wheel.read(f"{info}/licenses/LICENSE").decode()
    entry_points = wheel.read(f"{info}/entry_points.txt").decode()
    assert "v2m = v2m_daemon.cli:main" in entry_points
    assert "v2m-train = v2m_training.cli:main" in entry_points


def test_the_plugin_manifest_is_there(wheel: zipfile.ZipFile) -> None:
    assert "v2m_otio/plugin_manifest.json" in wheel.namelist()


def test_the_scripts_for_resolve_are_there(wheel: zipfile.ZipFile) -> None:
    assert {
        f"v2m_daemon/resolve_scripts/V2M {name}.lua" for name in ("Score", "Retime", "Restyle", "Takes")
    } <= set(wheel.namelist())


def test_what_a_report_is_made_of_is_there(wheel: zipfile.ZipFile, repository: Path) -> None:
    assets = {path.name for path in (repository / "v2m" / "report" / "assets").iterdir()}
    assert {f"v2m/report/assets/{name}" for name in assets} <= set(wheel.namelist())
    assert {"page.css", "start.js"} <= assets


def test_weights_are_there_and_small(wheel: zipfile.ZipFile) -> None:
    weights = wheel.getinfo("v2m/backbones/weights/sketch.safetensors")
    assert 0 < weights.file_size <= WEIGHTS_LIMIT_BYTES


def test_every_module_of_the_checkout_is_in_the_wheel(wheel: zipfile.ZipFile, repository: Path) -> None:
    for source in ("v2m", "daemon/v2m_daemon", "otio_adapters/v2m_otio", "training/v2m_training"):
        package = repository / source
        ours = {path.relative_to(package.parent).as_posix() for path in package.rglob("*.py")}
        assert ours <= set(wheel.namelist())
