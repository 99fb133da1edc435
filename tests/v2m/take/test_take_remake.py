"""Takes that stand on takes: each is made again from its own folder alone, byte for byte."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.v2m.plain_backbone import RATE, PlainBackbone, programme, scored
from v2m.errors import MissingPartError
from v2m.part_names import parts_of
from v2m.restyle import Restyling, restyle
from v2m.retime import Retiming, plan_retime, redo, retime, swell
from v2m.score import Scored
from v2m.stages import StageClock
from v2m.swell import Swell
from v2m.take.family import family
from v2m.take.opened import OpenedTake
from v2m.take.remake import compare, composed_alike, remake
from v2m.take.shelf import Shelf

Step = Callable[[OpenedTake], Retiming | Restyling]


def nudged(take: OpenedTake) -> Retiming:
    hits = [replace(hit, time_s=hit.time_s + (hit.id == "cut-2") * 3 / RATE) for hit in take.record.hits]
    return Retiming(plan_retime(take.record.before, hits, take.record.duration_s), 0.04, {"nudged": 3})


def longer(take: OpenedTake) -> Retiming:
    end_s = take.record.duration_s + 12 / RATE
    hits = [replace(hit, time_s=end_s) if hit.kind == "end" else hit for hit in take.record.hits]
    return Retiming(plan_retime(take.record.before, hits, end_s), 0.04, {"longer": 12})


STEPS: dict[str, Step] = {
    "nudged": nudged,
    "locked": lambda take: Restyling(prompt="calm", locked=parts_of(["rhythm"])),
    "again": lambda take: redo(take.settled, Fraction(2), Fraction(4), 7, "jazz"),
    "longer": longer,
    "swelled": lambda take: swell(take.settled, [Swell(3.0, 4.0, 1.5)], 5),
    "only": lambda take: Restyling(only=parts_of(["melody"])),
    "muted": lambda take: Restyling(muted=parts_of(["bass"])),
    "moved": nudged,
}
"""Each stands on the one before."""


def changed(take: OpenedTake, step: Step, shelf: Shelf, name: str) -> Scored:
    base = take.settled if take.record.redone else take
    wish = step(base)
    if isinstance(wish, Restyling):
        return restyle(base, wish, shelf=shelf, stem=name, backbone=PlainBackbone(), with_report=False)
    base = base.settled if wish.redone else base
    return retime(base, wish, shelf=shelf, stem=name, backbone=PlainBackbone(), with_report=False)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> list[OpenedTake]:
    """A take and all that was made of it, in a row."""
    folder = tmp_path_factory.mktemp("line")
    takes = [scored(folder, programme([40, 80], 140))]
    for name, step in STEPS.items():
        with Shelf(folder) as shelf:
            takes.append(OpenedTake.read(changed(takes[-1], step, shelf, name).folder))
    return takes


def alone(take: OpenedTake, place: Path) -> Iterator[str]:
    """The files that come otherwise where nothing but the take's folder is at hand."""
    take.folder.rename(place / take.folder.name)
    try:
        (place / "again").mkdir()
        lonely = OpenedTake.read(place / take.folder.name)
        remake(lonely, place / "again", StageClock())
        yield from (file.name for file in compare(lonely.folder, place / "again") if not file.identical)
    finally:
        (place / take.folder.name).rename(take.folder)


@pytest.mark.slow
def test_each_is_made_again_without_the_others(line: list[OpenedTake], tmp_path: Path) -> None:
    for number, take in enumerate(line):
        place = tmp_path / str(number)
        place.mkdir()
        assert list(alone(take, place)) == [], take.name


@pytest.mark.slow
def test_they_are_a_line_of_descent(line: list[OpenedTake]) -> None:
    names = []
    takes = family(line[0].folder.parent).roots
    while takes:
        (take,) = takes
        names.append(take.folder.name)
        takes = take.children
    assert names == ["film.v2m", *(f"{name}.v2m" for name in STEPS)]


@pytest.mark.slow
def test_what_was_composed_by_other_weights_is_not_judged(
    line: list[OpenedTake], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("v2m.take.remake.load_backbone", lambda *_: PlainBackbone())
    assert composed_alike(line[0])
    assert composed_alike(line[1])
    monkeypatch.setattr("v2m.take.remake.load_backbone", lambda *_: PlainBackbone(weights_sha256="f" * 64))
    with pytest.raises(MissingPartError, match="other weights"):
        composed_alike(line[0])
