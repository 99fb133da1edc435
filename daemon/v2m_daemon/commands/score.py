"""`v2m score`: compose music for a timeline and place it there."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from v2m_otio.place import Placed, Placement, holds_music, place_music

from v2m.codecs.soundfont import find_soundfont
from v2m.errors import OutputExistsError, UsageError
from v2m.score import Scored, ScoreSettings, score
from v2m.shelf import Shelf
from v2m.stages import StageClock
from v2m.take import TAKE_SUFFIX
from v2m.timebase import SAMPLE_RATE_HZ
from v2m_daemon.programme import Programme, check_files, open_programme
from v2m_daemon.progress import show_progress


def run(arguments: argparse.Namespace) -> int:
    """Score and place; 0 when it was done."""
    settings = _settings(arguments)
    check_files(arguments)
    find_soundfont(settings.soundfont)  # told now rather than after minutes of looking at the picture
    out_dir = Path(arguments.out) if arguments.out else Path(arguments.timeline).absolute().parent
    if out_dir.exists() and not out_dir.is_dir():
        raise UsageError(f"--out names {out_dir}, which is no folder.")
    with (
        show_progress(quiet=arguments.json) as progress,
        Shelf(out_dir, overwrite=arguments.overwrite) as shelf,
    ):
        clock = StageClock(progress)
        with open_programme(arguments, clock) as programme:
            takes = score(
                programme.analysis, settings, shelf=shelf, stem=Path(arguments.timeline).stem,
                sources=programme.sources, clock=clock,
            )  # fmt: skip
            placed = _place(programme, takes, arguments, clock)
    result = as_json(takes, placed, clock)
    print(json.dumps(result) if arguments.json else describe(result))
    return 0


def _settings(arguments: argparse.Namespace) -> ScoreSettings:
    return ScoreSettings(
        prompt=arguments.prompt,
        backbone=arguments.backbone,
        takes=arguments.takes,
        seed=arguments.seed,
        adherence=arguments.adherence,
        steps=arguments.steps,
        tempo_bpm=arguments.tempo,
        tempo_freedom=arguments.tempo_freedom,
        loudness_lufs=arguments.loudness,
        soundfont=Path(arguments.soundfont) if arguments.soundfont else None,
    )


def _place(
    programme: Programme, takes: Sequence[Scored], arguments: argparse.Namespace, clock: StageClock
) -> Placed:
    """Put the best take into a copy of the document."""
    best = takes[0]
    # of several takes another may be the best next time: the copy is then called by the timeline's name
    name = best.folder.name.removesuffix(TAKE_SUFFIX) if len(takes) == 1 else Path(arguments.timeline).stem
    placement = Placement(
        wav=best.wav,
        start_s=programme.start_s,
        duration_s=programme.analysis.timeline.duration_s,
        take={"folder": best.folder.name, "seed": best.record.seed, "prompt": best.record.prompt},
    )
    with clock.stage("place"):
        out = _free(best.folder.with_name(f"{name}_scored.otio"), overwrite=arguments.overwrite)
        return place_music(programme.document, placement, out, overwrite=arguments.overwrite)


def _free(path: Path, *, overwrite: bool) -> Path:
    """The path, or one with a number where a file stands that is the user's or may not be replaced."""
    for number in range(1, 1000):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        if not os.path.lexists(free) or (overwrite and holds_music(free)):
            return free
    raise OutputExistsError(f"{path} and its numbered successors are there.", hint="Use another --out.")


def as_json(takes: Sequence[Scored], placed: Placed, clock: StageClock) -> dict[str, Any]:
    """The object that `--json` prints: the best take, and with several the list of all."""
    best, record = takes[0], takes[0].record
    errors = record.metrics["hit_errors_s"]
    result = {
        "take": str(best.folder),
        "wav": str(best.wav),
        "timeline": str(placed.path),
        "duration_s": float(record.duration_s),
        "sample_rate": SAMPLE_RATE_HZ,
        "frame_rate": f"{record.frame_rate.numerator}/{record.frame_rate.denominator}",
        "start_frame": record.start_frame,
        "seed": record.seed,
        "backbone": record.backbone,
        "encoder": record.encoder,
        "prompt": record.prompt,
        "tempo_bpm": [round(bpm, 2) for bpm in record.tempo_map.tempo_bpm],
        "beats_s": [b for b in record.tempo_map.beats_s if 0 <= b <= float(record.duration_s)],
        "hits": [
            {
                "id": hit.id,
                "time_s": float(hit.time_s),
                "kind": hit.kind,
                "weight": round(hit.weight, 3),
                "error_s": errors.get(hit.id),
            }
            for hit in record.hits
        ],
        "sch": record.metrics["sch"],
        "hits_heard": record.metrics["hits_heard"],
        "curve_correlation": record.metrics["curve_correlation"],
        "stages_s": clock.seconds,
        "notes": [*record.notes, *placed.notes],
    }
    if len(takes) > 1:
        result["takes"] = [
            {
                "take": str(take.folder),
                "wav": str(take.wav),
                "seed": take.record.seed,
                "sch": take.record.metrics["sch"],
                "rank": rank,
            }
            for rank, take in enumerate(takes, start=1)
        ]
    return result


def describe(result: dict[str, Any]) -> str:
    """The result as a person reads it."""
    sch = result["sch"]
    value = "no cuts" if sch["value"] is None else f"{sch['value']:.2f}"
    slowest, fastest = result["tempo_bpm"]
    lines = [
        f"Music     {result['wav']}",
        f"Timeline  {result['timeline']}",
        f"Take      {result['take']} (seed {result['seed']})",
        f"Prompt    {result['prompt']}",
        f"Tempo     {slowest:.0f}-{fastest:.0f} BPM",
        f"Sync      cuts on a beat within {sch['tolerance_s'] * 1000:.0f} ms {value} "
        f"(by chance {sch['chance']:.2f}); heavy hits heard within a frame {result['hits_heard']:.2f}",
        "Time      " + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result["stages_s"].items()),
    ]
    lines += [f"Other     rank {take['rank']}: {take['take']}" for take in result.get("takes", [])[1:]]
    return "\n".join([*lines, *(f"Note      {note}" for note in result["notes"])])
