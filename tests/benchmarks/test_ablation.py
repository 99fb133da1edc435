"""The ablation's judges: distances that grow with what differs, and what was heard kept as it was."""

from pathlib import Path

import numpy as np
import pytest
from ablation import TEXT_ONLY, print_table
from ablation_closeness import BAR_FRAMES, Closeness, Likeness, written
from ablation_corpus import learned_curves
from ablation_heard import Heard, keep, kept_at
from numpy.typing import NDArray
from safetensors.numpy import save_file

ROWS, WIDTH = 30, 33


def pieces(count: int, seed: int, moved: float = 0.0) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    shape = (count, ROWS, WIDTH)
    return list((rng.standard_normal(shape) * np.geomspace(3, 0.1, WIDTH) + moved).astype(np.float32))


def test_other_music_of_the_same_kind_lies_nearer_than_music_that_moved_away() -> None:
    closeness = Closeness(pieces(40, seed=1))
    same, near, far = (closeness(pieces(20, seed=2, moved=moved)) for moved in (0.0, 0.3, 1.0))
    assert same.value < near.value < far.value
    assert (far - near).value == pytest.approx(far.value - near.value)


def test_what_pieces_have_in_common_does_not_widen_the_interval_of_a_difference() -> None:
    closeness = Closeness(pieces(40, seed=1))
    some = pieces(20, seed=2)
    here, there = closeness(some), closeness([piece + np.float32(0.05) for piece in some])
    assert (there - here).half_width < here.half_width / 2
    assert (here - here).half_width == 0


def test_the_interval_holds_what_as_many_other_pieces_give_on_average() -> None:
    closeness = Closeness(pieces(100, seed=1))
    truth = float(np.mean([closeness(pieces(10, seed=seed, moved=1.0)).value for seed in range(50, 60)]))
    found = [closeness(pieces(10, seed=seed, moved=1.0)) for seed in range(60, 80)]
    held = np.mean([abs(one.value - truth) < one.half_width for one in found])
    assert held >= 0.8  # 95 percent of 20, less two deviations


def test_a_score_is_heard_bar_by_bar() -> None:
    latents = np.zeros((2 * BAR_FRAMES + 3, 5), np.float16)
    latents[BAR_FRAMES : 2 * BAR_FRAMES : 2, 1] = 1
    assert written(latents).tolist() == [[0] * 10, [0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0]]


def test_what_was_heard_is_kept(tmp_path: Path) -> None:
    likeness = Likeness(np.eye(3, dtype=np.float32), np.ones((2, 4), np.float32))
    path = tmp_path / "arm" / "7.safetensors"
    keep(Heard(0.1, 0.2, 0.3, 0.4, likeness), path)
    found = kept_at(path)
    assert (found.r, found.hits, found.chance, found.sch) == (0.1, 0.2, 0.3, 0.4)
    assert np.array_equal(found.likeness.sound, likeness.sound)
    assert np.array_equal(found.likeness.score, likeness.score)


def test_the_curves_of_a_corpus_are_read_without_its_music(tmp_path: Path) -> None:
    for name, values in (("0000", [1.0, 2.0]), ("0001", [3.0])):
        curve = np.array(values, np.float16)
        save_file(
            {"latents_0": np.zeros((2, 2), np.float16), "curve_0": curve}, tmp_path / f"{name}.safetensors"
        )
    assert learned_curves(tmp_path).tolist() == [1, 2, 3]


def test_the_table_tells_what_rises_and_what_changes(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)

    def row(hits: float, seed: int, moved: float) -> list[Heard]:
        likenesses = zip(pieces(12, seed, moved), pieces(12, seed + 1, moved), strict=True)
        return [Heard(hits, hits + 0.1 * rng.random(), 0.1, 0.7, Likeness(*both)) for both in likenesses]

    training = [Likeness(*both) for both in zip(pieces(40, 1), pieces(40, 2), strict=True)]
    results = {TEXT_ONLY: row(0.1, 3, 0.0), "short": row(0.8, 5, 0.5), "middle": row(0.5, 7, 0.3)}
    print_table(results | {"long": row(0.2, 9, 0.1)}, training)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "n 12 cases of 32 s; distance to 28 pieces"
    (hits,) = (line for line in told if line.startswith("hits from short to long"))
    assert -0.65 < float(hits.split(": ")[1].split()[0]) < -0.55
    assert float(hits.rsplit("p ", 1)[1].split()[0]) < 1e-4
    assert any(line.startswith("score distance from short to long: -") for line in told)
