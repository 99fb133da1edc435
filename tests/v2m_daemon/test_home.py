"""Where state lies: one folder moves all of it, and nobody else may enter."""

import os
import stat
import sys
from pathlib import Path

import pytest
from v2m_daemon.home import LONGEST_SOCKET_PATH, Home, make_private

from v2m.errors import OutputWriteError

unix = pytest.mark.skipif(sys.platform == "win32", reason="rights and links of Unix")


def places(home: Home) -> list[Path]:
    names = [name for name, value in vars(Home).items() if isinstance(value, property)]
    return [getattr(home, name) for name in names] + [home.state, home.cache, home.data, home.config]


def test_one_folder_moves_everything(tmp_path: Path) -> None:
    home = Home.find({"V2M_HOME": str(tmp_path)})
    assert len(places(home)) > 12
    assert all(place.is_relative_to(tmp_path) for place in places(home))
    assert len(set(places(home))) == len(places(home)) - 1  # configuration lies beside the state


def test_without_it_the_platforms_folders_are_used() -> None:
    home = Home.find({})
    assert all("v2m" in str(place).lower() for place in places(home))


def test_a_relative_one_means_the_same_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.find({"V2M_HOME": "here"}).state == tmp_path / "here"


@unix
def test_all_of_it_is_for_the_user_alone(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    home.jobs.mkdir(parents=True)
    home.jobs.chmod(0o777)
    home.make()
    for folder in (home.state, home.jobs, home.models, home.socket.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@unix
def test_a_deep_home_has_a_socket_that_fits_into_an_address(tmp_path: Path) -> None:
    home = Home.at(tmp_path / ("deep" * 30))
    assert len(os.fsencode(home.socket)) <= LONGEST_SOCKET_PATH
    assert home.socket == Home.at(tmp_path / ("deep" * 30)).socket
    assert home.socket != Home.at(tmp_path / ("deep" * 31)).socket


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("mine")
    with pytest.raises(OutputWriteError, match="state"):
        make_private(tmp_path / "state")


@unix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(OutputWriteError, match="another user"):
        make_private(folder)
