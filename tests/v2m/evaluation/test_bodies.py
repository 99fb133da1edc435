"""FAD and CLAP in a run: embedded once, kept, and told with what they stand on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from v2m.errors import InputError
from v2m.evaluation.bodies import Bodies
from v2m.evaluation.clip import Benchmark, Clip
from v2m.evaluation.rows import MeasureSettings
from v2m.evaluation.run import run_benchmark
from v2m.evaluation.table import make_table
from v2m.metrics.clap import CLAP

Make = Callable[..., Path]


class Levels:
    """Stands in for VGGish: level and brightness of each quarter of a second."""

    sha256 = "0" * 64

    def __init__(self) -> None:
        self.heard = 0

    def embed(self, mono: NDArray[np.floating]) -> NDArray[np.float32]:
        self.heard += 1
        pieces = mono[: len(mono) // 4000 * 4000].reshape(-1, 4000)
        return np.stack([pieces.std(axis=1), np.abs(np.diff(pieces)).mean(axis=1)], axis=1).astype(np.float32)


@pytest.fixture
def peer(tmp_path: Path, clicks: Make) -> Path:
    for name, times_s in (("a", [0.5, 1.0]), ("b", [0.2, 1.1, 2.0])):
        clicks(tmp_path / "peer" / f"{name}.wav", times_s)
        clicks(tmp_path / "reference" / f"{name}{name}.wav", [0.4, 0.9])
    return tmp_path / "peer"


CLIPS = (Clip("a", prompt="calm piano"), Clip("b", prompt="funk"))


@pytest.mark.slow
def test_each_file_is_embedded_once(tmp_path: Path, peer: Path) -> None:
    network: Any = Levels()
    files = {name: peer / f"{name}.wav" for name in ("a", "b")}
    for _ in range(2):
        bodies = Bodies(tmp_path / "vectors", vggish=network, reference=tmp_path / "reference")
        found = bodies.fad(CLIPS, files)
    assert found is not None
    assert (found["files"], found["reference_files"], found["reference"]) == (2, 2, "reference")
    assert found["patches"] == found["reference_patches"] == 24
    assert network.heard == 4


def test_without_reference_or_network_there_is_no_fad(tmp_path: Path, peer: Path) -> None:
    network: Any = Levels()
    files = {name: peer / f"{name}.wav" for name in ("a", "b")}
    assert Bodies(tmp_path / "v", vggish=network).fad(CLIPS, files) is None
    assert Bodies(tmp_path / "v").fad(CLIPS, files) is None
    assert Bodies(tmp_path / "v").clap(CLIPS, files) is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        Bodies(tmp_path / "v", vggish=network, reference=tmp_path / "empty").fad(CLIPS, files)


@pytest.mark.slow
def test_a_run_tells_both_with_their_makers(tmp_path: Path, peer: Path, tiny_clap: Path) -> None:
    network: Any = Levels()
    bodies = Bodies(
        tmp_path / "vectors", vggish=network, clap=CLAP(tiny_clap), reference=tmp_path / "reference"
    )
    benchmark = Benchmark("oes-pub", "Small", CLIPS, ("fad", "clap"), "SongDescriber (FAD*)", "none")
    results = run_benchmark(
        benchmark, {"peer": peer}, tmp_path / "out", MeasureSettings(("fad", "clap")), bodies=bodies
    )
    told = results.peers["peer"].clap
    assert told is not None
    assert (told["checkpoint"], told["fusion"], told["loudness"]) == ("tiny-clap", False, "peak-1dB-int16")
    cells = make_table(results).rows[0].cells
    assert "n = 24 and 24" in cells["FAD*"].aside
    assert cells["CLAP"].n == 2
