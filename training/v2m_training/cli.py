"""`v2m-train`: compose a corpus, train the two stages on it, export the weights that ship.

Conventions: exit codes and errors as of `v2m` (see `v2m.errors`); progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from v2m.errors import MissingPartError, V2MError
from v2m_training.config import RunConfig, load_config

_EPILOG: Final = "Every command goes on from where an earlier run with the same settings was stopped."


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        run = load_config(arguments.config)
        for command in _ORDER if arguments.command == "all" else (arguments.command,):
            _run(command, run, arguments.midi if command == "corpus" else None)
    except V2MError as error:
        print(error.sentence(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped; run the same command to go on.", file=sys.stderr)
        return 130
    return 0


_ORDER: Final = ("corpus", "text-to-music", "curve", "export")

_HELP: Final = {
    "corpus": "compose and render the music to learn from",
    "text-to-music": "train the first stage: words and beats to music",
    "curve": "add the event curve's input and fine-tune with it",
    "export": "write the weights that ship: averaged, 16 bit",
    "all": "the four in turn",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="v2m-train", description=__doc__, epilog=_EPILOG)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in _HELP.items():
        command = commands.add_parser(name, help=text, description=text, epilog=_EPILOG)
        command.add_argument("--config", type=Path, metavar="FILE", help="settings of the run, in TOML")
        if name in ("corpus", "all"):
            command.add_argument(
                "--midi", type=Path, metavar="DIR", help="a folder of MIDI files that join the corpus"
            )
    return parser


def _run(command: str, run: RunConfig, midi: Path | None) -> None:
    if command == "corpus":
        _build_corpora(run, midi)
    elif command == "export":
        print(export(run))
    else:
        from v2m_training.train import train_stage

        print(train_stage(run, "curve" if command == "curve" else "text-to-music"))


def _build_corpora(run: RunConfig, midi: Path | None) -> None:
    from v2m_training.corpus import add_midi, build

    made = run.corpus
    if midi is not None:  # first: a folder that is of no use is told before the long work
        passed_over = add_midi(run.corpus_of("text-to-music"), midi, render=False)
        print(*passed_over, sep="\n", end="\n" if passed_over else "", file=sys.stderr)
        add_midi(run.corpus_of("curve"), midi)
    build(run.corpus_of("text-to-music"), made.pieces, made.seed, made.workers, render=False)
    build(run.corpus_of("curve"), made.curve_pieces, made.curve_seed, made.workers)


def export(run: RunConfig) -> Path:
    """Write the curve model's averaged weights as 16-bit floats, with the vocabulary they were trained on.

    Raises:
        MissingPartError: the curve stage has not been trained.
    """
    import torch

    from v2m.model.checkpoint import load_checkpoint, save_checkpoint
    from v2m.prompt.vocabulary import TERMS
    from v2m_training.train import weights_path

    trained = weights_path(run, "curve")
    if not trained.is_file():
        raise MissingPartError(f"{trained} is not there.", hint="Run `v2m-train curve` first.")
    checkpoint = load_checkpoint(trained)
    run.export_path.parent.mkdir(parents=True, exist_ok=True)
    notes = {**checkpoint.notes, "terms": json.dumps([term.name for term in TERMS])}
    # float16 keeps three more bits of a weight than bfloat16 in the same space, and no weight is near 65504.
    save_checkpoint(run.export_path, checkpoint.model, notes, torch.float16)
    return run.export_path
