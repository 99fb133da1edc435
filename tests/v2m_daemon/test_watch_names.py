"""Which names are taken in, on which file systems events are trusted, and what a preset may say."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon import config
from v2m_daemon.home import Home
from v2m_daemon.intake import attendants
from v2m_daemon.intake.mounts import is_network, is_network_type, linux_mounts, macos_mounts, type_of
from v2m_daemon.intake.names import TIMELINES, VIDEOS, kind_of
from v2m_daemon.intake.preset import parse_preset
from v2m_daemon.intake.settings import WatchSettings, read_watches
from v2m_daemon.programme import DOCUMENT_SUFFIXES

from v2m.errors import UsageError


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("edit.otio", "timeline"),
        ("Edit v2.final.OTIO", "timeline"),
        ("bundle.otioz", "timeline"),
        ("cut.edl", "timeline"),
        ("film.mov", "video"),
        ("film.MP4", "video"),
        ("edit.otio.part", None),
        ("edit.otio.crdownload", None),
        ("edit.otio.filepart", None),
        ("edit.otio.tmp", None),
        ("edit.tmp.otio", None),
        ("edit.otio~", None),
        ("~edit.otio", None),
        ("~syncthing~edit.otio.tmp", None),
        (".edit.otio", None),
        ("._edit.otio", None),
        (".edit.otio.aX3f9", None),
        ("edit.prproj.lock", None),
        ("edit.prlock", None),
        ("edit.otio.sb-1a2b3c-d4e5", None),
        ("v2m.toml", None),
        ("notes.txt", None),
        ("sound.wav", None),
        ("otio", None),
        ("", None),
    ],
)
def test_a_name_says_what_is_taken_in(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_a_folder_is_a_document_only_where_the_kind_is_a_folder() -> None:
    assert kind_of("edit.otiod", is_folder=True) == "timeline"
    assert kind_of("edit.otiod") is None
    assert kind_of("edit.otio", is_folder=True) is None
    assert kind_of("Output", is_folder=True) is None
    assert kind_of("edit.v2m", is_folder=True) is None


@given(st.sampled_from(sorted(TIMELINES | VIDEOS)), st.sampled_from([".part", ".crdownload", ".tmp", "~"]))
def test_a_copy_under_way_is_never_taken_in(suffix: str, ending: str) -> None:
    assert kind_of(f"edit{suffix}{ending}") is None
    assert kind_of(f".edit{suffix}") is None


def test_everything_that_score_takes_for_a_document_is_told_about() -> None:
    # a .json or .ale beside an edit is hardly ever meant as a timeline
    assert DOCUMENT_SUFFIXES - {".json", ".ale"} <= TIMELINES


MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
41 22 0:36 / /mnt/share rw,relatime - cifs //server/share rw
42 22 0:37 / /mnt/two\040words rw shared:9 master:2 - nfs4 server:/x rw
43 22 0:38 / /net/remote rw - fuse.sshfs me@host: rw
44 41 8:2 / /mnt/share/local rw - xfs /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/mnt/share/drop", "cifs"),
        ("/mnt/share", "cifs"),
        ("/mnt/shared", "ext4"),
        ("/mnt/two words/drop", "nfs4"),
        ("/net/remote/a/b", "fuse.sshfs"),
        ("/mnt/share/local/drop", "xfs"),
        ("/var/drop", "ext4"),
    ],
)
def test_the_nearest_mount_decides(path: str, kind: str) -> None:
    assert type_of(path, linux_mounts(MOUNTINFO)) == kind
    assert is_network_type(kind) == (kind not in ("ext4", "xfs"))


def test_the_mounts_of_a_mac_are_read() -> None:
    listing = (
        "/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)\n"
        "//me@server/Edit%20Share on /Volumes/Edit Share (smbfs, nodev, nosuid, mounted by me)\n"
    )
    assert is_network_type(type_of("/Volumes/Edit Share/drop", macos_mounts(listing)))
    assert not is_network_type(type_of("/Users/me", macos_mounts(listing)))


def test_a_local_folder_is_no_network(tmp_path: Path) -> None:
    assert not is_network(tmp_path)


def test_a_preset_becomes_the_fields_of_a_job() -> None:
    preset = parse_preset(
        b'prompt = "lo-fi"\nbackbone = "sketch"\ntakes = 4\nformat = "otio"\nin_place = false\n'
        b'tempo = 90\nvideos = false\n[path_map]\n"D:/Edit" = "/mnt/edit"\n'
    )
    spec = preset.spec("/drop/edit.otio", "/drop/Output", "watch drop")
    assert (spec.prompt, spec.backbone, spec.takes, spec.to, spec.tempo_bpm) == (
        "lo-fi", "sketch", 4, "otio", 90,
    )  # fmt: skip
    assert spec.path_map == (("D:/Edit", "/mnt/edit"),)
    assert (preset.in_place, preset.videos, preset.without_media) == (False, False, False)
    assert parse_preset(b"").in_place


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('promt = "x"', "promt"),
        ("takes = 17", "takes"),
        ('takes = "4"', "takes"),
        ("prompt = 3", "prompt"),
        ("in_place = 1", "in_place"),
        ("path_map = 3", "path_map"),
        ("path_map = {a = 3}", "path_map"),
        ('soundfont = "relative.sf2"', "soundfont"),
        ("prompt =", "TOML"),
        ("\xff", "TOML"),
    ],
)
def test_a_preset_that_makes_no_sense_is_refused_by_name(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        parse_preset(text.encode("latin-1"))


def test_watch_tables_are_checked(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert read_watches([{"folder": folder, "watching": "polling"}])[0].watching == "polling"
    for table, word in (
        ({}, "folder"),
        ({"folder": "here"}, "absolute"),
        ({"folder": 3}, "absolute"),
        ({"folder": folder, "looks": 2}, "looks"),
        ({"folder": folder, "watching": "often"}, "watching"),
        ({"folder": folder, "equal_looks": 1}, "equal_looks"),
        ({"folder": folder, "media_wait_s": -1}, "media_wait_s"),
        ({"folder": folder, "look_every_s": True}, "look_every_s"),
        ({"folder": folder, "poll_every_s": float("nan")}, "poll_every_s"),
    ):
        with pytest.raises(UsageError, match=word):
            read_watches([table])
    with pytest.raises(UsageError, match="two"):
        read_watches([{"folder": folder}, {"folder": folder + "/."}])


def test_a_daemon_attends_its_inbox_and_every_watch_folder(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    settings = config.Config(watch=({"folder": str(tmp_path)},))
    assert [type(each).__name__ for each in attendants(settings, home)] == ["Inbox", "WatchFolder"]
    assert not home.state.exists(), "nothing is touched before they attend"


def test_the_defaults_are_those_of_practice() -> None:
    settings = WatchSettings(str(Path.cwd()))
    assert settings.equal_looks * settings.look_every_s >= 2
    assert settings.watching == "auto"
