"""The command line: `v2m score | analyze | doctor`.

Conventions: results go to stdout, progress and words to stderr; `--json` prints one object on stdout and
nothing else; an error is one sentence on stderr and, with `--json`, an object with code, message, detail
and hint. Exit codes are those of `v2m.errors`. Nothing heavy is imported before a command is chosen.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from types import FrameType
from typing import Any, Final, TypeVar

from v2m import __version__
from v2m.errors import CancelledError, UsageError, V2MError

Command = Callable[[argparse.Namespace], int]
N = TypeVar("N", int, float)


class _Parser(argparse.ArgumentParser):
    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        # abbreviated flags would change their meaning with every flag that is added
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> None:  # type: ignore[override]
        """Wrong use goes the same way as every other error."""
        raise UsageError(message[:1].upper() + message[1:] + ".", hint=f"See `{self.prog} --help`.")


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
_takes = _number(int, 1, 16)
_steps = _number(int, 1, 1000)
_seed = _number(int, 0, 2**53)
"""Beyond 2^53 the readers of JSON that count in doubles, as JavaScript's, would see another seed."""

_bpm = _number(float, 60.0, 180.0, " beats a minute")
_loudness = _number(float, -40.0, -6.0, " LUFS")


def _path_map(text: str) -> tuple[str, str]:
    source, equals, target = text.partition("=")
    if not (source and equals and target):
        raise argparse.ArgumentTypeError(f"{text!r} is not FROM=TO")
    return source, target


def _add_reading_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help=".otio, .otioz, .otiod or a video file")
    parser.add_argument(
        "--picture", metavar="FILE", help="a render of the programme, looked at instead of its media"
    )
    parser.add_argument("--encoder", metavar="NAME", default="pixel", help="what looks at the picture")
    parser.add_argument("--in", dest="in_point", metavar="T", help="begin here: 12.5, 300f or a timecode")
    parser.add_argument("--out-point", metavar="T", help="end here")
    parser.add_argument(
        "--path-map", metavar="FROM=TO", action="append", default=[], type=_path_map,
        help="media under FROM lie under TO on this machine; may be given again",
    )  # fmt: skip
    parser.add_argument("--tempo", type=_bpm, metavar="BPM", help="the tempo to stay near (60-180)")
    parser.add_argument("--tempo-freedom", type=_unit, metavar="0..1", help="0 a steady click, 1 free rubato")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(prog="v2m", description="Music that hits the cuts of your timeline.")
    parser.add_argument("--version", action="version", version=f"v2m {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    score = commands.add_parser("score", help="compose music for a timeline and place it there")
    _add_reading_flags(score)
    score.add_argument("--out", metavar="DIR", help="folder for the results (default: beside the timeline)")
    score.add_argument(
        "--prompt", metavar="TEXT", help='such as "warm lo-fi with Rhodes, 84 BPM, in A minor"'
    )
    score.add_argument("--backbone", metavar="NAME", default="sketch", help="what composes (sketch)")
    score.add_argument("--takes", type=_takes, default=1, metavar="N", help="how many to make (1-16)")
    score.add_argument("--seed", type=_seed, metavar="N", help="same seed, same music (default: drawn)")
    score.add_argument(
        "--adherence", type=_unit, default=0.5, metavar="0..1", help="how closely to follow the curve"
    )
    score.add_argument("--steps", type=_steps, metavar="N", help="sampling steps (default: the backbone's)")
    score.add_argument("--loudness", type=_loudness, default=-16.0, metavar="LUFS", help="loudness target")
    score.add_argument("--soundfont", metavar="FILE", help="instruments to use, .sf2 or .sf3")
    score.add_argument(
        "--to", metavar="FORMAT", default="otio", choices=["otio"], help="format of the result"
    )
    score.add_argument("--overwrite", action="store_true", help="replace results of the same name")
    score.set_defaults(run="v2m_daemon.commands.score")

    analyze = commands.add_parser("analyze", help="show what the music would follow")
    _add_reading_flags(analyze)
    analyze.add_argument("--plot", metavar="FILE", help="draw curve, cuts, beats and hits into a PNG")
    analyze.add_argument("--overwrite", action="store_true", help="replace an existing picture")
    analyze.set_defaults(run="v2m_daemon.commands.analyze")

    doctor = commands.add_parser("doctor", help="say what is here, what is missing and how to get it")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.set_defaults(run="v2m_daemon.commands.doctor")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches the user.

    Args:
        argv: the arguments; None for those of the process, whose streams and signals are then ours to set.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        _prepare_streams()
        _prepare_signals()
    try:
        namespace = build_parser().parse_args(arguments)
        command: Command = import_module(namespace.run).run
        code = command(namespace)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a closed pipe is expected, and not while Python shuts down
        return code
    except V2MError as error:
        return _report(error, as_json="--json" in arguments)
    except KeyboardInterrupt:
        return _report(CancelledError("Cancelled; nothing was left behind."), as_json="--json" in arguments)
    except BrokenPipeError:
        _forget_output()
        return 4  # whoever read our output has gone
    except Exception as error:
        return _report(_unexpected(error), as_json="--json" in arguments)


def _prepare_streams() -> None:
    """Names of files may hold what a terminal's or a pipe's encoding cannot say: that is no failure."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _prepare_signals() -> None:
    """Being told to stop, or a terminal that closes, ends as Ctrl-C does: with nothing left behind."""
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)  # each system has others
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # nohup is respected
            signal.signal(number, _interrupt)


def _forget_output() -> None:
    """Send what is still buffered nowhere, else Python complains of the closed pipe as it ends."""
    with contextlib.suppress(OSError, ValueError):  # in a host that put an object of its own there
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _unexpected(error: Exception) -> V2MError:
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    return V2MError(
        f"Something went wrong inside v2m: {type(error).__name__}: {error}.",
        hint="Please report it with the output of `v2m doctor`.",
        detail=f"{last.filename}:{last.lineno} in {last.name}",
    )


def _report(error: V2MError, *, as_json: bool) -> int:
    if sys.stderr is not None:  # closed by whoever started us
        print(f"v2m: {error.sentence()}", file=sys.stderr)
        if error.code == "internal" and error.detail:
            print(f"v2m: at {error.detail}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": error.as_dict()}))
    return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
