"""Features kept on disk: found by content, whole or absent, within a limit, shared by processes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from v2m.encoders import store
from v2m.encoders.store import FeatureStore, cache_folder, key_of


def row(number: float) -> np.ndarray:
    return np.full(4, number, dtype=np.float32)


def keys(count: int) -> list[bytes]:
    return [key_of(np.array([number])) for number in range(count)]


def test_a_row_is_found_again_by_another_process_s_store(tmp_path: Path) -> None:
    first, second = keys(2)
    writer = FeatureStore("a", tmp_path)
    writer.put(first, row(1))
    writer.save()
    writer.put(second, row(2))
    writer.save()
    reader = FeatureStore("a", tmp_path)
    np.testing.assert_array_equal(reader.get(first), row(1))
    np.testing.assert_array_equal(reader.get(second), row(2))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_another_recipe_knows_nothing_of_it(tmp_path: Path) -> None:
    (key,) = keys(1)
    writer = FeatureStore("dinov2 in bfloat16", tmp_path)
    writer.put(key, row(1))
    writer.save()
    assert FeatureStore("dinov2 in float32", tmp_path).get(key) is None


def test_content_makes_the_key_and_its_shape_and_its_type_do_too() -> None:
    flat = np.arange(12, dtype=np.uint8)
    assert key_of(flat) == key_of(flat.copy())
    others = [flat.reshape(3, 4), flat.astype(np.int8), flat[::-1], np.arange(13, dtype=np.uint8)]
    assert len({key_of(flat), *(key_of(other) for other in others)}) == 5
    assert key_of(flat, np.zeros(0)) != key_of(flat, np.zeros(1))


def test_a_file_that_is_damaged_is_passed_over_and_its_rows_are_made_again(tmp_path: Path) -> None:
    first, second = keys(2)
    writer = FeatureStore("a", tmp_path)
    for key, number in ((first, 1), (second, 2)):
        writer.put(key, row(number))
        writer.save()
    damaged, whole = sorted(tmp_path.rglob("*.safetensors"), key=os.path.getmtime)
    damaged.write_bytes(damaged.read_bytes()[:-3])
    reader = FeatureStore("a", tmp_path)
    assert reader.get(first) is None
    np.testing.assert_array_equal(reader.get(second), row(2))
    whole.unlink()  # another process made room
    late = FeatureStore("a", tmp_path)
    late.put(first, row(3))
    np.testing.assert_array_equal(late.get(first), row(3))


def test_a_file_that_vanishes_after_it_was_found_is_a_miss(tmp_path: Path) -> None:
    (key,) = keys(1)
    writer = FeatureStore("a", tmp_path)
    writer.put(key, row(1))
    writer.save()
    reader = FeatureStore("a", tmp_path)
    next(tmp_path.rglob("*.safetensors")).unlink()
    assert reader.get(key) is None


def test_the_oldest_go_where_there_is_too_much(tmp_path: Path) -> None:
    names = keys(6)
    for number, key in enumerate(names):
        writer = FeatureStore(f"recipe {number % 2}", tmp_path, limit_bytes=700)
        writer.put(key, row(number))
        writer.save()
        for path in tmp_path.rglob("*.safetensors"):  # clocks of file systems are coarse
            os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**9))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 700
    assert FeatureStore("recipe 1", tmp_path).get(names[5]) is not None
    assert FeatureStore("recipe 0", tmp_path).get(names[0]) is None


def test_without_a_folder_that_can_be_written_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    (key,) = keys(1)
    kept = FeatureStore("a", tmp_path / "taken")
    kept.put(key, row(1))
    kept.save()
    np.testing.assert_array_equal(kept.get(key), row(1))


def test_many_rows_are_written_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FILE_BYTES", 64)
    kept = FeatureStore("a", tmp_path)
    for number, key in enumerate(keys(9)):
        kept.put(key, row(number))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
    for number, key in enumerate(keys(9)):
        np.testing.assert_array_equal(kept.get(key), row(number))


WRITER = """
import sys
from pathlib import Path
import numpy as np
from v2m.encoders.store import FeatureStore, key_of
store = FeatureStore("a", Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    store.put(key_of(np.array([number])), np.full(4, number, dtype=np.float32))
    store.save()
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    spans = [("0", "40"), ("20", "60")]
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), *span]) for span in spans]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    reader = FeatureStore("a", tmp_path)
    for number, key in enumerate(keys(60)):
        np.testing.assert_array_equal(reader.get(key), row(number))
    assert not list(tmp_path.rglob("*.part"))


def test_the_folder_moves_with_the_state(home: Path) -> None:
    assert cache_folder() == home / "cache" / "features"
