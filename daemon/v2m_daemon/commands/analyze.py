"""`v2m analyze`: what the music would follow, as JSON, as words, and as a picture."""

from __future__ import annotations

import argparse
import json
import sys

from v2m.analysis import Analysis
from v2m.plan import TempoWish, plan_beats
from v2m.prompt.words import read_prompt
from v2m.stages import StageClock
from v2m.timebase import frame_to_timecode, seconds_to_frame
from v2m_daemon.describing import described, description_words, of_description
from v2m_daemon.plotting import plot_path
from v2m_daemon.programme import Viewing, open_programme
from v2m_daemon.progress import show_progress
from v2m_daemon.results import of_analysis


def run(arguments: argparse.Namespace) -> int:
    """Analyse and print; 0 when it was done."""
    plot = plot_path(arguments)
    with show_progress(quiet=arguments.json) as progress:
        clock = StageClock(progress)
        with open_programme(Viewing.of(arguments), clock) as programme:
            analysis = described(programme, arguments, clock)
        with clock.stage("plan"):
            wish = TempoWish(arguments.tempo, arguments.tempo_freedom)
            plan = plan_beats(analysis, read_prompt(""), wish)
    if plot is not None:
        from v2m.report import plot_analysis  # matplotlib takes half a second to load

        plot_analysis(plot, analysis, plan.tempo_map)
    told = of_description(analysis)
    words = "\n".join([describe(analysis), *description_words(told)])
    print(json.dumps(of_analysis(analysis) | told) if arguments.json else words)
    if plot is not None:
        print(f"Plot: {plot}", file=sys.stderr)
    return 0


def describe(analysis: Analysis) -> str:
    """The analysis as a person reads it."""
    timeline = analysis.timeline
    rate = f"{float(timeline.rate):.3f}".rstrip("0").rstrip(".")
    lines = [
        f"{timeline.name or 'Timeline'}: {float(timeline.duration_s):.2f} s at {rate} frames a second, "
        f"{len(timeline.shots)} shots, {len(timeline.cuts)} cuts, {len(timeline.markers)} markers; "
        f"looked at by {analysis.encoder}",
    ]
    for hit in analysis.hits:
        frame = timeline.start_frame + seconds_to_frame(hit.time_s, timeline.rate)
        timecode = frame_to_timecode(frame, timeline.rate, drop_frame=timeline.drop_frame)
        lines.append(f"  {timecode}  {float(hit.time_s):9.3f} s  {hit.kind:<9}{hit.weight:.2f}  {hit.reason}")
    return "\n".join([*lines, *(f"Note: {note}" for note in analysis.notes)])
