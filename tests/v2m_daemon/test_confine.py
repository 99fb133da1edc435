"""No path of a job leads out of the folders that it may touch, whatever it is spelt like."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.confine import Confinement
from v2m_daemon.home import Home
from v2m_daemon.jobs.spec import JobKind, JobSpec

from v2m.errors import FieldError, InputError, PathRefusedError, UsageError

TOP = "root"
"""The name under which the kernel shows a process its whole file system."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and special files of Unix")


@pytest.fixture
def root(tmp_path: Path, home: Home) -> Path:
    """A root with a film, a folder beside it with a secret, and ways from one to the other."""
    root, outside = tmp_path / "edits", tmp_path / "edits-private"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    (root / "film.otio").write_text("{}")
    (root / "bundle.otiod").mkdir()
    (outside / "secret.otio").write_text("{}")
    (root / "link.otio").symlink_to(outside / "secret.otio")
    (root / "linked").symlink_to(outside, target_is_directory=True)
    (root / "sub" / "up").symlink_to("../..")
    (root / "chain").symlink_to(root / "linked")
    (root / "loop").symlink_to(root / "loop")
    (root / "inside.otio").symlink_to(root / "film.otio")
    os.mkfifo(root / "fifo.otio")
    return root


@pytest.fixture
def confinement(root: Path, home: Home) -> Confinement:
    return Confinement(home, [str(root)])


def spec(path: str, **values: Any) -> JobSpec:
    return JobSpec(**({"kind": JobKind.SCORE, "document": path} | values))


@pytest.mark.parametrize("field", ["out_dir", "document", "picture"])
def test_a_path_of_another_system_is_no_place_here(home: Home, root: Path, field: str) -> None:
    values = {"path": str(root / "film.otio")} if field != "document" else {"path": "D:\\a.otio"}
    named = {} if field == "document" else {field: "D:\\Music"}
    with pytest.raises(PathRefusedError, match="no absolute path on this machine"):
        Confinement(home).check(spec(values["path"], **named))


def test_what_lies_inside_is_let_pass(confinement: Confinement, root: Path, home: Home) -> None:
    (home.uploads / "a").mkdir()
    (home.uploads / "a" / "sent.mov").write_bytes(b"")
    (home.inbox / "asked").mkdir()
    (home.inbox / "asked" / "film.otio").write_text("{}")
    confinement.check(spec(str(home.inbox / "asked" / "film.otio")))
    for name in ("film.otio", "bundle.otiod", "inside.otio", "sub/../film.otio", "./film.otio"):
        confinement.check(spec(str(root / name)))
    confinement.check(spec(f"{root}//film.otio", out_dir=str(root / "new" / "folder")))
    confinement.check(spec(str(root / "film.otio"), in_place=True))
    confinement.check(spec(str(home.uploads / "a" / "sent.mov"), path_map=(("D:/", str(home.uploads)),)))


def ways_out(root: Path) -> Iterator[str]:
    outside = f"{root.parent}/edits-private/secret.otio"
    yield from (
        outside,
        f"/{outside}",
        f"/.{outside}",
        f"/../..{outside}",
        f"{outside}/",
        f"/etc/..{outside}",
    )
    yield from (
        f"/var/..{outside}",
        f"/etc/.{outside}",
        f"{outside}//",
        f"{root.parent}/./edits-private/secret.otio",
    )
    for up in ("..", "sub/../..", "./..", "sub/up", "linked/..", ".//..", "bundle.otiod/../.."):
        yield f"{root}/{up}/edits-private/secret.otio"
    yield from (f"{root}/link.otio", f"{root}/linked/secret.otio", f"{root}/chain/secret.otio")
    yield from (f"{root}/sub/up/edits-private/secret.otio", f"{root}/sub/up/edits/link.otio")
    yield from (f"{root}-private/secret.otio", f"{root}/../edits-private/../edits-private/secret.otio")
    yield from (f"/proc/self/{TOP}{outside}", f"/proc/{os.getpid()}/{TOP}{outside}", "/proc/self/environ")
    yield from ("/proc/self/fd/0", "/dev/stdin", "/dev/zero", "/dev/null", "/etc/passwd", "/", "//", "/.")
    yield from (f"{root}/loop", f"{root}/loop/film.otio", f"{root}/fifo.otio", f"{root}/missing.otio")
    yield from (f"{root}/film.otio/", f"{root}/film.otio/..", f"{root}/film.otio/../../edits-private")
    yield from (f"{root}%2f..%2fedits-private/secret.otio", f"{root}/..%2fedits-private%2fsecret.otio")
    yield from (f"{root}/%2e%2e/edits-private/secret.otio", f"file://{outside}", f"file:{outside}")
    yield from (f"{root}/film.otio\0/../x", f"{root}\0", f"{root}/..\\edits-private\\secret.otio")
    yield from (f"{root.parent}/EDITS/film.otio", "//server/share/film.otio", "\\\\server\\share\\film.otio")
    yield from ("~/film.otio", "$HOME/film.otio", "film.otio", "", ".", "..", "../film.otio", "C:\\film.otio")
    yield from (f"http://localhost{outside}", "concat:/etc/passwd", "pipe:0", "/" + "a/" * 4000 + "film.otio")


