"""What came of a command, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def scored_words(result: Mapping[str, Any]) -> str:
    """The object that `v2m score --json` prints, in words."""
    sch = result["sch"]
    value = "no cuts" if sch["value"] is None else f"{sch['value']:.2f}"
    slowest, fastest = result["tempo_bpm"]
    lines = [
        f"Music     {result['wav']}",
        f"Timeline  {result['timeline'] or 'none to place it in'}",
        f"Take      {result['take']} (seed {result['seed']})",
        f"Prompt    {result['prompt']}",
        f"Tempo     {slowest:.0f}-{fastest:.0f} BPM",
        f"Sync      cuts on a beat within {sch['tolerance_s'] * 1000:.0f} ms {value} "
        f"(by chance {sch['chance']:.2f}); heavy hits heard within a frame {result['hits_heard']:.2f}",
        "Time      " + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result["stages_s"].items()),
    ]
    report = Path(result["take"]) / "report.html"
    if report.is_file():  # it may lie on the daemon's machine, or not be wished for
        lines.append(f"Report    {report}")
    lines += [f"Other     rank {take['rank']}: {take['take']}" for take in result.get("takes", [])[1:]]
    return "\n".join([*lines, *(f"Note      {note}" for note in result["notes"])])
