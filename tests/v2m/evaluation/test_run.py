"""A run: measured once, gone on with after a stop, told as a table beside what was published."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from v2m.errors import DocumentError, InputError, UsageError, V2MError
from v2m.evaluation import run as running
from v2m.evaluation.clip import Benchmark, Clip
from v2m.evaluation.peers import PEERS, audio_of, parse_peer, peer_title
from v2m.evaluation.published import contradictions, published_tables
from v2m.evaluation.report import write_report
from v2m.evaluation.rows import MeasureSettings, Unit, measure_unit
from v2m.evaluation.run import PeerResults, Results, Spreading, read_results, run_benchmark
from v2m.evaluation.seen import SeenVideos
from v2m.evaluation.spread import spread
from v2m.evaluation.store import RowStore
from v2m.evaluation.table import make_table

Make = Callable[..., Path]
CUTS_S = (1.0, 2.0)


@pytest.fixture
def benchmark(tmp_path: Path, film: Make) -> Benchmark:
    clips = tuple(Clip(name, film(tmp_path / "videos" / f"{name}.mp4", CUTS_S)) for name in ("a", "b"))
    return Benchmark("oes-pub", "Small", clips, ("sch", "hit", "curves"), "nothing", "none")


@pytest.fixture
def peers(tmp_path: Path, clicks: Make) -> dict[str, Path]:
    for name in ("a", "b"):
        clicks(tmp_path / "near" / f"{name}.wav", [0.5, 1.0, 1.5, 2.0, 2.5])
        clicks(tmp_path / "far" / f"{name}.wav", [0.25, 0.75, 1.25, 1.75, 2.25])
    return {"near": tmp_path / "near", "far": tmp_path / "far"}


SETTINGS = MeasureSettings(("sch", "hit", "curves"), "v2m", shifts=5)


@pytest.mark.slow
def test_a_run_measures_each_file_once_and_goes_on_after_a_stop(
    tmp_path: Path, benchmark: Benchmark, peers: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def counted(unit: Unit) -> dict[str, object]:
        if len(measured) == 3:
            raise KeyboardInterrupt
        measured.append(unit.audio.parent.name)
        return measure_unit(unit)

    monkeypatch.setattr(running, "measure_unit", counted)
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(benchmark, peers, tmp_path / "out", SETTINGS)
    monkeypatch.setattr(running, "measure_unit", measure_unit)
    rest: list[float] = []
    results = run_benchmark(benchmark, peers, tmp_path / "out", SETTINGS, on_progress=rest.append)
    assert len(rest) == 1
    again: list[float] = []
    assert run_benchmark(benchmark, peers, tmp_path / "out", SETTINGS, on_progress=again.append) == results
    assert again == []
    assert json.dumps(read_results(tmp_path / "out").peers["near"].rows) == json.dumps(
        results.peers["near"].rows
    )
    near, far = (results.peers[name].rows[0] for name in ("near", "far"))
    assert near["cuts"] == pytest.approx(list(CUTS_S), abs=0.05)
    assert (near["hit"]["value"], far["hit"]["value"]) == (1.0, 0.0)
    table = make_table(results)
    assert table.best("hit at frame") == "near"
    html, markdown = write_report(tmp_path / "out", results)
    assert "M2UGen" in html.read_text(encoding="utf-8")
    assert "| **near** |" in markdown.read_text(encoding="utf-8")
    assert (tmp_path / "out" / "plots" / "hit-at-frame.svg").is_file()


def test_a_changed_file_or_setting_is_measured_anew(tmp_path: Path, clicks: Make) -> None:
    wav = clicks(tmp_path / "a.wav", [1.0])
    unit = Unit(Clip("a"), wav, SETTINGS)
    first = unit.name
    assert Unit(Clip("a"), wav, MeasureSettings(("sch",))).name != first
    clicks(tmp_path / "a.wav", [1.0, 2.0], 2.5)
    assert unit.name != first


def test_a_video_is_looked_at_once_for_all_peers(tmp_path: Path, film: Make) -> None:
    video = film(tmp_path / "a.mp4", CUTS_S)
    seen = SeenVideos(RowStore(tmp_path / "seen"))
    first = (seen.cuts(video, "v2m"), seen.curve(video, 0.7).values.tolist())
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "seen").iterdir()}
    assert len(files) == 2
    again = SeenVideos(RowStore(tmp_path / "seen"))
    assert (again.cuts(video, "v2m"), again.curve(video, 0.7).values.tolist()) == first
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert SeenVideos().cuts(video, "v2m") == first[0]


def test_joints_that_are_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(V2MError, match="joints"):
        SeenVideos().motion(Clip("a", poses=tmp_path / "a.npy"))


def test_a_broken_row_is_no_row(tmp_path: Path) -> None:
    store = RowStore(tmp_path / "rows")
    store.put("x", {"clip": "a"})
    assert store.get("x") == {"clip": "a"}
    (tmp_path / "rows" / "x.json").write_text('{"clip"')
    assert store.get("x") is None


@pytest.mark.slow
def test_a_file_that_cannot_be_measured_is_told_and_the_rest_goes_on(
    tmp_path: Path, benchmark: Benchmark, clicks: Make
) -> None:
    clicks(tmp_path / "mine" / "a.wav", [1.0])
    (tmp_path / "mine" / "b.wav").write_text("no sound")
    settings = MeasureSettings(("sch",), "v2m")
    results = run_benchmark(benchmark, {"mine": tmp_path / "mine"}, tmp_path / "out", settings)
    assert [row["clip"] for row in results.peers["mine"].rows] == ["a"]
    assert any("could not be measured" in note for note in make_table(results).notes)


def halved(number: int) -> float:
    if number == 3:
        raise InputError("three")
    return number / 2


@pytest.mark.slow
def test_work_is_spread_over_processes_with_the_same_results() -> None:
    alone, many = (dict(spread(halved, [1, 2, 3, 4], processes=count)) for count in (1, 2))
    assert {k: str(v) for k, v in alone.items()} == {k: str(v) for k, v in many.items()}
    assert isinstance(many[3], V2MError)
    with pytest.raises(UsageError):
        list(spread(halved, [1], processes=0))


def seen_gpu(_number: int) -> str:
    return os.environ.get("CUDA_VISIBLE_DEVICES", "")


@pytest.mark.slow
def test_each_process_sees_one_gpu_of_those_named() -> None:
    seen = {gpu for _, gpu in spread(seen_gpu, list(range(6)), gpus=("2", "5"))}
    assert seen <= {"2", "5"}


def row(clip: str, sch: float | None, **more: object) -> dict[str, object]:
    cuts = 0 if sch is None else 4
    score = {"value": sch, "hits": round(4 * (sch or 0)), "cuts": cuts, "chance": 0.4, "tolerance_s": 0.1}
    return {"clip": clip, "sch": dict.fromkeys(("50", "70", "100", "200"), score), **more}


def results_of(**peers: list[dict[str, object]]) -> Results:
    held = {key: PeerResults(tuple(rows)) for key, rows in peers.items()}
    return Results("oes-pub", "Small", 3, "nothing", {}, held)


def test_a_table_tells_means_intervals_chance_tests_and_published_rows() -> None:
    results = results_of(
        sketch=[row("a", 1.0), row("b", 0.75), row("c", None)], other=[row("a", 0.5), row("b", 0.5)]
    )
    table = make_table(results)
    ours = table.rows[0].cells["SCH"]
    assert (ours.value, ours.n) == (0.875, 2)
    assert ours.chance == pytest.approx(0.4)
    (test,) = table.comparisons
    assert test.test.mean_difference == pytest.approx(0.375)
    published = {entry.key: entry.cells["SCH"].value for entry in table.rows if entry.source}
    assert published["v2m-zero"] == 0.61
    assert table.best("SCH") == "sketch"
    assert any("1 videos without cuts" in note for note in table.notes)
    assert any("SCH is 0.875" in note for note in table.notes)


def test_curve_distances_need_original_music() -> None:
    drawn = np.random.default_rng(0)
    curves = [
        {name: drawn.normal(size=8).tolist() for name in ("music", "original", "video")} for _ in range(4)
    ]
    rows = [row(str(n), 0.5, curves=curve) for n, curve in enumerate(curves)]
    assert {"M", "M+V", "M-V", "M|V"} <= set(make_table(results_of(x=rows)).columns)
    assert "M" not in make_table(results_of(x=[row("a", 0.5)])).columns


def test_no_peer_or_no_audio_is_refused(tmp_path: Path, benchmark: Benchmark) -> None:
    with pytest.raises(UsageError):
        run_benchmark(benchmark, {}, tmp_path, SETTINGS)
    with pytest.raises(InputError):
        audio_of(tmp_path / "none")
    with pytest.raises(UsageError):
        parse_peer("vidmuse")
    with pytest.raises(DocumentError):
        read_results(tmp_path / "none")
    with pytest.raises(InputError, match="twice"):
        Benchmark("x", "X", (Clip("a"), Clip("a")), (), "", "")


def test_every_published_row_is_of_a_known_peer_and_every_table_has_its_source() -> None:
    known = {peer.key for peer in PEERS}
    for table in published_tables():
        assert "2603.11042" in table.source
        for key, figures in table.rows.items():
            assert key.removesuffix("-dinov2").removesuffix("+v2m-zero") in known
            assert len(figures) == len(table.columns)
    assert peer_title("vidmuse") == "VidMuse"
    assert any("0.6037" in note for note in contradictions("aist++"))


def test_every_peer_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "peers.md").read_text(encoding="utf-8")
    for peer in PEERS:
        assert f"`{peer.key}`" in text
        assert peer.code in text


def test_spreading_over_a_cluster_needs_ray_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(V2MError, match="Ray"):
        list(spread(halved, [1, 2], ray=Spreading(ray="auto").ray))
