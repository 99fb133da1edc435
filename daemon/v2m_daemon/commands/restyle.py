"""`v2m restyle`: other music on the same beats, with what is locked as it was."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from v2m.sound_take.opened import open_take
from v2m.stages import StageClock
from v2m.take.shelf import Shelf
from v2m_daemon.homecoming import homecoming, programme_for, stem_of
from v2m_daemon.placing import place
from v2m_daemon.plotting import plot_best, plot_path
from v2m_daemon.progress import show_progress
from v2m_daemon.restyling import StyleWish, changing
from v2m_daemon.results import of_scoring
from v2m_daemon.telling import scored_words


def run(arguments: argparse.Namespace) -> int:
    """Restyle and place; 0 when it was done."""
    plot = plot_path(arguments)
    take = open_take(Path(arguments.take))
    wish = StyleWish(
        prompt=arguments.prompt,
        lock=tuple(arguments.lock),
        only=tuple(arguments.only),
        mute=tuple(arguments.mute),
        solo=tuple(arguments.solo),
        seed=arguments.seed,
        intensity=tuple(arguments.intensity),
        span=arguments.span,
    )
    change = changing(take, wish)
    if change.words and not arguments.json:
        print(change.words, file=sys.stderr)
    out_dir = Path(arguments.out).absolute() if arguments.out else take.folder.absolute().parent
    stem = stem_of(take, "restyled")
    with (
        homecoming(take) as document,
        show_progress(quiet=arguments.json) as progress,
        Shelf(out_dir, overwrite=arguments.overwrite) as shelf,
    ):
        clock = StageClock(progress)
        made = change.make(shelf=shelf, stem=stem, clock=clock, with_report=arguments.report)
        placed = None
        if document is not None:
            programme = programme_for(document, made.record)
            placed = place(programme, [made], stem=stem, overwrite=arguments.overwrite, clock=clock)
    plot_best(made.folder, plot)
    result = {**of_scoring([made], placed, clock.seconds), **change.told}
    print(json.dumps(result) if arguments.json else scored_words(result))
    return 0
