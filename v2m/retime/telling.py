"""A plan as a person reads it before it is done, and as a program does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.retime.edit import Edit
from v2m.retime.nudge import told
from v2m.retime.plan import Changed, RetimePlan
from v2m.take.record import TakeRecord
from v2m.timebase import SAMPLE_RATE_HZ

_ROW: Final = 3
"""Hits in a row that move by the same are told in one line."""


def told_plan(plan: RetimePlan, record: TakeRecord, since: RetimePlan | None = None) -> dict[str, Any]:
    """What a plan does to the take as it was before any hit was moved, and what of that is new.

    Args:
        plan: the plan.
        record: of the take that it is asked of.
        since: the plan by which that take came to be.
    """
    known = {placed.edit for placed in since.edits} if since else set()
    return {
        "hits": [*_moves(plan, record)],
        "spans": [
            {
                "start_s": piece.at / SAMPLE_RATE_HZ,
                "end_s": (piece.at + piece.length) / SAMPLE_RATE_HZ,
                "largest_bend": piece.edit.largest_bend,
                "composed_bend": piece.edit.composed_bend,
                "composed_beats": _composed_beats(piece.edit),
                "ends": piece.goes_on is None,
                "new": piece.edit not in known,
            }
            for piece in plan.samples()
            if isinstance(piece, Changed)
        ],
    }


def plan_words(plan: RetimePlan, record: TakeRecord, since: RetimePlan | None = None) -> str:
    """The same in sentences."""
    told = told_plan(plan, record, since)
    lines = [*_move_lines(told["hits"])]
    for span in told["spans"]:
        what = []
        if span["largest_bend"]:
            what.append(f"bends by {span['largest_bend']:.1%} at most")
        if span["composed_beats"]:
            what.append(f"{span['composed_beats']:g} beats are composed again{_paced(span)}")
        words = ", ".join(what) or ("another ending" if span["ends"] else "only accents move")
        lines.append(
            f"Span      {span['start_s']:.3f}-{span['end_s']:.3f} s: {words}"
            + ("" if span["new"] else " (as before)")
        )
    changed_s = sum(span["end_s"] - span["start_s"] for span in told["spans"])
    kept_s = max(0.0, plan.sample_count / SAMPLE_RATE_HZ - changed_s)
    lines.append(f"Kept      {kept_s:.1f} s of {plan.sample_count / SAMPLE_RATE_HZ:.1f} s, sample for sample")
    return "\n".join(lines)


def _paced(span: dict[str, Any]) -> str:
    bend = span["composed_bend"]
    return f", each up to {bend:.1%} longer or shorter than before" if bend else ""


def _moves(plan: RetimePlan, record: TakeRecord) -> Iterator[dict[str, Any]]:
    """Hits that are elsewhere than in the take that is asked."""
    was = {hit.id: hit for hit in record.hits}
    now = {hit.id: hit for hit in plan.after.hits}
    for hit in (*now.values(), *(hit for hit in was.values() if hit.id not in now)):
        before = was[hit.id].time_s if hit.id in was else None
        after = now[hit.id].time_s if hit.id in now else None
        if before != after:
            yield {
                "id": hit.id,
                "from_s": None if before is None else float(before),
                "to_s": None if after is None else float(after),
                "words": _words(before, after, record),
            }


def _words(before: Fraction | None, after: Fraction | None, record: TakeRecord) -> str:
    if before is None or after is None:
        at = told(before if after is None else after, record)  # type: ignore[arg-type]
        return f"{'goes' if after is None else 'is new'}, {at}"
    return f"{told(before, record)} -> {told(after, record)}"


def _move_lines(moves: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line a hit; those that go along with what lies before them share one."""
    for shift_s, group in groupby(moves, key=_shift_s):
        row = list(group)
        if shift_s is None or len(row) < _ROW:
            yield from (f"Hit       {move['id']} {move['words']}" for move in row)
        else:
            ids, way = f"{row[0]['id']} to {row[-1]['id']}", "later" if shift_s > 0 else "earlier"
            yield f"Hits      {ids} ({len(row)}) go along, {abs(shift_s):.3f} s {way}"


def _shift_s(move: dict[str, Any]) -> float | None:
    known = move["from_s"] is not None and move["to_s"] is not None
    return round(move["to_s"] - move["from_s"], 6) if known else None


def _composed_beats(edit: Edit) -> float:
    return 0.0 if edit.renewal is None else edit.renewal.count / STEPS_PER_BEAT
