"""`v2m install-resolve` and what the doctor says of Resolve, on the three systems."""

import errno
import json
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.cli import main
from v2m_daemon.home import Home
from v2m_daemon.resolve import health
from v2m_daemon.resolve.menu import install, remove
from v2m_daemon.resolve.places import Machine, installations, script_folder
from v2m_daemon.resolve.scripts import (
    MENU,
    Addresses,
    addressed,
    assembled,
    scripts_folder,
    shipped,
    write_all,
)

from v2m.errors import OutputExistsError, OutputWriteError

NAMES = {f"{name}.lua" for name in MENU}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Linux with nothing on it."""
    return Machine("Linux", tmp_path / "user", tmp_path / "root", {})


@pytest.fixture
def addresses(home: Home, tmp_path: Path) -> Addresses:
    return Addresses.of(home, tmp_path / "Müsik")


def test_the_shipped_scripts_are_made_of_their_parts_as_they_are() -> None:
    for name in MENU:
        assert shipped(name) == assembled(name), "make them anew: python -m v2m_daemon.resolve.scripts"


def test_every_script_is_whole_in_itself() -> None:
    for name in MENU:
        text = shipped(name)
        assert "require" not in text.replace('pcall(require, "ffi")', "")
        assert "dofile" not in text


@pytest.mark.parametrize(
    ("system", "user", "everybody"),
    [
        (
            "Linux",
            "home/.local/share/DaVinciResolve/Fusion/Scripts/Utility",
            "root/opt/resolve/Fusion/Scripts/Utility",
        ),
        (
            "Darwin",
            "home/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility",
            "root/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility",
        ),
        (
            "Windows",
            "Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts/Utility",
            "ProgramData/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility",
        ),
    ],
)
def test_the_folders_of_each_system(system: str, user: str, everybody: str, tmp_path: Path) -> None:
    environment = {"APPDATA": str(tmp_path / "Roaming"), "PROGRAMDATA": str(tmp_path / "ProgramData")}
    machine = Machine(system, tmp_path / "home", tmp_path / "root", environment)
    assert script_folder(machine, "user") == tmp_path / user
    assert script_folder(machine, "all") == tmp_path / everybody


@pytest.mark.parametrize(
    ("system", "path", "edition"),
    [
        ("Linux", "root/opt/resolve/bin/resolve", "unknown"),
        ("Linux", "root/home/resolve/bin/resolve", "unknown"),
        ("Darwin", "root/Applications/DaVinci Resolve/DaVinci Resolve.app", "unknown"),
        ("Darwin", "root/Applications/DaVinci Resolve.app", "App Store"),
        ("Windows", "Programs/Blackmagic Design/DaVinci Resolve/Resolve.exe", "unknown"),
    ],
)
def test_installations_are_found(system: str, path: str, edition: str, tmp_path: Path) -> None:
    environment = {"PROGRAMFILES": str(tmp_path / "Programs")}
    machine = Machine(system, tmp_path / "home", tmp_path / "root", environment)
    assert installations(machine) == ()
    (tmp_path / path).mkdir(parents=True)
    (found,) = installations(machine)
    assert (found.path, found.edition) == (tmp_path / path, edition)


def test_studio_is_told_by_the_python_that_it_alone_brings(machine: Machine) -> None:
    (machine.root / "opt/resolve/bin/resolve").mkdir(parents=True)
    (machine.root / "opt/resolve/ResolvePython").mkdir()
    assert installations(machine)[0].edition == "Studio"


def test_the_doctor_finds_what_is_missing_stale_foreign_and_twice(
    home: Home, machine: Machine, tmp_path: Path
) -> None:
    def told() -> str:
        return " ".join(f"{what} {fix}" for what, fix in health.problems(health.look(home, machine)))

    assert told() == ""
    (machine.root / "opt/resolve/bin/resolve").mkdir(parents=True)
    assert "v2m install-resolve" in told()
    user, everybody = script_folder(machine, "user"), script_folder(machine, "all")
    install(user, Addresses.of(home, tmp_path / "anywhere"))
    assert told() == ""
    assert "4" in health.words(health.look(home, machine))
    install(everybody, Addresses.of(home, tmp_path))
    assert "twice" in told()
    remove(everybody)
    install(user, Addresses.of(Home.at(tmp_path / "another"), tmp_path))
    assert "another version or place" in told()
    (user / "V2M Score.lua").write_text("-- mine")
    assert "Not V2M's own" in told()


def test_what_is_not_ours_is_neither_replaced_nor_removed(machine: Machine, addresses: Addresses) -> None:
    folder = script_folder(machine, "user")
    folder.mkdir(parents=True)
    (folder / "V2M Takes.lua").write_text("print('mine')")
    with pytest.raises(OutputExistsError, match="no script of V2M"):
        install(folder, addresses)
    assert {path.name for path in folder.iterdir()} == {"V2M Takes.lua"}
    remove(folder)
    assert (folder / "V2M Takes.lua").exists()


def test_a_folder_that_cannot_be_written_is_told(
    machine: Machine, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(OutputWriteError, match="script folder") as caught:
        install(script_folder(machine, "user"), addresses)
    assert "--user" in caught.value.hint


def test_the_command_writes_and_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    folder = tmp_path / "user/.local/share/DaVinciResolve/Fusion/Scripts/Utility"
    if sys.platform != "linux":
        pytest.skip("the folder asserted here is that of Linux")
    assert main(["install-resolve", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {Path(path) for path in found["written"]} == {folder / name for name in NAMES}
    assert found["music"] == str(tmp_path / "home/data/resolve")
    assert main(["install-resolve", "--to", str(tmp_path / "Eigene"), "--music", str(tmp_path / "x")]) == 0
    told = capsys.readouterr().out
    assert "free Resolve and in Studio" in told
    assert str(folder / "V2M Score.lua") in told
    assert main(["install-resolve", "--remove", "--to", str(tmp_path / "Eigene"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["removed"]) == 8
    assert not list(folder.iterdir())


@given(path=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_addresses_are_plain_ascii_whatever_they_hold(path: str) -> None:
    line = addressed("local ADDRESSES = { }\nrest", Addresses(inbox=path)).removesuffix("\nrest")
    assert line.isascii()
    assert "\n" not in line
    start = line.index('inbox = "') + len('inbox = "')
    text, data, at = line[start : line.index('"', start)], bytearray(), 0
    while at < len(text):  # Lua's decimal escapes
        step = 4 if text[at] == "\\" else 1
        data.append(int(text[at + 1 : at + 4]) if step == 4 else ord(text[at]))
        at += step
    assert data.decode() == path


def test_scripts_are_made_anew_from_their_parts(tmp_path: Path) -> None:
    shutil.copytree(scripts_folder() / "src", tmp_path / "src")
    write_all(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.lua")} == {
        f"{name}.lua": shipped(name) for name in MENU
    }


def test_a_file_where_the_folder_should_be_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for place in (tmp_path / "notes.txt", tmp_path / "notes.txt" / "scripts"):
        assert main(["install-resolve", "--to", str(place)]) == 4
        assert "a file is in its place" in capsys.readouterr().err
    assert (tmp_path / "notes.txt").read_text() == "mine"
