"""What `v2m fit` tells of its result: which hits a beat meets and by how much, what is played of the song."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from v2m_otio.place import Placed

from v2m.fit.account import beat_errors_s, heard_pieces
from v2m.score import Scored
from v2m_daemon.results import of_scoring

_LISTED: Final = 12
"""Hits that are told one by one in words; all of them are in the object."""


def of_fitting(made: Scored, placed: Placed | None, stages_s: Mapping[str, float]) -> dict[str, Any]:
    """The object that `--json` prints: that of `score`, each hit with its nearest beat, and what was fitted.

    Args:
        made: the take.
        placed: the document with the music.
        stages_s: how long each stage took.
    """
    record = made.record
    assert record.fitted is not None  # noqa: S101 - a take of `fit`
    errors = beat_errors_s(record)
    result = of_scoring([made], placed, stages_s)
    frame_s = float(1 / record.frame_rate)
    hits = [
        {**hit, "beat_error_s": errors[hit["id"]], "met": abs(errors[hit["id"]]) <= frame_s}
        for hit in result["hits"]
    ]
    pieces = heard_pieces(record)
    fitted = {
        "song": record.fitted.name,
        "sha256": record.fitted.sha256,
        "song_bpm": record.metrics["song"]["tempo_bpm"],
        "pieces": [asdict(piece) for piece in pieces],
        "cuts": len(pieces) - 1,
        "largest_stretch": record.metrics["largest_stretch"],
        "hits_met": sum(hit["met"] for hit in hits),
        "moments": _moments(record.metrics["moments"], hits, frame_s),
        "sch_unfitted": record.metrics["unfitted_sch"],
    }
    return {**result, "hits": hits, "fit": fitted}


def _moments(
    moments: Sequence[Mapping[str, float]], hits: Sequence[Mapping[str, Any]], frame_s: float
) -> list[dict[str, Any]]:
    """The song's big moments, each with the hit that it falls on, if any."""
    return [
        {
            **moment,
            "hit": next((h["id"] for h in hits if abs(h["time_s"] - moment["time_s"]) <= frame_s), None),
        }
        for moment in moments
    ]


def fitted_words(result: Mapping[str, Any]) -> str:
    """The same in words."""
    fitted, sch, hits = result["fit"], result["sch"], result["hits"]
    first = fitted["pieces"][0]
    lines = [
        f"Music     {result['wav']}",
        f"Timeline  {result['timeline']}",
        f"Take      {result['take']}",
        f"Song      {fitted['song']} ({fitted['song_bpm']:.0f} BPM) from {first['from_s']:.2f} s, "
        f"{_count(fitted['cuts'], 'cut')} at bar lines, stretched by {fitted['largest_stretch']:.1%} at most",
        f"Hits      {fitted['hits_met']} of {len(hits)} have a beat within a frame",
    ]
    if sch["value"] is not None:
        lines.append(
            f"Sync      cuts on a beat within {sch['tolerance_s'] * 1000:.0f} ms {sch['value']:.2f} "
            f"(by chance {sch['chance']:.2f}, laid as it is {fitted['sch_unfitted']:.2f})"
        )
    missed = [hit for hit in hits if not hit["met"]]
    lines += [
        f"Missed    {hit['id']} at {hit['time_s']:.2f} s: the nearest beat is "
        f"{abs(hit['beat_error_s']) * 1000:.0f} ms {'late' if hit['beat_error_s'] > 0 else 'early'}"
        for hit in missed[:_LISTED]
    ]
    if len(missed) > _LISTED:
        lines.append(f"Missed    and {len(missed) - _LISTED} more; see --json")
    lines.append(
        "Time      " + ", ".join(f"{name} {took:.1f} s" for name, took in result["stages_s"].items())
    )
    return "\n".join([*lines, *(f"Note      {note}" for note in result["notes"])])


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
