"""Takes stand in their folder whole, all or none, and never over what is not theirs to replace."""

from pathlib import Path

import pytest

from v2m.errors import OutputExistsError, OutputWriteError
from v2m.take.shelf import Shelf


def write_take(shelf: Shelf, text: str) -> Path:
    building = shelf.new()
    (building / "take.json").write_text(text)
    return building


def put(shelf: Shelf, stem: str, text: str) -> Path:
    return shelf.put(write_take(shelf, text), stem)


def texts(folder: Path) -> dict[str, str]:
    return {path.name: (path / "take.json").read_text() for path in folder.iterdir()}


def stop_after_putting(folder: Path, *stems: str, overwrite: bool = False) -> None:
    with Shelf(folder, overwrite=overwrite) as shelf:
        for stem in stems:
            put(shelf, stem, "new")
        shelf.new()
        raise KeyboardInterrupt


def test_takes_appear_whole_in_a_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b c"
    with Shelf(folder) as shelf:
        building = write_take(shelf, "one")
        assert not (folder / "x.v2m").exists()
        assert shelf.put(building, "x") == folder / "x.v2m"
    assert texts(folder) == {"x.v2m": "one"}


def test_a_failure_leaves_nothing_not_even_folders(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        stop_after_putting(tmp_path / "a" / "b", "x", "y")
    assert list(tmp_path.iterdir()) == []


def test_names_count_on_where_takes_stand_already(tmp_path: Path) -> None:
    (tmp_path / "x.v2m").write_text("a file of the user's")
    with Shelf(tmp_path) as shelf:
        assert put(shelf, "x", "two").name == "x-2.v2m"
        assert put(shelf, "x", "three").name == "x-3.v2m"
    assert (tmp_path / "x.v2m").read_text() == "a file of the user's"


def test_a_take_that_another_process_puts_meanwhile_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def late_rename(source: Path, target: Path) -> Path:
        if target.name == "x.v2m":  # at the last moment the other process is done
            target.mkdir()
            (target / "take.json").write_text("the other's")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", late_rename)
    with Shelf(tmp_path) as shelf:
        assert put(shelf, "x", "ours").name == "x-2.v2m"
    assert texts(tmp_path) == {"x.v2m": "the other's", "x-2.v2m": "ours"}


def test_a_take_is_replaced_only_when_told_and_only_by_a_take(tmp_path: Path) -> None:
    with Shelf(tmp_path) as shelf:
        put(shelf, "x", "old")
    with Shelf(tmp_path, overwrite=True) as shelf:
        put(shelf, "x", "new")
    assert texts(tmp_path) == {"x.v2m": "new"}
    (tmp_path / "y.v2m").mkdir()
    with pytest.raises(OutputExistsError, match="no take"), Shelf(tmp_path, overwrite=True) as shelf:
        shelf.check("y")
    assert {path.name for path in tmp_path.iterdir()} == {"x.v2m", "y.v2m"}


def test_takes_that_were_to_be_replaced_come_back_after_a_failure(tmp_path: Path) -> None:
    with Shelf(tmp_path) as shelf:
        put(shelf, "x-a", "old a")
        put(shelf, "x-b", "old b")
    with pytest.raises(KeyboardInterrupt):
        stop_after_putting(tmp_path, "x-a", "x-b", "x-c", overwrite=True)
    assert texts(tmp_path) == {"x-a.v2m": "old a", "x-b.v2m": "old b"}


def test_a_place_that_takes_no_folders_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputWriteError, match="Cannot write in"), Shelf(tmp_path / "file" / "out"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
