"""`v2m score`: compose music for a timeline and place it there."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from v2m.codecs.soundfont import find_soundfont
from v2m.errors import UsageError
from v2m.score import ScoreSettings, score
from v2m.shelf import Shelf
from v2m.stages import StageClock
from v2m_daemon.placing import place
from v2m_daemon.programme import Viewing, open_programme
from v2m_daemon.progress import show_progress
from v2m_daemon.results import of_scoring


def run(arguments: argparse.Namespace) -> int:
    """Score and place; 0 when it was done."""
    settings = _settings(arguments)
    viewing = Viewing.of(arguments)
    find_soundfont(settings.soundfont)  # told now rather than after minutes of looking at the picture
    stem = Path(arguments.timeline).stem
    out_dir = Path(arguments.out) if arguments.out else Path(arguments.timeline).absolute().parent
    if out_dir.exists() and not out_dir.is_dir():
        raise UsageError(f"--out names {out_dir}, which is no folder.")
    with (
        show_progress(quiet=arguments.json) as progress,
        Shelf(out_dir, overwrite=arguments.overwrite) as shelf,
    ):
        clock = StageClock(progress)
        with open_programme(viewing, clock) as programme:
            takes = score(
                programme.analysis, settings, shelf=shelf, stem=stem, sources=programme.sources, clock=clock
            )  # fmt: skip
            placed = place(programme, takes, stem=stem, overwrite=arguments.overwrite, clock=clock)
    result = of_scoring(takes, placed, clock.seconds)
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
