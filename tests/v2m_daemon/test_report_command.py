"""`v2m report` and `--plot`: the page and the picture of a take, asked for by name."""

import json
from pathlib import Path

import matplotlib.image
import pytest
from v2m_daemon.cli import main

from tests.v2m.drawn_take import drawn_take, pictures


@pytest.fixture
def take(tmp_path: Path) -> Path:
    return drawn_take(tmp_path / "film.v2m", 6, sheet=pictures(6))


def test_a_report_is_made_again_the_same(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (take / "report.html").read_bytes()
    (take / "report.html").write_bytes(before + b"<!-- changed -->")
    assert main(["report", str(take), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "takes": [{"take": str(take), "report": str(take / "report.html")}]
    }
    assert (take / "report.html").read_bytes() == before


@pytest.mark.slow
def test_the_same_is_drawn_into_a_picture(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "take.png"
    assert main(["report", str(take), "--plot", str(plot)]) == 0
    height, width = matplotlib.image.imread(plot).shape[:2]
    assert width == 1800
    assert height > 900
    assert "report.html" in capsys.readouterr().out
    assert main(["report", str(take), "--plot", str(plot)]) == 4  # it is there now


def test_wrong_use_is_told_before_any_work(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (take / "report.html").stat().st_mtime_ns
    assert main(["report", str(take), "--plot", "x.pdf"]) == 2
    assert main(["report", str(take), str(take), "--plot", str(tmp_path / "x.png")]) == 2
    assert main(["report", str(tmp_path)]) == 3
    assert "no take" in capsys.readouterr().err
    assert (take / "report.html").stat().st_mtime_ns == before
