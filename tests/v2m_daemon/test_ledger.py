"""The ledger: one row a content, on disk when it says so, and what came out of a folder is known."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from v2m_daemon.intake.drop import Drop, DropState
from v2m_daemon.intake.ledger import Ledger
from v2m_daemon.jobs.spec import JobKind, JobSpec

Run = Callable[[Any], Any]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def drop(content: str, **values: Any) -> Drop:
    spec = JobSpec(kind=JobKind.SCORE, document="/drop/edit.otio", prompt="calm", path_map=(("D:", "/d"),))
    fields = {
        "content": content,
        "document": "edit.otio",
        "stem": "edit",
        "size": 2,
        "mtime_ns": 3,
        "spec": spec,
    }
    return Drop(**fields | values)


def again(ledger: Ledger, ask: Callable[[Ledger], Any], run: Run) -> Any:
    """What a process of its own would see: the file is opened anew."""

    async def opened() -> Any:
        ledger.open()
        try:
            return await ask(ledger)
        finally:
            ledger.close()

    return run(opened())


def test_a_row_comes_back_as_it_was_put(ledger: Ledger, run: Run) -> None:
    put = drop("a", in_place=False, without_media=True, was_away=True, media=("a.mov", "b c.mov"), attempt=2)
    added = again(ledger, lambda opened: opened.add(put), run)
    assert replace(added, id=0) == put
    assert again(ledger, lambda opened: opened.of_content("a"), run) == added
    assert again(ledger, lambda opened: opened.of_content("b"), run) is None
    assert again(ledger, lambda opened: opened.named_media(), run) == {"a.mov", "b c.mov"}


def test_a_content_is_taken_in_once_by_however_many(ledger: Ledger, run: Run) -> None:
    async def many(opened: Ledger) -> list[Drop]:
        return await asyncio.gather(*(opened.add(drop("a", document=f"{n}.otio")) for n in range(20)))

    rows = again(ledger, many, run)
    assert len(set(rows)) == 1
    assert again(ledger, lambda opened: opened.in_state(DropState.OPEN), run) == rows[:1]


def test_a_row_number_never_comes_twice(ledger: Ledger, run: Run) -> None:
    async def over(opened: Ledger) -> list[int]:
        numbers = []
        for _ in range(3):
            added = await opened.add(drop("a"))
            numbers.append(added.id)
            await opened.remove(added)
        return numbers

    numbers = again(ledger, over, run) + again(ledger, over, run)
    assert len(set(numbers)) == 6


def test_an_end_and_what_came_out_are_noted_together(ledger: Ledger, run: Run) -> None:
    async def end(opened: Ledger) -> None:
        await opened.finish(await opened.add(drop("a")), DropState.DONE, ["wav", "otio", "wav"])
        await opened.finish(await opened.add(drop("b")), DropState.FAILED)

    again(ledger, end, run)
    states = {state: again(ledger, lambda opened, s=state: opened.in_state(s), run) for state in DropState}
    assert [row.content for row in states[DropState.DONE]] == ["a"]
    assert [row.content for row in states[DropState.FAILED]] == ["b"]
    assert states[DropState.OPEN] == []
    known = [
        again(ledger, lambda opened, c=content: opened.is_output(c), run) for content in ("wav", "otio", "a")
    ]
    assert known == [True, True, False]


def test_open_rows_remember_that_the_folder_went_away(ledger: Ledger, run: Run) -> None:
    async def away(opened: Ledger) -> None:
        await opened.finish(await opened.add(drop("done")), DropState.DONE)
        await opened.add(drop("open"))
        await opened.note_away()

    again(ledger, away, run)
    assert again(ledger, lambda opened: opened.of_content("open"), run).was_away
    assert not again(ledger, lambda opened: opened.of_content("done"), run).was_away
    row = again(ledger, lambda opened: opened.of_content("open"), run)
    changed = again(ledger, lambda opened: opened.change(row, attempt=2, was_away=False), run)
    assert again(ledger, lambda opened: opened.of_content("open"), run) == changed
    assert (changed.attempt, changed.was_away) == (2, False)


def test_a_ledger_keeps_its_name_and_no_two_share_one(ledger: Ledger, run: Run, tmp_path: Path) -> None:
    name = again(ledger, lambda opened: opened.identity(), run)
    assert again(ledger, lambda opened: opened.identity(), run) == name
    assert again(Ledger(tmp_path / "other"), lambda opened: opened.identity(), run) != name
    assert again(ledger, lambda opened: opened.is_empty(), run)
    again(ledger, lambda opened: opened.add(drop("a")), run)
    assert not again(ledger, lambda opened: opened.is_empty(), run)
