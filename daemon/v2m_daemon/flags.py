"""The flags of the command line: groups that several commands share, and how their values are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from v2m_otio.exchange.kinds import FORMAT_NAMES

from v2m.errors import UsageError

N = TypeVar("N", int, float)


def _number(convert: Callable[[str], N], low: N, high: N, what: str = "") -> Callable[[str], N]:
    """Reads a number in low..high, both included."""

    def read(text: str) -> N:
        try:
            value = convert(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no {_KINDS[convert]}") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low:.15g} and {high:.15g}{what}")
        return value

    return read


_KINDS: Final[dict[object, str]] = {int: "whole number", float: "number"}
_unit = _number(float, 0.0, 1.0)
_strength = _number(float, 0.0, 2.0)
_takes = _number(int, 1, 16)
_steps = _number(int, 1, 1000)
seed = _number(int, 0, 2**53)
"""Beyond 2^53 the readers of JSON that count in doubles, as JavaScript's, would see another seed."""

priority = _number(int, -10, 10)
_bpm = _number(float, 60.0, 180.0, " beats a minute")
_loudness = _number(float, -40.0, -6.0, " LUFS")


bend = _number(float, 0.0, 25.0, " percent")
song_bpm = _number(float, 30.0, 300.0, " beats a minute")


def nudge(text: str) -> tuple[str, str]:
    """`OLD=NEW`, two times that are read later, when the frame rate is known."""
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW")
    return old, new


def intensity(text: str) -> tuple[str, float]:
    """`WHERE=AMOUNT`; the place is read later, when the take is known."""
    where, _, amount = text.rpartition("=")
    try:
        value = float(amount)
    except ValueError:
        value = float("nan")
    if not where or not -5 <= value <= 5:
        raise argparse.ArgumentTypeError(f"{text!r} is not WHERE=AMOUNT with an amount from -5 to 5")
    return where, value


def _path_map(text: str) -> tuple[str, str]:
    source, equals, target = text.partition("=")
    if not (source and equals and target):
        raise argparse.ArgumentTypeError(f"{text!r} is not FROM=TO")
    return source, target


def add_viewing(parser: argparse.ArgumentParser) -> None:
    """What is read, and what looks at it."""
    parser.add_argument("timeline", metavar="TIMELINE", help="a timeline document or a video file")
    parser.add_argument(
        "--picture", metavar="FILE", help="a render of the programme, looked at instead of its media"
    )
    parser.add_argument(
        "--encoder",
        metavar="NAME",
        default="auto",
        help="what looks at the picture: auto, pixel, flow, dinov2, vjepa2, cotracker, avsiam",
    )
    parser.add_argument("--in", dest="in_point", metavar="T", help="begin here: 12.5, 300f or a timecode")
    parser.add_argument("--out-point", metavar="T", help="end here")
    parser.add_argument(
        "--path-map", metavar="FROM=TO", action="append", default=[], type=_path_map,
        help="media under FROM lie under TO on this machine; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--frame-rate",
        metavar="FPS",
        help="frames a second of an EDL, which says none: 25, 29.97, 24000/1001",
    )


def add_reading(parser: argparse.ArgumentParser) -> None:
    """What is read, and what the beat may do."""
    add_viewing(parser)
    parser.add_argument("--tempo", type=_bpm, metavar="BPM", help="the tempo to stay near (60-180)")
    parser.add_argument("--tempo-freedom", type=_unit, metavar="0..1", help="0 a steady click, 1 free rubato")


