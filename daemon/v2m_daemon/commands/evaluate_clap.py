"""`v2m evaluate clap`: how well music fits the words that it was asked with."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from v2m.errors import UsageError
from v2m.evaluation.readers.listing import read_rows
from v2m.metrics.beats import read_mono
from v2m.metrics.clap import CLAP, RATE_HZ
from v2m_daemon.commands.evaluate_files import audio_files


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 0 when it was done."""
    audio = audio_files(arguments.audio)
    prompts = _prompts(arguments, audio)
    network = CLAP(Path(arguments.model), arguments.device, arguments.loudness)
    found = network.score([read_mono(audio[clip], RATE_HZ) for clip in prompts], list(prompts.values()))
    if arguments.json:
        clips = dict(zip(prompts, found.scores, strict=True))
        print(
            json.dumps(
                {name: value for name, value in asdict(found).items() if name != "scores"} | {"clips": clips}
            )
        )
    else:
        how = f"{found.checkpoint}, {'with' if found.fusion else 'without'} fusion, {found.loudness}"
        print(f"CLAP {found.mean:.4f} over {len(prompts)} clips; {how}.")
    return 0


def _prompts(arguments: argparse.Namespace, audio: dict[str, Path]) -> dict[str, str]:
    """The words of each clip that has some."""
    if (arguments.prompts is None) == (arguments.prompt is None):
        raise UsageError("Give either --prompts FILE or --prompt TEXT.")
    if arguments.prompt is not None:
        return dict.fromkeys(audio, arguments.prompt)
    rows = read_rows(Path(arguments.prompts), ("id", "prompt"))
    told = {row["id"]: row["prompt"] for row in rows if row["id"] in audio}
    if not told:
        raise UsageError("No id in the list is the name of a sound file.")
    return told
