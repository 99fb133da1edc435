"""A watch folder whose process is killed and whose share vanishes, as real processes: each is done once."""

import sys
from pathlib import Path

import pytest
from watch_folder import stress

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # it waits for conditions, on a busy machine for long
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
]


@pytest.mark.parametrize(("kills", "vanishings", "seed"), [(2, 0, 1), (1, 1, 2)])
def test_each_document_is_done_once(tmp_path: Path, kills: int, vanishings: int, seed: int) -> None:
    verdict = stress(tmp_path, documents=10, kills=kills, vanishings=vanishings, seed=seed)
    assert verdict.is_good, verdict
    assert verdict.done_once.total() == 10
    assert verdict.looks > 10
    if not vanishings:
        assert verdict.composed_again == 0
