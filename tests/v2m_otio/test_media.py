r"""Where references lead: `C:\`, UNC, POSIX, `file:` of every spelling, path maps, several references."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_otio.media import Resolver, resolve_reference
from v2m_otio.targets import PathMap, TargetError, parse_target

from v2m.errors import UsageError
from v2m.timeline import Media

Files = Callable[..., list[Path]]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"C:\Users\a b\x.mov", r"C:\Users\a b\x.mov"),
        ("C:/Users/a b/x.mov", r"C:\Users\a b\x.mov"),
        ("file:///C:/a%20b/x.mov", r"C:\a b\x.mov"),
        ("file://C:/a b/x.mov", r"C:\a b\x.mov"),
        ("file://localhost/D%3a/media/x.mov", r"D:\media\x.mov"),
        ("file:///d|/media/x.mov", r"d:\media\x.mov"),
        (r"\\server\share\x.mov", r"\\server\share\x.mov"),
        ("file://server/share/a%20b.mov", r"\\server\share\a b.mov"),
        ("/Volumes/My Drive/100% #1?.mov", "/Volumes/My Drive/100% #1?.mov"),
        ("file:///Volumes/My Drive/a b.mov", "/Volumes/My Drive/a b.mov"),
        ("file:///Volumes/My%20Drive/a%23b.mov", "/Volumes/My Drive/a#b.mov"),
        ("file:/tmp/x.mov", "/tmp/x.mov"),  # noqa: S108
        ("FILE://LOCALHOST/tmp/x.mov", "/tmp/x.mov"),  # noqa: S108
        ("clips/x.mov", "clips/x.mov"),
        ("file:clips/x.mov", "clips/x.mov"),
    ],
)
def test_spellings(written: str, meant: str) -> None:
    assert parse_target(written).spellings[0] == meant


@pytest.mark.parametrize(
    "written", ["http://a/b.mov", "https://a/b", "rtsp://x", "smb://s/x", "data:,x", "", "  ", "a\0b"]
)
def test_other_schemes_and_nonsense_are_no_files(written: str) -> None:
    with pytest.raises(TargetError):
        parse_target(written)


@given(st.text("\\/:|%3aAFfile:localhost#? .~\0é", max_size=40))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    with contextlib.suppress(TargetError):
        assert parse_target(text).spellings


@pytest.mark.parametrize("spell", [
    lambda p: str(p), lambda p: p.as_uri(), lambda p: f"file://{p}", lambda p: f"file://localhost{p}",
    lambda p: f"clips/{p.name}", lambda p: f"clips\\{p.name}", lambda p: f"./clips/../clips/{p.name}",
    lambda p: p.as_uri().removeprefix("file://"),
])  # fmt: skip
def test_a_file_is_found_however_it_is_written(
    tmp_path: Path, files: Files, spell: Callable[[Path], str]
) -> None:
    (path,) = files("clips/Ein Stück #2 100%.mov")
    media = Resolver(tmp_path).media(spell(path))
    assert media.problem == ""
    assert media.path is not None
    assert media.path.samefile(path)


def test_a_name_that_holds_percents_is_found_as_written(tmp_path: Path, files: Files) -> None:
    (path,) = files("a%20b.mov")
    assert Resolver(tmp_path).media(str(path)).path == path
    assert Resolver(tmp_path).media(f"file://{path}").path == path


@pytest.mark.parametrize("prefix", [r"D:\Projects", "d:/projects/", "D:/PROJECTS"])
@pytest.mark.parametrize("target", [r"d:\projects\Show 1\x.mov", "file:///D:/Projects/Show%201/x.mov"])
def test_a_path_map_leads_from_the_editors_machine(
    tmp_path: Path, files: Files, prefix: str, target: str
) -> None:
    (path,) = files("mnt/Show 1/x.mov")
    path_map = PathMap(((r"D:\Pro", "/wrong"), (prefix, str(tmp_path / "mnt"))))
    assert Resolver(tmp_path, path_map).media(target).path == path


def test_posix_prefixes_keep_their_case(tmp_path: Path) -> None:
    path_map = PathMap((("/Volumes/A", "/mnt/a"), (r"\\nas\v", r"E:\v")))
    assert path_map.mapped("/Volumes/A/x.mov") == "/mnt/a/x.mov"
    assert path_map.mapped("/volumes/a/x.mov") is None
    assert path_map.mapped("/Volumes/AB/x.mov") is None
    assert path_map.mapped(r"\\NAS\v\s\x.mov") == r"E:\v\s\x.mov"
    with pytest.raises(UsageError):
        PathMap((("", "/mnt"),))


@pytest.mark.skipif(os.name == "nt", reason="a Windows path is a path there")
def test_paths_of_another_system_ask_for_a_path_map(tmp_path: Path) -> None:
    assert "path map" in Resolver(tmp_path).media(r"C:\x.mov").problem


def test_network_shares_are_not_looked_at_unless_mapped(tmp_path: Path) -> None:
    for target in (r"\\evil\share\x.mov", "file://evil/share/x.mov", "//evil/share/x.mov", "///evil/../x"):
        media = Resolver(tmp_path).media(target)
        assert media.path is None
    assert "network share" in Resolver(tmp_path).media(r"\\evil\share\x.mov").problem


def test_only_regular_files_with_something_in_them(tmp_path: Path, files: Files) -> None:
    (real,) = files("real.mov")
    (tmp_path / "empty.mov").touch()
    (tmp_path / "folder.mov").mkdir()
    os.mkfifo(tmp_path / "pipe.mov")
    (tmp_path / "loop.mov").symlink_to(tmp_path / "loop.mov")
    (tmp_path / "link.mov").symlink_to(real)
    resolver = Resolver(tmp_path)
    assert resolver.media("link.mov").path is not None
    refused = [
        "empty.mov",
        "folder.mov",
        "pipe.mov",
        "loop.mov",
        "/dev/zero",
        "/proc/self/environ",
        "x" * 5000,
    ]
    for target in [*refused, "none.mov", "real.mov/x.mov", "http://x/real.mov"]:
        media = resolver.media(target)
        assert media.path is None, target
        assert media.problem, target


def test_media_stay_inside_the_allowed_folders(tmp_path: Path, files: Files) -> None:
    inside, outside = files("in/a.mov", "out/b.mov")
    (tmp_path / "in/link.mov").symlink_to(outside)
    resolver = Resolver(tmp_path / "in", roots=(tmp_path / "in",))
    assert resolver.media("a.mov").path == inside
    for target in (
        str(outside),
        "../out/b.mov",
        "link.mov",
        "x/../../out/b.mov",
        "..%2Fout%2Fb.mov",
        outside.as_uri(),
    ):
        assert resolver.media(target).path is None, target
        assert "outside" in resolver.media(target).problem or "not found" in resolver.media(target).problem


def test_the_active_reference_counts_unless_only_another_resolves(
    tmp_path: Path, files: Files, edit: Any, read: Callable[..., Any]
) -> None:
    full, proxy = files("full.mov", "proxy.mov")
    clip = otio.schema.Clip("a", source_range=edit.span(100, 24))
    clip.set_media_references(
        {
            "proxy": otio.schema.ExternalReference(str(proxy), available_range=edit.span(90, 50)),
            "full": otio.schema.ExternalReference(str(full), available_range=edit.span(100, 50)),
        },
        "full",
    )
    resolve = lambda: read(edit.track(clip.deepcopy()))  # noqa: E731
    assert (resolve().shots[0].media.path, resolve().shots[0].source_start_s) == (full, 0)
    full.unlink()
    timeline = resolve()
    assert timeline.shots[0].media.path == proxy
    assert timeline.shots[0].source_start_s * 24 == 10
    assert any("in place of" in note for note in timeline.notes)
    proxy.unlink()
    assert resolve().shots[0].media.target == str(full)


def test_other_kinds_of_reference(tmp_path: Path) -> None:
    def media(reference: otio.core.MediaReference) -> Media | None:
        return resolve_reference(otio.schema.Clip("a", media_reference=reference), Resolver(tmp_path)).media

    sequence = otio.schema.ImageSequenceReference("file:///x", "frame.", ".exr", 1, 1, 24)
    found = media(sequence)
    assert found is not None
    assert "image sequence" in found.problem
    assert media(otio.schema.GeneratorReference(generator_kind="bars")) is None
    missing = media(otio.schema.MissingReference())
    assert missing is not None
    assert missing.problem == "has no media in the document"
