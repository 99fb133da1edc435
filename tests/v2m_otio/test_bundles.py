"""`.otioz` and `.otiod`: media found inside, nothing ever written outside."""

from __future__ import annotations

import contextlib
import stat
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from v2m_otio.place import Placement, place_music
from v2m_otio.read import open_document, read_document

from v2m.errors import DocumentError, V2MError


@pytest.fixture
def bundle(edit: Any, tmp_path: Path) -> Callable[..., Path]:
    """A zip of a document that names `media/a.mov`, and of more members."""

    def bundle(*members: tuple[str | zipfile.ZipInfo, bytes], url: str = "media/a.mov") -> Path:
        timeline = edit.timeline(edit.track(edit.clip("a", 24, url=url)))
        path = tmp_path / "edit.otioz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("version.txt", "1.0.0")
            archive.writestr("content.otio", timeline.to_json_string())
            for name, data in members:
                archive.writestr(name, data)
        return path

    return bundle


def outside(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix != ".otioz"}


def test_media_of_an_otioz_live_as_long_as_the_context(bundle: Callable[..., Path]) -> None:
    with open_document(bundle(("media/a.mov", b"picture"))) as document:
        media = document.timeline.shots[0].media
        assert media is not None
        assert media.path is not None
        assert media.path.read_bytes() == b"picture"
    assert not media.path.exists()


def test_without_a_folder_the_media_stay_packed(bundle: Callable[..., Path]) -> None:
    timeline = read_document(bundle(("media/a.mov", b"picture"))).timeline
    assert timeline.notes == ("media/a.mov: was not found",)


@pytest.mark.parametrize(
    "name", ["../a.mov", "media/../../a.mov", "/abs.mov", "media\\..\\a.mov", "C:/a.mov", "media/../a"]
)
def test_names_that_lead_out_are_refused(bundle: Callable[..., Path], tmp_path: Path, name: str) -> None:
    path, before = bundle((name, b"x")), outside(tmp_path.parent)
    with pytest.raises(DocumentError, match="leads out"), open_document(path):
        pass
    assert outside(tmp_path.parent) == before


def test_links_and_bombs_are_refused(bundle: Callable[..., Path]) -> None:
    link = zipfile.ZipInfo("media/a.mov")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DocumentError, match="link"), open_document(bundle((link, b"/etc/passwd"))):
        pass
    with (
        pytest.raises(DocumentError, match="times its size"),
        open_document(bundle(("media/a.mov", bytes(2**25)))),
    ):
        pass


@pytest.mark.slow
def test_a_document_that_swells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.otioz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.otio", b" " * (2**26 + 10))
    with pytest.raises(DocumentError, match="MiB"):
        read_document(path)


def test_references_cannot_leave_the_bundle(bundle: Callable[..., Path], tmp_path: Path) -> None:
    secret = tmp_path / "secret.mov"
    secret.write_bytes(b"x")
    for url in (str(secret), f"../{secret.name}", secret.as_uri()):
        with open_document(bundle(("media/a.mov", b"x"), url=url)) as document:
            media = document.timeline.shots[0].media
            assert media is not None
            assert media.path is None


def test_a_broken_zip_is_one_sentence(bundle: Callable[..., Path], tmp_path: Path) -> None:
    path = bundle(("media/a.mov", bytes(range(256)) * 40))
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:cut])
        with pytest.raises(V2MError), open_document(path):
            pass
    for at in range(0, len(whole), 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with contextlib.suppress(V2MError), open_document(path):
            pass
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.txt", "x")
    with pytest.raises(DocumentError, match=r"without content\.otio"):
        read_document(path)


def test_an_otiod_is_a_folder_and_its_copy_still_finds_the_media(
    edit: Any, tmp_path: Path, files: Callable[..., list[Path]], wav: Path
) -> None:
    (media,) = files("edit.otiod/media/a b.mov")
    timeline = edit.timeline(edit.track(edit.clip("a", 24, url="media/a%20b.mov")))
    (tmp_path / "edit.otiod/content.otio").write_text(timeline.to_json_string())
    with open_document(tmp_path / "edit.otiod") as document:
        music = Placement(wav, Fraction(0), document.timeline.duration_s)
        placed = place_music(document, music, tmp_path / "scored.otio")
    assert "made absolute" in placed.notes[0]
    found = read_document(placed.path).timeline.shots[0].media
    assert found is not None
    assert found.path == media


def test_a_copy_of_an_otioz_says_where_its_media_are(
    bundle: Callable[..., Path], tmp_path: Path, wav: Path
) -> None:
    path = bundle(("media/a.mov", b"picture"))
    with open_document(path) as document:
        music = Placement(wav, Fraction(0), document.timeline.duration_s)
        placed = place_music(document, music, tmp_path / "out.otio")
    assert "unpack it" in placed.notes[0]
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    media = read_document(placed.path).timeline.shots[0].media
    assert media is not None
    assert media.path == tmp_path / "media/a.mov"
