"""`v2m take verify`: whether takes can be made again from their folders alone, byte for byte."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from v2m.errors import UnfinishedError
from v2m.stages import StageClock
from v2m.take.remake import Compared, compare, composed_alike, remake_of
from v2m_daemon.progress import show_progress


def run(arguments: argparse.Namespace) -> int:
    """Verify; 0 when every file is the same."""
    results = []
    with show_progress(quiet=arguments.json) as progress:
        for name in arguments.takes:
            results.append(_verify(Path(name), StageClock(progress), compose=arguments.compose))
    different = [result for result in results if not result["identical"]]
    if arguments.json:
        print(json.dumps({"takes": results}))
    else:
        print("\n".join(_words(result) for result in results))
    if different:
        names = ", ".join(Path(result["take"]).name for result in different)
        error = UnfinishedError(
            f"Made again, {names} came out differently.",
            hint="They were changed since, or this machine computes otherwise than the one that made them.",
        )
        if not arguments.json:
            raise error
        return error.exit_code
    return 0


def _verify(folder: Path, clock: StageClock, *, compose: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="v2m-verify-") as again:
        take = remake_of(folder, Path(again), clock)
        files = list(compare(folder, Path(again)))
    alike = None
    if compose and take is not None:
        with clock.stage("compose"):
            alike = composed_alike(take)
    return {
        "take": str(folder),
        "identical": alike is not False and all(file.identical for file in files),
        "files": [vars(file) for file in files],
        "composed_alike": alike,
        "stages_s": clock.seconds,
    }


def _words(result: dict[str, Any]) -> str:
    lines = [f"Take      {result['take']}: {'the same bytes' if result['identical'] else 'NOT the same'}"]
    for file in (Compared(**fields) for fields in result["files"]):
        if not file.identical:
            loud = file.loudest_difference_db
            lines.append(f"Differs   {file.name}" + ("" if loud is None else f", by {loud} dBFS at most"))
    if result["composed_alike"] is not None:
        lines.append(f"Composed  again {'alike' if result['composed_alike'] else 'otherwise'}")
    return "\n".join(lines)
