"""Files arrive on another machine as they were sent, whole or not at all, and only where they belong."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from v2m_daemon.worker import cargo
from v2m_daemon.worker.cargo import Receiver, entries, inside, manifest, read_chunk

from v2m.errors import DataLossError, PathRefusedError


def carry(source: Path, target: Path, *, spoil: bool = False) -> None:
    for name, digest in manifest(source).items():
        receiver, offset = Receiver(target, name, digest), 0
        while chunk := read_chunk(source, name, offset):
            receiver.add(chunk[:-1] + b"?" if spoil else chunk)
            offset += len(chunk)
        receiver.close()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.integers(1, 9))
def test_a_folder_arrives_as_it_was_sent(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    contents: list[bytes],
    chunk: int,
) -> None:
    monkeypatch.setattr(cargo, "CHUNK_BYTES", chunk)
    root = tmp_path_factory.mktemp("cargo")
    for number, content in enumerate(contents):
        path = root / "from" / f"take-{number % 2}" / f"stem {number}é.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (root / "from" / "building-1").mkdir()
    (root / "from" / "building-1" / "music.wav").write_bytes(b"half")
    (root / "from" / ".v2m-x.part").write_bytes(b"half")
    carry(root / "from", root / "to")
    assert manifest(root / "to") == manifest(root / "from")
    assert set(entries(manifest(root / "to"))) <= {"take-0", "take-1"}


def test_what_was_spoiled_on_the_way_does_not_arrive(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "music.wav").write_bytes(b"music")
    with pytest.raises(DataLossError, match=r"music\.wav"):
        carry(tmp_path / "from", tmp_path / "to", spoil=True)
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a\\..\\x", "..", "/"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(PathRefusedError):
        inside(tmp_path, name)
    with pytest.raises(PathRefusedError):
        read_chunk(tmp_path, name, 0)
    with pytest.raises(PathRefusedError):
        Receiver(tmp_path, name, "")


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret").write_text("s")
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "secret")
    assert manifest(tmp_path / "folder") == {}
    with pytest.raises(DataLossError):
        read_chunk(tmp_path / "folder", "missing", 0)
