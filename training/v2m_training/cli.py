"""`v2m-train`: teach a model of sound to follow picture, and train the embedded one.

    prepare, fit, export RUN               a pretrained model of sound, on music of one's own
    corpus, text-to-music, curve, export   the embedded `sketch`, on music that is composed for it

Conventions: exit codes and errors as of `v2m` (see `v2m.errors`); progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import v2m_training.export.command
import v2m_training.fit.command
import v2m_training.prepare.command
from v2m.errors import MissingPartError, V2MError
from v2m_training.config import RunConfig, load_config

_EPILOG: Final = "Every command goes on from where an earlier run with the same settings was stopped."


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "prepare":
            print(v2m_training.prepare.command.run(arguments))
        elif arguments.command == "fit":
            print(v2m_training.fit.command.run(arguments))
        elif arguments.command == "export" and arguments.run is not None:
            print(v2m_training.export.command.run(arguments.run, arguments.out))
        else:
            _run_sketch(arguments)
    except V2MError as error:
        print(error.sentence(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped; run the same command to go on.", file=sys.stderr)
        return 130
    return 0


_ORDER: Final = ("corpus", "text-to-music", "curve", "export")

_HELP: Final = {
    "corpus": "sketch: compose and render the music to learn from",
    "text-to-music": "sketch: train the first stage, words and beats to music",
    "curve": "sketch: add the event curve's input and fine-tune with it",
    "export": "write an adapter and its card, or sketch's weights that ship",
    "all": "sketch: its four commands in turn",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="v2m-train", description="Teach a model of sound to follow picture, or train the embedded one.",
        epilog=_EPILOG,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (v2m_training.prepare.command, v2m_training.fit.command):
        name = module.__name__.split(".")[-2]
        module.add_arguments(
            commands.add_parser(name, help=module.HELP, description=module.HELP, epilog=_EPILOG)
        )
    for name, text in _HELP.items():
        command = commands.add_parser(name, help=text, description=text, epilog=_EPILOG)
        command.add_argument("--config", type=Path, metavar="FILE", help="settings of sketch's run, in TOML")
        if name in ("corpus", "all"):
            command.add_argument(
                "--midi", type=Path, metavar="DIR", help="a folder of MIDI files that join the corpus"
            )
        if name == "export":
            v2m_training.export.command.add_arguments(command)
    return parser


def _run_sketch(arguments: argparse.Namespace) -> None:
    run, first = load_config(arguments.config), arguments.command
    for command in _ORDER if first == "all" else (first,):
        _run(command, run, arguments.midi if command == "corpus" else None)


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
