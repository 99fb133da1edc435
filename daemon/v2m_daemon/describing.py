"""`--describe` and its kin: watching a programme that nobody described, each step to be seen and edited."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from v2m.analysis import Analysis
from v2m.prompt.watching.description import Description, read_description, write_description
from v2m.prompt.watching.unasked import Watchers, unasked
from v2m.stages import StageClock
from v2m_daemon.programme import Programme


def described(programme: Programme, arguments: argparse.Namespace, clock: StageClock) -> Analysis:
    """The analysis, with what the programme asks for where the flags want it described.

    Raises:
        InputError: the file of `--description` holds no description.
        UsageError: there is no such model.
        MissingPartError: a model that is named is not here.
        OutputWriteError: the description cannot be written.
        V2MError: a model cannot be used; see `v2m.errors`.
    """
    file = Path(arguments.description) if arguments.description else None
    if not (arguments.describe or file or arguments.watcher or arguments.writer):
        return programme.analysis
    start = read_description(file) if file is not None and file.exists() else Description()
    watchers = Watchers(arguments.watcher, arguments.writer, asked=True, start=start)
    picture = Path(arguments.picture) if arguments.picture else None
    with clock.stage("analyze") as report:
        words = unasked(programme.analysis, watchers, picture=picture, on_progress=report)
    if file is not None and words.description is not None and words.description != start:
        write_description(file, words.description)
    return replace(programme.analysis, words=words)


def of_description(analysis: Analysis) -> dict[str, Any]:
    """What `--json` adds where a description was asked for; empty where it was not."""
    words = analysis.words
    if words is None:
        return {}
    steps = words.description or Description(prompt=words.prompt)
    return {"description": {**steps.as_dict(), "note": words.note}}


def description_words(told: dict[str, Any]) -> list[str]:
    """The same as a person reads it, a line each."""
    if not told:
        return []
    steps = told["description"]
    lines = [f"  {caption['time_s']:8.2f} s  {caption['text']}" for caption in steps["captions"] or []]
    if steps["transcript"] is not None:
        lines = [f"Said      {steps['transcript'] or 'nothing'}", "Seen", *lines]
    if steps["summary"] is not None:
        lines.append(f"In short  {steps['summary']}")
    return [*lines, f"Asked for {steps['prompt']}", f"Note      {steps['note']}"]
