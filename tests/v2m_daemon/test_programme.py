"""The files that a take was made from are known again, and changed ones are told apart."""

import hashlib
from pathlib import Path

import pytest
from v2m_daemon.programme import fingerprint

MEBIBYTE = 1 << 20


def test_a_small_file_is_known_by_all_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.otio"
    path.write_bytes(b"a timeline")
    assert fingerprint(path) == hashlib.sha256(b"a timeline").hexdigest()


@pytest.mark.parametrize("size", [17 * MEBIBYTE, 17 * MEBIBYTE + 1])
def test_a_large_file_is_known_by_its_size_and_both_ends(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.mov"
    with path.open("wb") as file:
        file.truncate(size)
    seen = {fingerprint(path)}
    for at in (0, MEBIBYTE - 1, size - MEBIBYTE, size - 1):
        with path.open("r+b") as file:
            file.seek(at)
            file.write(b"x")
        seen.add(fingerprint(path))
    with path.open("ab") as file:
        file.write(b"x")
    seen.add(fingerprint(path))
    assert len(seen) == 6
