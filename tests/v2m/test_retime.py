"""A retimed take: the moved hit is heard where it is now, and all else is the same samples."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.v2m.plain_backbone import RATE, PlainBackbone, programme, scored
from v2m.audio import read_wav
from v2m.errors import DocumentError, MediaError, UsageError
from v2m.hits import Hit, find_hits
from v2m.plan import OFFBEAT
from v2m.restyle import Restyling, restyle
from v2m.retime import Retiming, plan_of, plan_retime, retime
from v2m.retime.following import followed
from v2m.retime.nudge import nudged, read_nudges
from v2m.retime.plan import Changed, Kept, RetimePlan
from v2m.retime.telling import plan_words
from v2m.stages import StageClock
from v2m.take.opened import OpenedTake
from v2m.take.remake import compare, remake
from v2m.take.shelf import Shelf

CUTS = [50, 110, 160, 215, 270, 330, 384, 440, 500, 560, 610, 670, 730, 790]
LENGTH = 860

Retimed = Callable[..., tuple[OpenedTake, RetimePlan]]


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> OpenedTake:
    return scored(tmp_path_factory.mktemp("scored"), programme(CUTS, LENGTH))


@pytest.fixture
def retimed(tmp_path: Path) -> Retimed:
    def make(
        take: OpenedTake, hits: tuple[Hit, ...], end_s: Fraction | None = None
    ) -> tuple[OpenedTake, RetimePlan]:
        plan = plan_retime(take.record.before, hits, end_s or take.record.duration_s)
        with Shelf(tmp_path) as shelf:
            made = retime(
                take, Retiming(plan, 0.04, {"test": True}), shelf=shelf, stem="again",
                backbone=PlainBackbone(),
            )  # fmt: skip
        return OpenedTake.read(made.folder), plan

    return make


def moved(take: OpenedTake, **frames: int) -> tuple[Hit, ...]:
    by_id = {name.replace("_", "-"): count for name, count in frames.items()}
    return tuple(
        replace(hit, time_s=hit.time_s + Fraction(by_id.get(hit.id, 0)) / RATE) for hit in take.record.hits
    )


def sounds(take: OpenedTake) -> dict[str, np.ndarray]:
    files = [take.folder / "music.wav", *(take.folder / "stems").iterdir()]
    return {path.stem: read_wav(path) for path in files}


def differing(one: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    where = np.flatnonzero((one != other).any(axis=1))
    return int(where[0]), int(where[-1])


@pytest.mark.parametrize("frames", [9, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, -3, 30))])
def test_outside_the_announced_span_every_sample_is_the_same(
    take: OpenedTake, retimed: Retimed, frames: int
) -> None:
    again, plan = retimed(take, moved(take, cut_7=frames))
    span = next(piece for piece in plan.samples() if isinstance(piece, Changed))
    was, now = sounds(take), sounds(again)
    for name in was:
        assert len(was[name]) == len(now[name])
        first, last = differing(was[name], now[name])
        assert span.at <= first
        assert last < span.at + span.length
    errors = again.record.metrics["hit_errors_s"]
    assert abs(errors["cut-7"]) <= 1 / RATE
    stems = sum(sound for name, sound in now.items() if name != "music")
    assert np.abs(stems - now["music"]).max() < 1e-5


@pytest.mark.slow
def test_no_seam_clicks(take: OpenedTake, retimed: Retimed) -> None:
    again, plan = retimed(take, moved(take, cut_7=9))
    music = read_wav(again.folder / "music.wav").astype(np.float64)
    curvature = np.abs(np.diff(music, 2, axis=0)).max(axis=1)
    for piece in plan.samples()[1:]:
        near = curvature[piece.at - 240 : piece.at + 240]
        at_seam = curvature[piece.at - 3 : piece.at + 2].max()
        assert at_seam <= near.max() + 1e-3


@pytest.mark.slow
def test_a_nudge_there_and_back_gives_the_first_bytes(take: OpenedTake, retimed: Retimed) -> None:
    there, _ = retimed(take, moved(take, cut_7=9))
    back, plan = retimed(there, moved(there, cut_7=-9))
    assert plan.edits == ()
    was, now = sounds(take), sounds(back)
    assert all(np.array_equal(was[name], now[name]) for name in was)
    assert back.record.origin is None


@pytest.mark.slow
def test_nudges_in_a_row_are_the_nudge_at_once(take: OpenedTake, retimed: Retimed) -> None:
    step = take
    for _ in range(3):
        step, _ = retimed(step, moved(step, cut_4=2))
    step, _ = retimed(step, moved(step, cut_11=-20))
    once, _ = retimed(take, moved(take, cut_4=6, cut_11=-20))
    assert step.record.tempo_map == once.record.tempo_map
    was, now = sounds(once), sounds(step)
    assert all(np.array_equal(was[name], now[name]) for name in was)


@pytest.mark.slow
def test_another_nudge_leaves_the_first_ones_samples(take: OpenedTake, retimed: Retimed) -> None:
    first, _ = retimed(take, moved(take, cut_3=12))
    second, plan = retimed(first, moved(first, cut_11=7))
    span = [piece for piece in plan.samples() if isinstance(piece, Changed)][-1]
    was, now = sounds(first), sounds(second)
    for name in was:
        begin, end = differing(was[name], now[name])
        assert span.at <= begin
        assert end < span.at + span.length


@pytest.mark.slow
def test_it_is_made_again_from_its_folder_alone(take: OpenedTake, retimed: Retimed, tmp_path: Path) -> None:
    again, _ = retimed(take, moved(take, cut_3=12, cut_11=-31))
    for number, each in enumerate((take, again)):
        folder = tmp_path / str(number)
        folder.mkdir()
        remake(each, folder, StageClock())
        files = list(compare(each.folder, folder))
        assert {"take.json", "latents.safetensors", "music.wav", "score.mid", "stems/drums.wav"} <= {
            file.name for file in files
        }
        assert all(file.identical for file in files), files


@pytest.mark.slow
def test_a_changed_file_is_told_with_its_loudness(take: OpenedTake, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    folder.mkdir()
    remake(take, folder, StageClock())
    content = bytearray((folder / "music.wav").read_bytes())
    content[600_003] ^= 0x40  # the topmost byte of a sample: a half of full scale
    (folder / "music.wav").write_bytes(content)
    told = {file.name: file for file in compare(take.folder, folder)}
    assert not told["music.wav"].identical
    assert told["stems/bass.wav"].identical


@pytest.mark.slow
def test_a_new_cut_of_the_programme_ripples(take: OpenedTake, retimed: Retimed) -> None:
    """A shot grows by 20 frames, another is taken out, a third one is cut in two."""
    frames = [50, 110, 160, 235, 290, 350, 404, 460, 520, 580, 640, 690, 750]
    timeline = programme(frames, 820)
    hits = followed(take.record, find_hits(timeline), timeline.duration_s)
    assert [hit.time_s * RATE for hit in hits] == [*frames, 820]
    assert {"cut-5", "cut-8", "end"} <= {hit.id for hit in hits}
    again, plan = retimed(take, hits, timeline.duration_s)
    was, now = sounds(take), sounds(again)
    kept = [piece for piece in plan.samples() if isinstance(piece, Kept)]
    assert {piece.at - piece.first for piece in kept} >= {0, 20 * 2000}
    for piece in kept:
        length = piece.last - piece.first
        for name in was:
            assert np.array_equal(
                was[name][piece.first : piece.last], now[name][piece.at : piece.at + length]
            )
    words = plan_words(plan, take.record).splitlines()
    assert words[0] == "Hits      cut-4 to cut-10 (7) go along, 0.833 s later"
    assert any(re.match(r"Hit       cut-\d+ goes, ", line) for line in words)
    assert len(words) < 15
    assert len(now["music"]) == 820 * 2000
    assert again.record.metrics["hits_heard"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("length", [820, 861, 920])
def test_the_end_moves_with_the_programme(take: OpenedTake, retimed: Retimed, length: int) -> None:
    hits = tuple(replace(hit, time_s=Fraction(length) / RATE) if hit.kind == "end" else hit
                 for hit in take.record.hits)  # fmt: skip
    again, _ = retimed(take, hits, Fraction(length) / RATE)
    music = read_wav(again.folder / "music.wav")
    assert len(music) == length * 2000
    assert np.abs(music[-1]).max() == 0
    assert np.abs(music[-48_000:-24_000]).max() > 0.01
    np.testing.assert_array_equal(music[: 15 * 48_000], read_wav(take.folder / "music.wav")[: 15 * 48_000])


def test_nudges_are_read_as_people_write_them(take: OpenedTake) -> None:
    record = replace(take.record, start_frame=86400)
    nudge = read_nudges(record, [("01:00:16:00", "16.5"), ("50f", "52f")])
    assert [(n.hit.id, n.to_s) for n in nudge] == [("cut-7", Fraction(33, 2)), ("cut-1", Fraction(52, 24))]
    assert [hit.time_s for hit in nudged(record, nudge)][:2] == [Fraction(52, 24), Fraction(110, 24)]


@pytest.mark.parametrize(
    ("nudge", "words"),
    [
        (("0.3", "1"), "nearest is"),
        (("16", "99"), "cannot go"),
        (("x", "1"), "no time"),
    ],
)
def test_nudges_that_mean_nothing_are_refused(take: OpenedTake, nudge: tuple[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_nudges(take.record, [nudge])


def test_two_nudges_of_one_hit_are_refused(take: OpenedTake) -> None:
    with pytest.raises(UsageError, match="Two nudges"):
        read_nudges(take.record, [("16", "16.2"), ("15.9", "16.4")])


def test_what_is_composed_again_comes_from_the_takes_own_weights(take: OpenedTake, tmp_path: Path) -> None:
    plans = [
        plan_retime(take.record.before, moved(take, cut_7=n), take.record.duration_s) for n in range(9, 30)
    ]
    plan = next(plan for plan in plans if plan.edits[0].edit.renewal)
    other = PlainBackbone(weights_sha256="f" * 64)
    with Shelf(tmp_path) as shelf, pytest.raises(UsageError, match="other weights"):
        retime(take, Retiming(plan, 0.04, {}), shelf=shelf, stem="x", backbone=other)
    assert list(tmp_path.iterdir()) == []


def test_a_take_that_lost_a_stem_is_refused(take: OpenedTake, tmp_path: Path) -> None:
    """A silent stem in the new take would be worse."""
    shutil.copytree(take.folder, tmp_path / "half.v2m")
    (tmp_path / "half.v2m" / "stems" / "drums.wav").unlink()
    half = OpenedTake.read(tmp_path / "half.v2m")
    plan = plan_retime(half.record.before, moved(half, cut_7=2), half.record.duration_s)
    with Shelf(tmp_path) as shelf, pytest.raises(MediaError, match=r"drums.wav is not there"):
        retime(half, Retiming(plan, 0.04, {}), shelf=shelf, stem="x", backbone=PlainBackbone())
    wish = Restyling(prompt="calm", locked=frozenset({"drums"}))
    with Shelf(tmp_path) as shelf, pytest.raises(MediaError, match=r"drums.wav is not there"):
        restyle(half, wish, shelf=shelf, stem="x", backbone=PlainBackbone())
    assert [path.name for path in tmp_path.iterdir()] == ["half.v2m"]


@pytest.mark.slow
def test_notes_of_hits_without_a_beat_are_as_they_are_now(take: OpenedTake, retimed: Retimed) -> None:
    crowded, _ = retimed(take, moved(take, cut_7=-5, cut_6=44))
    told = [[note for note in each.record.notes if note.startswith(OFFBEAT)] for each in (take, crowded)]
    assert len(told[1]) == 1
    assert told[0] != told[1]
    back, _ = retimed(crowded, take.record.hits)
    assert back.record.notes == take.record.notes


def test_a_take_of_an_older_version_is_refused(take: OpenedTake, tmp_path: Path) -> None:
    text = (take.folder / "take.json").read_text().replace('"format": 2', '"format": 1')
    (tmp_path / "take.json").write_text(text)
    with pytest.raises(DocumentError, match="earlier v2m"):
        OpenedTake.read(tmp_path)


@pytest.mark.slow
def test_a_take_knows_its_plan(take: OpenedTake, retimed: Retimed) -> None:
    again, plan = retimed(take, moved(take, cut_3=12))
    assert plan_of(take.record) is None
    assert plan_of(again.record) == plan
    assert again.record.parent == take.as_parent
