"""`v2m-train fit`: its arguments, and what they ask."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

HELP = "fine-tune a model of sound on a prepared set"


def add_arguments(parser: ArgumentParser) -> None:
    """Tell a parser what the command takes."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="settings, in TOML")
    parser.add_argument("--ablation", type=Path, metavar="FILE", help="train each of its arms, in turn")
    parser.add_argument("--arm", metavar="NAME", help="only this arm of the ablation")
    parser.add_argument(
        "--dry-run", action="store_true", help="print memory, time and cost, and train nothing"
    )


def run(arguments: Namespace) -> str:
    """Train what was asked for; where the weights are, or what it would cost."""
    from v2m_training.fit.ablation import Ablation
    from v2m_training.fit.config import FitConfig
    from v2m_training.fit.run import dry_run, fit
    from v2m_training.settings import read_settings

    config = read_settings(FitConfig, arguments.config)
    runs = [config]
    if arguments.ablation:
        ablation = read_settings(Ablation, arguments.ablation)
        print(ablation.question, file=sys.stderr)
        runs = [ablation.run_of(config, arm) for arm in ablation.chosen(arguments.arm)]
    if arguments.dry_run:
        return "\n\n".join(str(dry_run(one)) for one in runs)
    return "\n".join(str(fit(one)) for one in runs)
