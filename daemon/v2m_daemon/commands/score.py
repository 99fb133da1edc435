"""`v2m score`: compose music for a timeline and place it there."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from v2m_otio.exchange.kinds import format_named
from v2m_otio.exchange.writing import base_bytes

from v2m.backbones import check_backbone, composes_sound
from v2m.codecs.soundfont import find_soundfont
from v2m.errors import UsageError
from v2m.score import ScoreSettings, score
from v2m.stages import StageClock
from v2m.take.shelf import Shelf
from v2m_daemon.describing import described, description_words, of_description
from v2m_daemon.placing import place
from v2m_daemon.plotting import plot_best, plot_path
from v2m_daemon.programme import Viewing, open_programme
from v2m_daemon.progress import show_progress
from v2m_daemon.results import of_scoring
from v2m_daemon.telling import scored_words


def run(arguments: argparse.Namespace) -> int:
    """Score and place; 0 when it was done."""
    settings = _settings(arguments)
    plot = plot_path(arguments)
    viewing = Viewing.of(arguments)
    check_backbone(
        settings.backbone, settings.adapter, settings.lora_strength
    )  # now rather than after minutes of looking
    if not composes_sound(settings.backbone):
        find_soundfont(settings.soundfont)
    stem = Path(arguments.timeline).stem
    out_dir = Path(arguments.out or Path(arguments.timeline).parent).absolute()
    if out_dir.exists() and not out_dir.is_dir():
        raise UsageError(f"--out names {out_dir}, which is no folder.")
    with (
        show_progress(quiet=arguments.json) as progress,
        Shelf(out_dir, overwrite=arguments.overwrite) as shelf,
    ):
        clock = StageClock(progress)
        with open_programme(viewing, clock) as programme:
            base_bytes(programme.document, format_named(arguments.to))  # nor after minutes of composing
            analysis = described(programme, arguments, clock)
            takes = score(
                analysis, settings, shelf=shelf, stem=stem, sources=programme.sources, clock=clock,
                with_report=arguments.report,
            )  # fmt: skip
            placed = place(
                programme, takes, stem=stem, overwrite=arguments.overwrite, clock=clock, to=arguments.to
            )
    plot_best(takes[0].folder, plot)
    told = of_description(analysis)
    result = of_scoring(takes, placed, clock.seconds) | told
    words = "\n".join([*description_words(told), scored_words(result)])
    print(json.dumps(result) if arguments.json else words)
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
        adapter=Path(arguments.adapter) if arguments.adapter else None,
        lora_strength=arguments.lora_strength,
    )
