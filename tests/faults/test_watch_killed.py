"""A watch folder whose process is killed and whose share vanishes, as real processes: each is done once."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # it waits for conditions, on a busy machine for long
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
]


@pytest.fixture(scope="module")
def benchmark(repository: Path) -> ModuleType:
    """The full stress with its figures; here it runs with few documents."""
    spec = importlib.util.spec_from_file_location("watch_stress", repository / "benchmarks/watch_folder.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["watch_stress"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("kills", "vanishings", "seed"), [(2, 0, 1), (1, 1, 2)])
def test_each_document_is_done_once(
    benchmark: ModuleType, tmp_path: Path, kills: int, vanishings: int, seed: int
) -> None:
    verdict = benchmark.stress(tmp_path, documents=10, kills=kills, vanishings=vanishings, seed=seed)
    assert verdict.is_good, verdict
    assert verdict.done_once.total() == 10
    assert verdict.looks > 10
    if not vanishings:
        assert verdict.composed_again == 0
