"""`v2m fit`: a song of the user's own, laid under a timeline and placed there."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from v2m_otio.exchange.kinds import format_named
from v2m_otio.exchange.writing import base_bytes

from v2m.errors import InputError, UsageError
from v2m.fit import FitSettings, fit
from v2m.stages import StageClock
from v2m.take.shelf import Shelf
from v2m_daemon.fitting import fitted_words, of_fitting
from v2m_daemon.placing import place
from v2m_daemon.plotting import plot_best, plot_path
from v2m_daemon.programme import Viewing, open_programme
from v2m_daemon.progress import show_progress


def run(arguments: argparse.Namespace) -> int:
    """Fit and place; 0 when it was done."""
    song = Path(arguments.song)
    if not song.exists():
        raise InputError(f"There is no file {song}.", hint="The song comes first: v2m fit SONG TIMELINE.")
    settings = FitSettings(
        max_stretch=arguments.max_stretch / 100,
        edit=arguments.edit,
        tempo_bpm=arguments.tempo,
        loudness_lufs=arguments.loudness,
    )
    plot = plot_path(arguments)
    viewing = Viewing.of(arguments)
    out_dir = Path(arguments.out or viewing.path.parent).absolute()
    if out_dir.exists() and not out_dir.is_dir():
        raise UsageError(f"--out names {out_dir}, which is no folder.")
    stem = f"{viewing.path.stem}-fitted"
    with (
        show_progress(quiet=arguments.json) as progress,
        Shelf(out_dir, overwrite=arguments.overwrite) as shelf,
    ):
        clock = StageClock(progress)
        with open_programme(viewing, clock) as programme:
            base_bytes(programme.document, format_named(arguments.to))  # told now, not after all the work
            made = fit(
                song, programme.analysis, settings, shelf=shelf, stem=stem, sources=programme.sources,
                clock=clock, with_report=arguments.report,
            )  # fmt: skip
            placed = place(
                programme, [made], stem=stem, overwrite=arguments.overwrite, clock=clock, to=arguments.to
            )
    plot_best(made.folder, plot)
    result = of_fitting(made, placed, clock.seconds)
    print(json.dumps(result) if arguments.json else fitted_words(result))
    return 0
