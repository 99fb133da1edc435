"""When a file has settled, what it is known by, and whether its folder is there."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.intake.anchor import ANCHOR, is_there
from v2m_daemon.intake.content import WHOLE_BYTES, content_hash
from v2m_daemon.intake.settling import Look, Settling, look_at

LOOKS = st.builds(Look, st.integers(0, 2), st.integers(0, 2), st.integers(0, 1))


@given(st.lists(LOOKS, min_size=1, max_size=40), st.integers(2, 5))
def test_a_file_has_settled_exactly_when_its_last_looks_were_equal(looks: list[Look], equal: int) -> None:
    settling = Settling(equal)
    for number, look in enumerate(looks, start=1):
        settled = settling.see("a", look, float(number))
        last = looks[max(0, number - equal) : number]
        assert settled == (len(last) == equal and len(set(last)) == 1)


@given(st.lists(LOOKS, min_size=1, max_size=40))
def test_how_long_it_looks_the_same_is_counted_from_the_first_such_look(looks: list[Look]) -> None:
    settling = Settling(3)
    since = 0
    for number, look in enumerate(looks):
        settling.see("a", look, float(number))
        if number == 0 or look != looks[number - 1]:
            since = number
        assert settling.unchanged_s("a", float(number)) == number - since


def test_looks_that_follow_at_once_count_as_one() -> None:
    settling, look = Settling(3, apart_s=1.0), Look(1, 1, 1)
    settled = [settling.see("a", look, now_s) for now_s in (0, 0.01, 0.02, 1.0, 1.01, 1.5, 2.0, 2.01)]
    assert settled == [False] * 6 + [True] * 2


def test_files_settle_by_themselves_and_what_is_gone_begins_anew() -> None:
    settling = Settling(2)
    look = Look(1, 1, 1)
    assert not settling.see("a", look, 0)
    assert not settling.see("b", look, 0)
    settling.keep({"b"})
    assert not settling.see("a", look, 1)
    assert settling.see("b", look, 1)
    settling.forget("b")
    assert not settling.see("b", look, 2)


def test_a_look_sees_growth_change_and_exchange(tmp_path: Path) -> None:
    file = tmp_path / "edit.otio"
    file.write_bytes(b"{}")
    first = look_at(file)
    assert look_at(file) == first
    file.write_bytes(b"{ }")
    assert look_at(file) != first
    file.write_bytes(b"{}")
    os.utime(file, ns=(first.mtime_ns, first.mtime_ns))
    assert look_at(file) == first
    other = tmp_path / "other"
    other.write_bytes(b"[]")
    os.utime(other, ns=(first.mtime_ns, first.mtime_ns))
    other.replace(file)
    assert look_at(file) != first, "another file of the same size and time"
    assert look_at(file).same_content == first.same_content


def test_a_look_at_a_bundle_sees_what_is_in_it(tmp_path: Path) -> None:
    bundle = tmp_path / "edit.otiod"
    (bundle / "media").mkdir(parents=True)
    (bundle / "content.otio").write_text("{}")
    first = look_at(bundle)
    assert look_at(bundle) == first
    (bundle / "media" / "a.mov").write_bytes(b"12")
    second = look_at(bundle)
    assert second != first
    with (bundle / "media" / "a.mov").open("ab") as file:
        file.write(b"34")
    assert look_at(bundle) != second


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_files_are_known_by_content_alone(
    tmp_path_factory: pytest.TempPathFactory, one: bytes, two: bytes
) -> None:
    folder = tmp_path_factory.mktemp("content")
    (folder / "a").write_bytes(one)
    (folder / "b").write_bytes(two)
    assert (content_hash(folder / "a") == content_hash(folder / "b")) == (one == two)


def test_a_large_file_is_known_by_size_and_both_ends(tmp_path: Path) -> None:
    file = tmp_path / "film.mov"

    def hashed(size: int, head: bytes = b"", tail: bytes = b"") -> str:
        with file.open("wb") as sink:
            sink.write(head)
            sink.seek(size - len(tail))
            sink.write(tail)
            sink.truncate(size)
        return content_hash(file)

    size = WHOLE_BYTES + 5
    seen = {hashed(size), hashed(size + 1), hashed(size, head=b"x"), hashed(size, tail=b"x"), hashed(100)}
    assert len(seen) == 5


def test_a_bundle_is_known_by_its_names_and_files(tmp_path: Path) -> None:
    bundle = tmp_path / "edit.otiod"
    bundle.mkdir()
    (bundle / "a").write_text("1")
    (bundle / "b").write_text("2")
    before = content_hash(bundle)
    (bundle / "a").rename(bundle / "c")
    (bundle / "b").rename(bundle / "a")
    (bundle / "c").rename(bundle / "b")
    assert content_hash(bundle) != before


def test_an_anchor_tells_a_folder_from_its_empty_mount_point(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    assert not is_there(folder, "me", is_known=False), "there is no folder"
    folder.mkdir()
    assert is_there(folder, "me", is_known=False), "a new folder gets its anchor"
    assert (folder / ANCHOR).read_text() == "me\n"
    assert is_there(folder, "me", is_known=True)
    (folder / ANCHOR).unlink()
    assert not is_there(folder, "me", is_known=True), "the share dropped"
    (folder / ANCHOR).write_text("somebody else\n")
    assert not is_there(folder, "me", is_known=True), "another folder is mounted here"
    assert (folder / ANCHOR).read_text() == "somebody else\n"
    assert is_there(folder, "me", is_known=False), "a folder that an earlier home watched"
    (folder / ANCHOR).write_text("")
    assert is_there(folder, "me", is_known=True), "a person vouched for it"
    assert (folder / ANCHOR).read_text() == "me\n"
