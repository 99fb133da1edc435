"""`v2m retime`: the same music for hits that are elsewhere now."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from v2m.errors import UsageError
from v2m.retime import plan_of
from v2m.retime.telling import plan_words, told_plan
from v2m.sound_take.opened import open_take
from v2m.stages import StageClock
from v2m.take.shelf import Shelf
from v2m_daemon.homecoming import programme_for, stem_of
from v2m_daemon.placing import place
from v2m_daemon.plotting import plot_best, plot_path
from v2m_daemon.progress import show_progress
from v2m_daemon.restyling import retiming
from v2m_daemon.results import of_scoring
from v2m_daemon.retiming import Wish, read_wish
from v2m_daemon.telling import scored_words


def run(arguments: argparse.Namespace) -> int:
    """Plan, tell, and do it; 0 when it was done."""
    wish = Wish(
        tuple(arguments.nudge),
        Path(arguments.timeline) if arguments.timeline else None,
        arguments.max_bend / 100,
    )
    if bool(wish.nudges) == (wish.timeline is not None):
        raise UsageError("`v2m retime` needs either --nudge or --timeline.")
    plot = plot_path(arguments)
    take = open_take(Path(arguments.take))
    with read_wish(take, wish) as asked:
        take, plan = asked.take, asked.retiming.plan
        since = plan_of(take.record)
        if not arguments.json:
            print(plan_words(plan, take.record, since), file=sys.stdout if arguments.plan else sys.stderr)
        told = told_plan(plan, take.record, since)
        if arguments.plan:
            if arguments.json:
                print(json.dumps({"plan": told}))
            return 0
        out_dir = Path(arguments.out).absolute() if arguments.out else take.folder.absolute().parent
        stem = stem_of(take, "retimed")
        with (
            show_progress(quiet=arguments.json) as progress,
            Shelf(out_dir, overwrite=arguments.overwrite) as shelf,
        ):
            clock = StageClock(progress)
            make = retiming(take, asked.retiming)
            made = make(shelf=shelf, stem=stem, clock=clock, with_report=arguments.report)
            placed = None
            if asked.document is not None:
                programme = programme_for(asked.document, made.record, asked.start_s)
                placed = place(programme, [made], stem=stem, overwrite=arguments.overwrite, clock=clock)
    plot_best(made.folder, plot)
    result = {**of_scoring([made], placed, clock.seconds), "plan": told}
    print(json.dumps(result) if arguments.json else scored_words(result))
    return 0
