"""The command line: `v2m score`, `v2m serve` and the rest, one parser each.

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
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

from v2m import __version__
from v2m.errors import CancelledError, UsageError, V2MError
from v2m_daemon import flags
from v2m_daemon.commands.evaluate_flags import add_evaluate

Command = Callable[[argparse.Namespace], int]
Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"


class _Parser(argparse.ArgumentParser):
    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        # abbreviated flags would change their meaning with every flag that is added
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> None:  # type: ignore[override]
        """Wrong use goes the same way as every other error."""
        raise UsageError(message[:1].upper() + message[1:] + ".", hint=f"See `{self.prog} --help`.")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(prog="v2m", description="Music that hits the cuts of your timeline.")
    parser.add_argument("--version", action="version", version=f"v2m {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_score(commands)
    _add_retime(commands)
    _add_restyle(commands)
    _add_fit(commands)
    _add_takes(commands)
    _add_take(commands)
    _add_report(commands)
    _add_analyze(commands)
    _add_serve(commands)
    _add_submit(commands)
    _add_jobs(commands)
    _add_watch_job(commands)
    _add_cancel(commands)
    _add_watch(commands)
    _add_models(commands)
    _add_install_resolve(commands)
    add_evaluate(commands)
    doctor = commands.add_parser("doctor", help="say what is here, what is missing and how to get it")
    flags.add_json(doctor)
    doctor.set_defaults(run="v2m_daemon.commands.doctor")
    return parser


def _add_models(commands: Commands) -> None:
    models = commands.add_parser("models", help="list, add, verify or remove models and SoundFonts")
    models.add_argument("action", metavar="ACTION", choices=["list", "add", "verify", "remove"],
                        help="list, add, verify or remove")  # fmt: skip
    models.add_argument("name", metavar="NAME", nargs="?", help="which one; list and verify take all")
    models.add_argument("path", metavar="PATH", nargs="?", help="add: a file or folder that is here already")
    models.add_argument(
        "--accept-licence", "--accept", dest="accept", action="store_true",
        help="add: accept the licence that is shown",
    )  # fmt: skip
    models.add_argument(
        "--non-commercial", action="store_true",
        help="add: what is made with it earns no money, where its licence wants that",
    )  # fmt: skip
    models.add_argument("--link", action="store_true", help="add PATH: link to the files, copy nothing")
    flags.add_json(models)
    models.set_defaults(run="v2m_daemon.commands.models")


def _add_install_resolve(commands: Commands) -> None:
    install = commands.add_parser("install-resolve", help="put V2M into the menu of DaVinci Resolve")
    where = install.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="for you (the default)")
    where.add_argument("--all", action="store_true", help="for everybody on this machine")
    where.add_argument("--remove", action="store_true", help="take all of V2M's entries out instead")
    install.add_argument("--to", metavar="DIR", help="into this script folder, where Resolve lies elsewhere")
    install.add_argument("--music", metavar="DIR", help="folder for the music (default: among your music)")
    flags.add_json(install)
    install.set_defaults(run="v2m_daemon.commands.install_resolve")


def _add_score(commands: Commands) -> None:
    score = commands.add_parser("score", help="compose music for a timeline and place it there")
    flags.add_reading(score)
    flags.add_composing(score)
    flags.add_describing(score)
    flags.add_looks(score)
    score.set_defaults(run="v2m_daemon.commands.score")
    score.add_argument(
        "--daemon", action="store_const", dest="run", const="v2m_daemon.commands.score_by_daemon",
        help="let a running daemon do it, whose model is warm",
    )  # fmt: skip
    flags.add_server(score)
    flags.add_upload(score)
    flags.add_json(score)


def _add_retime(commands: Commands) -> None:
    retime = commands.add_parser("retime", help="move hits of a take; the music stays, sample for sample")
    retime.add_argument("take", metavar="TAKE", help="a folder NAME.v2m")
    what = retime.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--nudge", metavar="OLD=NEW", action="append", default=[], type=flags.nudge,
        help="the hit at OLD goes to NEW: seconds, frames (120f) or timecode; may be given again",
    )  # fmt: skip
    what.add_argument("--timeline", metavar="NEW", help="the timeline as it is cut now")
    flags.add_changing(retime)
    retime.add_argument(
        "--max-bend", metavar="PERCENT", type=flags.bend, default=4.0,
        help="how far a beat may stretch before music is composed again (default 4)",
    )  # fmt: skip
    retime.add_argument("--plan", action="store_true", help="only say what would be done")
    retime.set_defaults(run="v2m_daemon.commands.retime")


def _add_restyle(commands: Commands) -> None:
    restyle = commands.add_parser(
        "restyle", help="other music on a take's beats, with locked parts as they were"
    )
    restyle.add_argument("take", metavar="TAKE", help="a folder NAME.v2m")
    restyle.add_argument("--prompt", metavar="TEXT", help="the new words (default: the take's own)")
    restyle.add_argument(
        "--range", dest="span", metavar="A:B", help="compose this span again, and nothing else"
    )
    parts = "drums, bass, harmony, melody, extras, or rhythm for drums and bass; may be given again"
    for name, what in (
        ("--lock", "keep these parts sample for sample"),
        ("--only", "make these parts again and keep all others"),
        ("--mute", "leave these parts out of the mix"),
        ("--solo", "leave all other parts out of the mix"),
    ):
        restyle.add_argument(name, metavar="PART", action="append", default=[], help=f"{what}: {parts}")
    restyle.add_argument(
        "--intensity", metavar="WHERE=AMOUNT", action="append", default=[], type=flags.intensity,
        help="more (1) or less (-1) happens in the range A:B or at a hit; may be given again",
    )  # fmt: skip
    restyle.add_argument(
        "--seed", type=flags.seed, metavar="N", help="same seed, same music (default: the take's)"
    )
    flags.add_changing(restyle)
    restyle.set_defaults(run="v2m_daemon.commands.restyle")


def _add_fit(commands: Commands) -> None:
    fit = commands.add_parser("fit", help="lay a song of your own under a timeline, its beats on the hits")
    fit.add_argument("song", metavar="SONG", help="a sound file: wav, mp3, flac, m4a, ogg …")
    flags.add_viewing(fit)
    fit.add_argument(
        "--edit", action="store_true", help="allow cuts at bar lines: bars repeat, or are left out"
    )
    fit.add_argument(
        "--max-stretch", metavar="PERCENT", type=flags.bend, default=6.0,
        help="how far the song may be stretched or squeezed (default 6)",
    )  # fmt: skip
    fit.add_argument(
        "--tempo", metavar="BPM", type=flags.song_bpm, help="the song's tempo, where it is not found right"
    )
    flags.add_placing(fit)
    flags.add_looks(fit)
    flags.add_json(fit)
    fit.set_defaults(run="v2m_daemon.commands.fit")


def _add_takes(commands: Commands) -> None:
    takes = commands.add_parser(
        "takes", help="list takes: which was made from which, what was asked, their size"
    )
    takes.add_argument("folder", metavar="DIR", nargs="?", default=".", help="where they lie (default: here)")
    takes.add_argument(
        "--delete", metavar="NAME", action="append", default=[], help="delete this take for good"
    )
    takes.add_argument("--yes", action="store_true", help="delete without a question")
    flags.add_json(takes)
    takes.set_defaults(run="v2m_daemon.commands.takes")


def _add_take(commands: Commands) -> None:
    take = commands.add_parser("take", help="make takes again from their folders and compare")
    take.add_argument("action", metavar="ACTION", choices=["verify"], help="verify")
    take.add_argument("takes", metavar="TAKE", nargs="+", help="a folder NAME.v2m")
    take.add_argument("--compose", action="store_true", help="compose again too, on the same kind of device")
    flags.add_json(take)
    take.set_defaults(run="v2m_daemon.commands.take")


def _add_report(commands: Commands) -> None:
    report = commands.add_parser("report", help="make the page again that shows a take")
    report.add_argument("takes", metavar="TAKE", nargs="+", help="a folder NAME.v2m")
    report.add_argument("--plot", metavar="FILE", help="draw the same into a PNG, of one take")
    report.add_argument("--overwrite", action="store_true", help="replace an existing picture")
    flags.add_json(report)
    report.set_defaults(run="v2m_daemon.commands.report")


def _add_analyze(commands: Commands) -> None:
    analyze = commands.add_parser("analyze", help="show what the music would follow")
    flags.add_reading(analyze)
    flags.add_describing(analyze)
    analyze.add_argument("--plot", metavar="FILE", help="draw curve, cuts, beats and hits into a PNG")
    analyze.add_argument("--overwrite", action="store_true", help="replace an existing picture")
    flags.add_json(analyze)
    analyze.set_defaults(run="v2m_daemon.commands.analyze")


def _add_serve(commands: Commands) -> None:
    serve = commands.add_parser("serve", help="run the daemon, in the foreground")
    serve.add_argument(
        "--listen", metavar="ADDRESS", help="unix: or HOST:PORT (default: the configuration's)"
    )
    serve.add_argument(
        "--executor", metavar="NAME", help="what does the jobs: local, or ray://HOST:PORT for a cluster"
    )
    serve.add_argument("--home", metavar="DIR", help="all state in this folder (default: as V2M_HOME says)")
    what = serve.add_mutually_exclusive_group()
    what.add_argument(
        "--install", action="store_true", help="let it start with every login instead, and start it now"
    )
    what.add_argument("--uninstall", action="store_true", help="undo --install; jobs and settings stay")
    serve.set_defaults(run="v2m_daemon.commands.serve")


def _add_submit(commands: Commands) -> None:
    submit = commands.add_parser("submit", help="hand a timeline to the daemon and go")
    flags.add_reading(submit)
    flags.add_composing(submit)
    submit.add_argument(
        "--client", metavar="NAME", default="cli", help="who asks; clients are served in turn"
    )
    submit.add_argument(
        "--priority", metavar="N", type=flags.priority, default=0, help="-10 to 10; a higher one goes first"
    )
    submit.add_argument(
        "--request-id", metavar="ID", default="", help="a second submit with the same one is the same job"
    )
    flags.add_server(submit)
    flags.add_upload(submit)
    flags.add_json(submit)
    submit.set_defaults(run="v2m_daemon.commands.submit")


def _add_jobs(commands: Commands) -> None:
    jobs = commands.add_parser("jobs", help="list the daemon's jobs, newest first")
    jobs.add_argument(
        "--state", metavar="STATE", action="append", default=[],
        choices=["queued", "waiting_media", "running", "done", "failed", "cancelled"],
        help="only jobs in this state; may be given again",
    )  # fmt: skip
    jobs.add_argument("--client", metavar="NAME", default="", help="only jobs of this client")
    flags.add_server(jobs)
    flags.add_json(jobs)
    jobs.set_defaults(run="v2m_daemon.commands.jobs")


def _add_watch_job(commands: Commands) -> None:
    watch = commands.add_parser("watch-job", help="follow a job to its end")
    watch.add_argument("job", metavar="JOB", help="as `v2m submit` or `v2m jobs` told it")
    watch.add_argument(
        "--fetch", metavar="DIR", type=Path, help="bring the results from the daemon's machine to this folder"
    )
    watch.add_argument("--overwrite", action="store_true", help="replace results of the same name there")
    flags.add_server(watch)
    flags.add_json(watch)
    watch.set_defaults(run="v2m_daemon.commands.watch_job")


def _add_cancel(commands: Commands) -> None:
    cancel = commands.add_parser("cancel", help="stop jobs")
    cancel.add_argument("jobs", metavar="JOB", nargs="+", help="as `v2m submit` or `v2m jobs` told it")
    flags.add_server(cancel)
    flags.add_json(cancel)
    cancel.set_defaults(run="v2m_daemon.commands.cancel")


def _add_watch(commands: Commands) -> None:
    watch = commands.add_parser("watch", help="score what is dropped into a folder, without a daemon")
    watch.add_argument("folder", metavar="DIR", help="timelines and videos that lie there or come are scored")
    watch.add_argument(
        "--polling", action="store_true", help="look again and again, where the system tells of no changes"
    )
    watch.add_argument("--once", action="store_true", help="end when everything that lies there is done")
    watch.set_defaults(run="v2m_daemon.commands.watch")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches the user.

    Args:
        argv: the arguments; None for those of the process, whose streams and signals are then ours to set.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        _prepare_streams()
        _prepare_signals()
        _prepare_threads()
    try:
        namespace = build_parser().parse_args(arguments)
        flags.check_together(namespace)  # before a command loads what it needs
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


def _prepare_threads() -> None:
    """Threads of numerical libraries that wait for each other sleep, and do not keep the cores from others.

    A machine that edits pictures is busy: beside two other programs on two cores, composing a minute took
    ten times as long while they turned in circles. NumPy's products here are too short to be shared at all.
    The libraries read this when they are loaded, and a worker inherits it; who sets it otherwise is heeded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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