def test_no_spelling_leads_out(confinement: Confinement, root: Path) -> None:
    ways = list(ways_out(root))
    assert len(set(ways)) >= 60
    for way in ways:
        for field in ("document", "picture", "soundfont", "adapter"):
            values = {"document": str(root / "film.otio")} | {field: way}
            try:
                confinement.check(JobSpec(kind=JobKind.SCORE, **values))
            except (InputError, FieldError):  # a refusal is an InputError too
                continue
            pytest.fail(f"{field} {way!r} was let pass")


def test_nothing_is_written_outside(confinement: Confinement, root: Path, home: Home) -> None:
    film = str(root / "film.otio")
    for way in (*ways_out(root), str(home.jobs / "other"), str(home.state)):
        try:
            confinement.check(spec(film, out_dir=way))
        except (PathRefusedError, InputError, FieldError):
            continue
        # a folder inside that is not there yet may be called anything
        assert Path(os.path.realpath(way)).is_relative_to(root), way


STEPS = ["..", ".", "sub", "up", "linked", "chain", "film.otio", "edits", "edits-private", "secret.otio", "a"]


def test_whatever_is_let_pass_lies_inside(confinement: Confinement, root: Path) -> None:
    inside = 0

    @given(st.lists(st.sampled_from(STEPS), max_size=8))
    def walk(steps: list[str]) -> None:
        nonlocal inside
        path = "/".join([str(root), *steps])
        with contextlib.suppress(InputError):  # which a refusal is too
            confinement.check(spec(path))
            inside += 1
            assert Path(os.path.realpath(path)).is_relative_to(root)

    walk()
    assert inside


def test_without_roots_the_users_rights_decide(tmp_path: Path, home: Home) -> None:
    free = Confinement(home)
    (tmp_path / "film.otio").write_text("{}")
    free.check(spec(str(tmp_path / "film.otio"), out_dir=str(tmp_path / "anywhere")))
    for path, error in ((tmp_path / "no.otio", InputError), (Path("/dev/zero"), PathRefusedError)):
        with pytest.raises(error):
            free.check(spec(str(path)))
    with pytest.raises(PathRefusedError, match="no folder"):
        free.check(spec(str(tmp_path / "film.otio"), out_dir=str(tmp_path / "film.otio")))


def test_a_root_that_is_no_folder_is_told(home: Home, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        Confinement(home, [str(tmp_path / "nowhere")])


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("D:\\Edit\\a\\film.otio", "/mnt/edit/a/film.otio"),
        ("d:/edit/film.otio", "/mnt/edit/film.otio"),
        ("D:\\Edit", "/mnt/edit"),
        ("D:\\Edition\\film.otio", "D:\\Edition\\film.otio"),
        ("D:\\Edit\\..\\film.otio", "D:\\Edit\\..\\film.otio"),
        ("\\\\nas\\cut\\film.otio", "/mnt/nas/film.otio"),
        ("/Volumes/Cut/film.otio", "/mnt/cut/film.otio"),
        ("/volumes/cut/film.otio", "/volumes/cut/film.otio"),
        ("/mnt/other/film.otio", "/mnt/other/film.otio"),
        ("Volumes/Cut/film.otio", "Volumes/Cut/film.otio"),
    ],
)
def test_a_clients_path_is_called_what_it_is_here(home: Home, path: str, here: str) -> None:
    pairs = (("D:/Edit/", "/mnt/edit"), ("\\\\nas\\cut", "/mnt/nas"), ("/Volumes/Cut", "/mnt/cut"))
    assert Confinement(home, (), pairs).here(path) == here


def test_media_are_found_by_the_daemons_map_too(
    home: Home, tmp_path: Path, ask: Callable[..., JobSpec]
) -> None:
    pair = ("D:/Edit", str(tmp_path))
    checked = Confinement(home, (), (pair,)).check(ask(path_map=(("E:/", str(tmp_path)),)))
    assert checked.path_map == (("E:/", str(tmp_path)), pair)
