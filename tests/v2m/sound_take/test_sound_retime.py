"""Composed sound with hits elsewhere: bent or composed again in the announced span, untouched around it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.v2m.plain_backbone import RATE, analysis_of, programme
from tests.v2m.toy_sound import ToySound
from v2m.audio import read_wav
from v2m.errors import DocumentError, UsageError
from v2m.hits import Hit
from v2m.restyle import Restyling
from v2m.retime import Retiming, plan_retime, redo
from v2m.retime.plan import Changed, RetimePlan
from v2m.score import ScoreSettings, score
from v2m.sound_take.opened import SoundTake, open_take
from v2m.sound_take.restyling import restyle_sound
from v2m.sound_take.retiming import retime_sound
from v2m.stages import StageClock
from v2m.swell import Swell
from v2m.take.remake import compare, remake_of
from v2m.take.shelf import Shelf

CUTS = [60, 108, 168, 216, 276, 324, 384, 432]
LENGTH = 528
SETTINGS = ScoreSettings(prompt="rock, 120 BPM", backbone="stable-audio-3-small", seed=3)

Retimed = Callable[..., tuple[SoundTake, RetimePlan]]


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> SoundTake:
    folder = tmp_path_factory.mktemp("sound")
    with Shelf(folder) as shelf:
        made = score(
            analysis_of(programme(CUTS, LENGTH)), SETTINGS, shelf=shelf, stem="film", model=ToySound()
        )
    opened = open_take(made[0].folder)
    assert isinstance(opened, SoundTake)
    return opened


@pytest.fixture
def retimed(tmp_path: Path) -> Retimed:
    def make(
        take: SoundTake, hits: tuple[Hit, ...], end_s: Fraction | None = None, max_bend: float = 0.04
    ) -> tuple[SoundTake, RetimePlan]:
        plan = plan_retime(take.record.before, hits, end_s or take.record.duration_s, max_bend=max_bend)
        with Shelf(tmp_path) as shelf:
            made = retime_sound(
                take, Retiming(plan, max_bend, {"test": True}), shelf=shelf, stem="again", model=ToySound(),
                with_report=False,
            )  # fmt: skip
        return SoundTake.read(made.folder), plan

    return make


def moved(take: SoundTake, **frames: int) -> tuple[Hit, ...]:
    by_id = {name.replace("_", "-"): count for name, count in frames.items()}
    return tuple(
        replace(hit, time_s=hit.time_s + Fraction(by_id.get(hit.id, 0)) / RATE) for hit in take.record.hits
    )


def music(take: SoundTake) -> np.ndarray:
    return read_wav(take.folder / "music.wav")


def differing(one: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    where = np.flatnonzero((one != other).any(axis=1))
    return int(where[0]), int(where[-1])


def is_made_again(take: SoundTake, tmp_path: Path) -> bool:
    again = tmp_path / "verify"
    again.mkdir()
    remake_of(take.folder, again, StageClock())
    compared = list(compare(take.folder, again))
    assert {"take.json", "music.wav", "latents.safetensors", "stems/music.wav"} <= {c.name for c in compared}
    return all(file.identical for file in compared)


@pytest.mark.parametrize("frames", [9, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, -2))])
def test_outside_the_announced_span_every_sample_is_the_same(
    take: SoundTake, retimed: Retimed, frames: int
) -> None:
    again, plan = retimed(take, moved(take, cut_4=frames))
    (span,) = (piece for piece in plan.samples() if isinstance(piece, Changed))
    first, last = differing(music(take), music(again))
    assert len(music(take)) == len(music(again))
    assert span.at <= first
    assert last < span.at + span.length
    error = again.record.metrics["hit_errors_s"]["cut-4"]
    assert error is not None
    assert abs(error) <= 1 / RATE
    assert bool(again.sound.patches) == (span.edit.renewal is not None)


@pytest.mark.slow
def test_a_take_is_made_again_from_its_folder(take: SoundTake, retimed: Retimed, tmp_path: Path) -> None:
    assert is_made_again(take, tmp_path)
    shutil.rmtree(tmp_path / "verify")
    again, _ = retimed(take, moved(take, cut_2=2, cut_5=14))
    assert again.sound.patches
    assert is_made_again(again, tmp_path)


@pytest.mark.slow
def test_nudges_in_a_row_are_the_nudge_at_once(take: SoundTake, retimed: Retimed) -> None:
    step = take
    for _ in range(2):
        step, _ = retimed(step, moved(step, cut_2=1))
    step, _ = retimed(step, moved(step, cut_5=12))
    once, _ = retimed(take, moved(take, cut_2=2, cut_5=12))
    np.testing.assert_array_equal(music(step), music(once))
    back, plan = retimed(step, moved(step, cut_2=-2, cut_5=-12))
    assert plan.edits == ()
    np.testing.assert_array_equal(music(back), music(take))
    assert not (back.folder / "before.wav").exists()


@pytest.mark.slow
@pytest.mark.parametrize("frames", [60, -48])
def test_a_longer_and_a_shorter_programme(
    take: SoundTake, retimed: Retimed, frames: int, tmp_path: Path
) -> None:
    end_s = take.record.duration_s + Fraction(frames) / RATE
    hits = tuple(replace(hit, time_s=end_s) if hit.kind == "end" else hit for hit in take.record.hits)
    again, plan = retimed(take, hits, end_s)
    assert len(music(again)) == plan.sample_count
    same = next(piece for piece in plan.samples() if isinstance(piece, Changed)).at
    np.testing.assert_array_equal(music(again)[:same], music(take)[:same])
    assert is_made_again(again, tmp_path)


@pytest.mark.slow
def test_a_range_is_composed_again_and_then_stays(take: SoundTake, retimed: Retimed, tmp_path: Path) -> None:
    wish = redo(take.settled, Fraction(8), Fraction(12), 11, "calm piano")
    model = ToySound()
    with Shelf(tmp_path) as shelf:
        made = retime_sound(take.settled, wish, shelf=shelf, stem="range", model=model, with_report=False)
    again = SoundTake.read(made.folder)
    assert model.windows[0].prompt == "calm piano, 120 BPM"
    assert model.windows[0].seeds == (11,)
    (span,) = (piece for piece in wish.plan.samples() if isinstance(piece, Changed))
    first, last = differing(music(take), music(again))
    assert span.at <= first
    assert last < span.at + span.length
    assert is_made_again(again, tmp_path)
    further, plan = retimed(again.settled, moved(again, cut_7=1))
    nudged = next(piece for piece in plan.samples() if isinstance(piece, Changed)).at
    np.testing.assert_array_equal(music(further)[:nudged], music(again)[:nudged])


@pytest.mark.slow
def test_other_words_keep_hits_and_tempo(take: SoundTake, tmp_path: Path) -> None:
    model = ToySound()
    with Shelf(tmp_path) as shelf:
        made = restyle_sound(
            take, Restyling(prompt="calm piano"), shelf=shelf, stem="other", model=model, with_report=False
        )
    assert model.windows[0].prompt == "calm piano, 120 BPM"
    assert made.record.hits == take.record.hits
    assert made.record.parent == take.as_parent
    assert made.record.seed == take.record.seed
    with pytest.raises(UsageError, match="no parts"), Shelf(tmp_path) as shelf:
        restyle_sound(take, Restyling(locked=frozenset({"drums"})), shelf=shelf, stem="x", model=model)
    swell = Restyling(swells=(Swell(1, 2, 1.0),))
    with pytest.raises(UsageError, match="without an adapter"), Shelf(tmp_path) as shelf:
        restyle_sound(take, swell, shelf=shelf, stem="x", model=model)


def test_other_weights_compose_no_part_of_it(take: SoundTake, tmp_path: Path) -> None:
    wish = redo(take, Fraction(8), Fraction(12), 11, "calm")
    with pytest.raises(UsageError, match="other weights"), Shelf(tmp_path) as shelf:
        retime_sound(take, wish, shelf=shelf, stem="x", model=ToySound(weights_sha256="8" * 64))


def test_a_take_whose_sound_was_changed_is_told(take: SoundTake, tmp_path: Path) -> None:
    copy = tmp_path / "film.v2m"
    shutil.copytree(take.folder, copy)
    with (copy / "composed.wav").open("r+b") as file:
        file.seek(2000)
        file.write(b"xyz")
    (tmp_path / "again").mkdir()
    with pytest.raises(DocumentError, match=r"composed\.wav"):
        remake_of(copy, tmp_path / "again", StageClock())
