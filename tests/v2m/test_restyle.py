"""A restyled take: the same beats and hits, the locked parts sample for sample, the others anew."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.v2m.plain_backbone import RATE, PlainBackbone, SoftBackbone, programme, scored
from v2m.audio import read_wav, true_peak_dbtp
from v2m.errors import UsageError
from v2m.part_names import parts_of
from v2m.restyle import Restyling, restyle
from v2m.retime import Retiming, plan_retime, redo, retime, swell
from v2m.retime.plan import Kept as PlanKept
from v2m.stages import StageClock
from v2m.swell import Swell, swelled
from v2m.take.opened import OpenedTake
from v2m.take.remake import compare, remake
from v2m.take.shelf import Shelf

Restyled = Callable[..., OpenedTake]


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> OpenedTake:
    return scored(tmp_path_factory.mktemp("scored"), programme([50, 110, 160, 215, 270], 330))


@pytest.fixture
def restyled(tmp_path: Path) -> Restyled:
    def make(take: OpenedTake, **wish: object) -> OpenedTake:
        with Shelf(tmp_path) as shelf:
            made = restyle(
                take, Restyling(**wish), shelf=shelf, stem="other", backbone=PlainBackbone()  # type: ignore[arg-type]
            )  # fmt: skip
        return OpenedTake.read(made.folder)

    return make


def stem(take: OpenedTake, part: str) -> bytes:
    return (take.folder / "stems" / f"{part}.wav").read_bytes()


def assert_made_again(take: OpenedTake, folder: Path) -> None:
    folder.mkdir()
    remake(take, folder, StageClock())
    files = list(compare(take.folder, folder))
    assert all(file.identical for file in files), files


def test_locked_parts_are_the_same_files_and_the_others_are_new(
    take: OpenedTake, restyled: Restyled, tmp_path: Path
) -> None:
    other = restyled(take, prompt="ambient, calm", locked=parts_of(["rhythm"]))
    assert stem(other, "drums") == stem(take, "drums")
    assert stem(other, "bass") == stem(take, "bass")
    assert stem(other, "lead") != stem(take, "lead")
    assert other.record.tempo_map == take.record.tempo_map
    assert other.record.hits == take.record.hits
    assert other.record.prompt == "ambient, calm"
    music = read_wav(other.folder / "music.wav")
    stems = sum(read_wav(path) for path in (other.folder / "stems").iterdir())
    assert np.abs(stems - music).max() < 1e-5
    assert true_peak_dbtp(music) <= -1.0
    assert_made_again(other, tmp_path / "again")


@pytest.mark.slow
def test_one_part_can_be_made_again_alone(take: OpenedTake, restyled: Restyled) -> None:
    other = restyled(take, only=parts_of(["melody"]))
    assert other.record.seed == take.record.seed + 1
    for part in ("drums", "bass", "harmony"):
        assert stem(other, part) == stem(take, part)
    assert stem(other, "lead") != stem(take, "lead")
    assert not [note for note in other.record.notes if "silent" in note]
    locked = restyled(take, locked=parts_of(["drums", "bass", "harmony", "extras"]))
    assert "silent as in the take" in locked.record.notes[-1]  # extras
    assert stem(locked, "lead") == stem(other, "lead")


@pytest.mark.slow
def test_new_words_alone_keep_beats_and_hits(take: OpenedTake, restyled: Restyled, tmp_path: Path) -> None:
    other = restyled(take, prompt="jazz, 90 bpm", seed=8)
    assert other.record.tempo_map == take.record.tempo_map
    assert other.record.kept is None
    assert other.record.tonic == take.record.tonic
    assert other.record.metrics["hits_heard"] == 1.0
    assert_made_again(other, tmp_path / "again")


@pytest.mark.slow
def test_muted_parts_fall_silent_and_the_others_stay(
    take: OpenedTake, restyled: Restyled, tmp_path: Path
) -> None:
    other = restyled(take, muted=parts_of(["melody"]))
    assert {path.stem for path in (other.folder / "stems").iterdir()} == {"drums", "bass", "harmony"}
    assert all(stem(other, part) == stem(take, part) for part in ("drums", "bass", "harmony"))
    assert other.record.seed == take.record.seed
    fewer = restyled(other, muted=parts_of(["drums"]))
    assert {path.stem for path in (fewer.folder / "stems").iterdir()} == {"bass", "harmony"}
    assert_made_again(fewer, tmp_path / "again")
    with pytest.raises(UsageError, match="no music would be left"):
        restyled(fewer, muted=parts_of(["bass", "harmony"]))


@pytest.mark.slow
def test_a_take_with_kept_parts_is_retimed_and_made_again(
    take: OpenedTake, restyled: Restyled, tmp_path: Path
) -> None:
    other = restyled(take, prompt="ambient", locked=parts_of(["drums"]))
    for frames, name in ((3, "once"), (-2, "twice")):
        hits = tuple(
            hit if hit.id != "cut-3" else type(hit)(**{**vars(hit), "time_s": hit.time_s + frames / RATE})
            for hit in other.record.hits
        )
        plan = plan_retime(other.record.before, hits, other.record.duration_s)
        with Shelf(tmp_path) as shelf:
            made = retime(other, Retiming(plan, 0.04, {}), shelf=shelf, stem=name, backbone=PlainBackbone())
        before, other = other, OpenedTake.read(made.folder)
        first = int(plan.edits[0].edit.start_s * 48_000)
        drums = [read_wav(each.folder / "stems" / "drums.wav") for each in (before, other)]
        assert np.array_equal(drums[0][:first], drums[1][:first])
        assert not np.array_equal(drums[0], drums[1])
    assert_made_again(other, tmp_path / "again")


@pytest.mark.slow
def test_accents_alone_are_locked_too(take: OpenedTake, restyled: Restyled, tmp_path: Path) -> None:
    """A take without drums has them on its hits, where nothing else is heard."""
    folder = tmp_path / "soft"
    bare = scored(folder, programme([50, 110, 160], 220), backbone=SoftBackbone())
    assert not [note for note in bare.composed.notes if note.part == "drums"]
    assert "drums" in bare.sounding
    other = restyled(bare, prompt="rock", locked=parts_of(["rhythm"]))
    assert stem(other, "drums") == stem(bare, "drums")
    assert not (other.folder / "stems" / "bass.wav").exists()
    assert "silent as in the take" in other.record.notes[-1]  # bass
    assert_made_again(other, tmp_path / "again")


def test_a_swell_raises_the_curve_there_and_nowhere_else() -> None:
    curve = {"rate_hz": 25.0, "values": [0.0] * 250, "encoder": "cuts", "kernel_s": 0.7}
    values = np.array(swelled(curve, [Swell(2.0, 4.0, 1.5)])["values"])
    assert values[75] == 1.5
    assert values[40] == values[120] == 0.0
    assert (np.diff(values[:75]) >= 0).all()


@pytest.mark.slow
def test_more_happens_in_some_bars_and_the_others_stay(take: OpenedTake, tmp_path: Path) -> None:
    asked = swell(take.settled, [Swell(3.0, 3.2, 2.0), Swell(9.0, 10.0, -1.0)], take.record.seed)
    with Shelf(tmp_path) as shelf:
        made = retime(take.settled, asked, shelf=shelf, stem="swelled", backbone=PlainBackbone())
    again = OpenedTake.read(made.folder)
    beats_s = take.record.tempo_map.beats_s
    (first, second) = again.record.redone.spans if again.record.redone else ()
    assert beats_s[first[0]] < 3.0 < 3.2 < beats_s[first[1]]
    assert beats_s[second[0]] < 9.0 < 10.0 < beats_s[second[1]]
    curves = [np.array(each.record.curve["values"]) for each in (take, again)]
    assert curves[1][75] == pytest.approx(
        curves[0][75] + 0.9, abs=0.2
    )  # a short one does not reach its height
    assert (curves[1][:60] == curves[0][:60]).all()
    was, now = (read_wav(each.folder / "music.wav") for each in (take, again))
    kept = [piece for piece in asked.plan.samples() if isinstance(piece, PlanKept)]
    assert sum(piece.last - piece.first for piece in kept) > 3 * 48_000
    assert all(np.array_equal(was[p.first : p.last], now[p.first : p.last]) for p in kept)
    assert not np.array_equal(was, now)
    assert_made_again(again, tmp_path / "again")


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="no part 'flute'"):
        parts_of(["flute"])
    with pytest.raises(UsageError, match="no music would be left"):
        Restyling(muted=parts_of(["drums", "bass", "harmony", "lead", "extras"]))


@pytest.mark.slow
def test_a_span_is_composed_again_and_its_neighbours_stay(take: OpenedTake, tmp_path: Path) -> None:
    backbone = PlainBackbone()
    first = redo(take.settled, Fraction(4), Fraction(6), 11, "calm")
    with Shelf(tmp_path) as shelf:
        made = retime(take.settled, first, shelf=shelf, stem="redone", backbone=backbone)
    again = OpenedTake.read(made.folder)
    assert backbone.renewals == 1
    assert again.record.tempo_map == take.record.tempo_map
    begin, end = first.plan.edits[0].edit.first_sample, first.plan.edits[0].edit.last_sample(take.record)
    assert 3.5 * 48_000 < begin < end < 8.5 * 48_000
    for part in ("drums", "bass", "lead", "harmony"):
        was, now = (read_wav(each.folder / "stems" / f"{part}.wav") for each in (take, again))
        assert np.array_equal(was[:begin], now[:begin])
        assert np.array_equal(was[end:], now[end:])
    assert not np.array_equal(was[begin:end], now[begin:end])
    assert_made_again(again, tmp_path / "one")
    # what is done later leaves it as it is
    settled = again.settled
    hits = tuple(replace(hit, time_s=hit.time_s + (hit.id == "cut-5") * 2 / RATE) for hit in take.record.hits)
    plan = plan_retime(settled.record.before, hits, settled.record.duration_s)
    with Shelf(tmp_path) as shelf:
        made = retime(settled, Retiming(plan, 0.04, {}), shelf=shelf, stem="moved", backbone=backbone)
    moved = OpenedTake.read(made.folder)
    assert moved.record.parent == again.as_parent
    was, now = (read_wav(each.folder / "music.wav") for each in (again, moved))
    untouched = plan.edits[0].edit.first_sample
    assert untouched > begin
    assert np.array_equal(was[:untouched], now[:untouched])
    assert_made_again(moved, tmp_path / "two")
