"""A benchmark and folders of audio -> measured rows; stopped at any time, it goes on where it was.

    OUT/rows/      one small file for each clip and peer, see `rows`
    OUT/seen/      cuts, arrivals and curves of the videos, found once for all peers
    OUT/vectors/   what VGGish and CLAP made of each file
    OUT/results.json   all of it together, what `table` and `report` are made from

Conventions: a peer's missing files are counted, not guessed; FAD and CLAP are of the clips that a peer has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from v2m.errors import DocumentError, UsageError, V2MError
from v2m.evaluation.bodies import Bodies
from v2m.evaluation.clip import Benchmark, Clip
from v2m.evaluation.peers import audio_of
from v2m.evaluation.rows import MeasureSettings, Unit, measure_unit
from v2m.evaluation.spread import Given, Result, spread
from v2m.evaluation.store import Row, RowStore, write_whole

RESULTS_NAME: Final = "results.json"
FORMAT: Final = "v2m-evaluation-1"


@dataclass(frozen=True)
class Spreading:
    """Where the work is done."""

    processes: int = 1
    gpus: tuple[str, ...] = ()
    ray: str = ""
    gpus_each: float = 0.0

    def over(
        self, work: Callable[[Given], Result], units: Sequence[Given]
    ) -> Iterator[tuple[Given, Result | V2MError]]:
        """Do all units there; see `spread`."""
        return spread(
            work, units, processes=self.processes, gpus=self.gpus, ray=self.ray, gpus_each=self.gpus_each
        )


@dataclass(frozen=True)
class PeerResults:
    """What was measured of one peer."""

    rows: tuple[Row, ...]
    """By clip, in the benchmark's order."""

    fad: Mapping[str, Any] | None = None
    clap: Mapping[str, Any] | None = None
    missing: int = 0
    """Clips of the benchmark for which it has no file."""

    failed: tuple[str, ...] = ()
    """Sentences on files that could not be measured."""


@dataclass(frozen=True)
class Results:
    """A run."""

    benchmark: str
    title: str
    clips: int
    reference: str
    settings: Mapping[str, Any]
    peers: Mapping[str, PeerResults]
    notes: tuple[str, ...] = field(default=())


def run_benchmark(
    benchmark: Benchmark,
    peers: Mapping[str, Path],
    out: Path,
    settings: MeasureSettings,
    *,
    bodies: Bodies | None = None,
    where: Spreading | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Results:
    """Measure every peer on every clip that it has.

    Args:
        benchmark: what to measure on.
        peers: key -> folder of audio named by clip.
        out: gets the rows and the results.
        settings: what to measure and how.
        bodies: what measures FAD and CLAP; None leaves them out.
        where: how the work is spread.
        on_progress: told the fraction done.

    Raises:
        UsageError: there is no peer.
        InputError: a peer's folder holds no audio.
        OutputWriteError: `out` cannot be written.
    """
    if not peers:
        raise UsageError("No peer is given, expected at least one --peer NAME=DIR.")
    store = RowStore(out / "rows")
    held = {key: audio_of(folder) for key, folder in peers.items()}
    units = {
        (key, clip.id): Unit(clip, files[clip.id], settings, out / "seen")
        for clip in benchmark.clips  # clip by clip, so that what one peer's row saw serves the next
        for key, files in held.items()
        if clip.id in files
    }
    rows, failed = _measured(list(units.values()), store, where or Spreading(), on_progress)
    results = {
        key: _peer_results(benchmark, files, key, units, rows, failed, bodies) for key, files in held.items()
    }
    run = Results(
        benchmark.name, benchmark.title, len(benchmark.clips), benchmark.reference, asdict(settings), results,
        benchmark.notes,
    )  # fmt: skip
    write_results(out, run)
    return run


def _measured(
    units: Sequence[Unit], store: RowStore, where: Spreading, on_progress: Callable[[float], None]
) -> tuple[dict[str, Row], dict[str, V2MError]]:
    rows = {unit.name: row for unit in units if (row := store.get(unit.name)) is not None}
    left = [unit for unit in units if unit.name not in rows]
    failed: dict[str, V2MError] = {}
    for number, (unit, found) in enumerate(where.over(measure_unit, left), 1):
        if isinstance(found, V2MError):
            failed[unit.name] = found
        else:
            store.put(unit.name, found)
            rows[unit.name] = found
        on_progress(number / len(left))
    return rows, failed


def _peer_results(
    benchmark: Benchmark,
    files: Mapping[str, Path],
    key: str,
    units: Mapping[tuple[str, str], Unit],
    rows: Mapping[str, Row],
    failed: Mapping[str, V2MError],
    bodies: Bodies | None,
) -> PeerResults:
    names = [units[key, clip.id].name for clip in benchmark.clips if clip.id in files]
    had: list[Clip] = [clip for clip in benchmark.clips if clip.id in files]
    return PeerResults(
        rows=tuple(rows[name] for name in names if name in rows),
        fad=bodies.fad(had, files) if bodies and had else None,
        clap=bodies.clap(had, files) if bodies and had else None,
        missing=len(benchmark.clips) - len(had),
        failed=tuple(failed[name].sentence() for name in names if name in failed),
    )


def write_results(out: Path, results: Results) -> None:
    """Keep a run.

    Raises:
        OutputWriteError: it cannot be written.
    """
    write_whole(out / RESULTS_NAME, json.dumps({"format": FORMAT, **asdict(results)}, allow_nan=False))


def read_results(out: Path) -> Results:
    """A run that was kept.

    Raises:
        DocumentError: there is none, or it is damaged.
    """
    try:
        data = json.loads((out / RESULTS_NAME).read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT:
            raise ValueError("another format")
        data["peers"] = {
            key: PeerResults(**{**peer, "rows": tuple(peer["rows"]), "failed": tuple(peer["failed"])})
            for key, peer in data["peers"].items()
        }
        return Results(**{**data, "notes": tuple(data["notes"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DocumentError(
            f"{out / RESULTS_NAME} is no evaluation of this version.",
            hint="Run `v2m evaluate table` again.",
            detail=repr(error),
        ) from error