def add_composing(parser: argparse.ArgumentParser) -> None:
    """How the music is made, and where it goes."""
    add_placing(parser)
    parser.add_argument(
        "--prompt", metavar="TEXT", help='such as "warm lo-fi with Rhodes, 84 BPM, in A minor"'
    )
    parser.add_argument(
        "--backbone", metavar="NAME", default="sketch",
        help="what composes: sketch, which is here, or a model that `v2m models add` brings",
    )  # fmt: skip
    parser.add_argument(
        "--adapter", metavar="FILE", help="what tells such a model the event curve, as it was trained for it"
    )
    parser.add_argument(
        "--lora-strength", type=_strength, default=1.0, metavar="0..2",
        help="how strongly the LoRA files of a Stable Audio 3 model change it",
    )  # fmt: skip
    parser.add_argument("--takes", type=_takes, default=1, metavar="N", help="how many to make (1-16)")
    parser.add_argument("--seed", type=seed, metavar="N", help="same seed, same music (default: drawn)")
    parser.add_argument(
        "--adherence", type=_unit, default=0.5, metavar="0..1", help="how closely to follow the curve"
    )
    parser.add_argument("--steps", type=_steps, metavar="N", help="sampling steps (default: the backbone's)")
    parser.add_argument("--soundfont", metavar="FILE", help="instruments to use, .sf2 or .sf3")


def add_describing(parser: argparse.ArgumentParser) -> None:
    """Who looks at a programme that nobody described, and what comes of it."""
    parser.add_argument(
        "--describe", action="store_true",
        help="show what is said and seen, and the prompt that is made of it, however long that takes",
    )  # fmt: skip
    parser.add_argument(
        "--description", metavar="FILE",
        help="keep these steps in a JSON file; edited ones stand, and null ones are made again",
    )  # fmt: skip
    parser.add_argument(
        "--watcher", metavar="NAME", default="", help="the model that looks: gemma-3-4b-it or qwen3-vl"
    )
    parser.add_argument(
        "--writer", metavar="NAME", default="", help="the model that writes the prompt: these or llama"
    )


def add_looks(parser: argparse.ArgumentParser) -> None:
    """What there is to look at beside the music."""
    parser.add_argument("--plot", metavar="FILE", help="draw the take, of several the best, into a PNG")
    parser.add_argument(
        "--no-report", dest="report", action="store_false", help="leave out report.html, which shows the take"
    )


def check_together(arguments: argparse.Namespace) -> None:
    """Refuse flags that make no sense beside each other.

    Raises:
        UsageError: it names them.
    """
    is_here = arguments.run == "v2m_daemon.commands.score"
    if is_here and (arguments.server or arguments.upload):
        raise UsageError("--server and --upload are for a daemon.", hint="Add --daemon.")
    if arguments.run == "v2m_daemon.commands.score_by_daemon" and (
        arguments.describe or arguments.description or arguments.watcher or arguments.writer
    ):
        raise UsageError(
            "--describe, --description, --watcher and --writer are not for a daemon.",
            hint="Run `v2m analyze TIMELINE --describe` first and give its words with --prompt.",
        )


def add_placing(parser: argparse.ArgumentParser) -> None:
    """Where the music of a timeline goes, and how loud it is."""
    parser.add_argument("--out", metavar="DIR", help="folder for the results (default: beside the timeline)")
    parser.add_argument("--loudness", type=_loudness, default=-16.0, metavar="LUFS", help="loudness target")
    parser.add_argument(
        "--to",
        metavar="FORMAT",
        default="otio",
        choices=FORMAT_NAMES,
        help=f"format of the timeline that comes back: {', '.join(FORMAT_NAMES)}",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results of the same name")


def add_changing(parser: argparse.ArgumentParser) -> None:
    """Where a take goes that is made from another."""
    parser.add_argument("--out", metavar="DIR", help="folder for the results (default: beside the take)")
    parser.add_argument("--overwrite", action="store_true", help="replace results of the same name")
    add_looks(parser)
    add_json(parser)


def add_server(parser: argparse.ArgumentParser) -> None:
    """Which daemon is called."""
    parser.add_argument("--server", metavar="HOST:PORT", default="", help="a daemon on another machine")
    parser.add_argument(
        "--token-file", metavar="FILE", type=Path, help="a copy of that daemon's token (default: our own)"
    )
    parser.add_argument(
        "--certificate", metavar="FILE", type=Path, help="PEM of whom to trust there (default: as the system)"
    )


def add_upload(parser: argparse.ArgumentParser) -> None:
    """How a daemon on another machine gets at the media."""
    parser.add_argument(
        "--upload", action="store_true", help="send timeline and media to the daemon, which cannot see them"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The flag that programs set."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
