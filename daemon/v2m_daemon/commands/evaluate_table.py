"""`v2m evaluate table`: score a benchmark, measure every peer on it, and write the report."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from v2m.errors import OutputWriteError, UsageError
from v2m.evaluation.bodies import Bodies
from v2m.evaluation.clip import Benchmark
from v2m.evaluation.compose import compose_benchmark
from v2m.evaluation.peers import parse_peer
from v2m.evaluation.readers import read_benchmark
from v2m.evaluation.report import write_report
from v2m.evaluation.rows import MeasureSettings
from v2m.evaluation.run import Spreading, run_benchmark
from v2m.evaluation.table import Table, make_table
from v2m.metrics.clap import CLAP
from v2m.metrics.vggish import VGGish
from v2m.score import ScoreSettings
from v2m.stages import Progress
from v2m_daemon.progress import show_progress


def run(arguments: argparse.Namespace) -> int:
    """Do it all; what was done before is not done again; 0 when it was done."""
    benchmark = read_benchmark(arguments.benchmark, Path(arguments.folder))
    if arguments.limit is not None:
        if arguments.limit < 1:
            raise UsageError(f"--limit is {arguments.limit}, expected 1 or more.")
        benchmark = replace(benchmark, clips=benchmark.clips[: arguments.limit])
    out = Path(arguments.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputWriteError(f"{out} could not be made: {error.strerror}.") from error
    with show_progress(quiet=arguments.json) as progress:
        peers = _composed(arguments, benchmark, out, progress)
        peers |= dict(parse_peer(text) for text in arguments.peer)
        settings = MeasureSettings(tuple(arguments.measure) or benchmark.measures, arguments.detector)
        results = run_benchmark(
            benchmark, peers, out, settings,
            bodies=_bodies(arguments, out, settings), where=_where(arguments),
            on_progress=lambda fraction: progress("Measuring", fraction),
        )  # fmt: skip
    table = make_table(results)
    html, markdown = write_report(out, results)
    if arguments.json:
        told = {"html": str(html), "markdown": str(markdown), "results": str(out / "results.json")}
        print(json.dumps(told | {"table": asdict(table)}))
    else:
        print("\n".join([_words(table), "", f"Report    {html}", f"          {markdown}"]))
    return 0


def _composed(
    arguments: argparse.Namespace, benchmark: Benchmark, out: Path, progress: Progress
) -> dict[str, Path]:
    """Folders of music of our own, by way."""
    made = {}
    for way in arguments.compose:
        name = arguments.backbone if way == "v2m" else way
        folder = out / "audio" / name
        adapter = Path(arguments.adapter) if arguments.adapter else None
        settings = ScoreSettings(backbone=arguments.backbone, seed=arguments.seed, adapter=adapter)
        failed = compose_benchmark(
            benchmark, folder, settings, encoder=arguments.encoder, way=way, where=_where(arguments),
            on_progress=lambda fraction: progress("Composing", fraction),
        )  # fmt: skip
        for sentence in failed:
            print(f"v2m: {sentence}", file=sys.stderr)
        made[name] = folder
    return made


def _where(arguments: argparse.Namespace) -> Spreading:
    gpus = tuple(name.strip() for name in arguments.gpus.split(",") if name.strip())
    return Spreading(arguments.processes, gpus, arguments.ray, arguments.ray_gpus)


def _bodies(arguments: argparse.Namespace, out: Path, settings: MeasureSettings) -> Bodies | None:
    """What measures FAD and CLAP, as far as weights are named or here."""
    wanted = set(settings.measures)
    vggish = clap = None
    if "fad" in wanted:
        weights = Path(arguments.weights) if arguments.weights else None
        if weights is not None or VGGish.is_here():
            vggish = VGGish(weights, arguments.device)
        else:
            print(
                "v2m: FAD is left out: VGGish's weights are not here; see `v2m models list vggish`.",
                file=sys.stderr,
            )
    if "clap" in wanted:
        if arguments.clap:
            clap = CLAP(Path(arguments.clap), arguments.device)
        else:
            print("v2m: CLAP is left out: name a checkpoint with --clap.", file=sys.stderr)
    if vggish is None and clap is None:
        return None
    reference = Path(arguments.reference) if arguments.reference else None
    return Bodies(out / "vectors", vggish=vggish, clap=clap, reference=reference)


def _words(table: Table) -> str:
    lines = [f"{'':24}" + "".join(f"{column:>14}" for column in table.columns)]
    for row in table.rows:
        shown = [row.cells[column].value if column in row.cells else None for column in table.columns]
        figures = "".join(f"{'-' if value is None else format(value, '.3f'):>14}" for value in shown)
        lines.append(f"{row.title[:23]:24}{figures}{f'  {row.source}' if row.source else ''}")
    return "\n".join([*lines, *(f"Note: {note}" for note in table.notes)])
