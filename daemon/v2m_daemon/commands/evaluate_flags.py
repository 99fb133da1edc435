"""The flags of `v2m evaluate`: a parser for each thing that can be measured. Nothing heavy is imported."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from v2m_daemon import flags

if TYPE_CHECKING:
    from v2m_daemon.cli import Commands

    Parser = argparse.ArgumentParser

_AUDIO = "a sound file, or a folder of them named by clip"
_VIDEO = "a video, or a folder of them named as the sound is"


def add_evaluate(commands: Commands) -> None:
    """Add `evaluate` and what it measures."""
    evaluate = commands.add_parser(
        "evaluate", help="measure music against cuts, dance, words and other music; compare peers; ask people"
    )
    kinds: Any = evaluate.add_subparsers(dest="kind", metavar="WHAT", required=True)
    for add in (
        _add_sch, _add_hit, _add_dance, _add_fad, _add_clap, _add_curves, _add_robustness, _add_three_way,
        _add_table, _add_listen,
    ):  # fmt: skip
        add(kinds)


def _kind(kinds: Any, name: str, module: str, words: str) -> Parser:  # noqa: ANN401 - argparse's own
    parser: Parser = kinds.add_parser(name, help=words)
    flags.add_json(parser)
    parser.set_defaults(run=f"v2m_daemon.commands.{module}")
    return parser


def _add_sch(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    sch = _kind(kinds, "sch", "evaluate_cuts", "Scene Cut Hit: the share of cuts with a beat near them")
    _add_cuts(sch)
    sch.add_argument("--tolerances", metavar="MS", default="50,70,100,200", help="milliseconds, by commas")


def _add_hit(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    hit = _kind(kinds, "hit", "evaluate_cuts", "the share of cuts with an onset within one frame")
    _add_cuts(hit)
    hit.add_argument(
        "--rate", metavar="FPS", help="frame rate (default: the video's; needed with --cuts alone)"
    )


def _add_cuts(parser: Parser) -> None:
    parser.add_argument("--audio", metavar="PATH", required=True, help=_AUDIO)
    parser.add_argument("--video", metavar="PATH", help=_VIDEO)
    parser.add_argument(
        "--cuts", metavar="PATH", help="cuts in seconds, one a line (.txt) or as JSON, per clip"
    )
    parser.add_argument(
        "--detector", choices=["content", "adaptive", "v2m"], default="content",
        help="who finds the cuts: PySceneDetect's with its defaults, or ours (default content)",
    )  # fmt: skip


def _add_dance(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    dance = _kind(kinds, "dance", "evaluate_dance", "beats of music against beats of dance: BCS, BHS, F1, TD")
    dance.add_argument("--audio", metavar="PATH", required=True, help=_AUDIO)
    dance.add_argument("--video", metavar="PATH", help=f"{_VIDEO}; its motion beats are the reference")
    dance.add_argument(
        "--poses", metavar="PATH", help="joints (t, joints, 2 or 3) as .npy in place of the picture"
    )
    dance.add_argument(
        "--poses-rate", metavar="HZ", type=float, default=60.0, help="poses a second (default 60)"
    )
    dance.add_argument(
        "--reference", metavar="PATH", help="the original music, for the two older definitions"
    )


def _add_fad(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    fad = _kind(kinds, "fad", "evaluate_fad", "how far a body of music lies from another one (VGGish)")
    fad.add_argument("--audio", metavar="DIR", required=True, help="a folder of music")
    fad.add_argument("--reference", metavar="DIR", required=True, help="a folder of reference music")
    fad.add_argument("--weights", metavar="FILE", help="VGGish as safetensors (default: among the models)")
    _add_device(fad)


def _add_clap(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    clap = _kind(kinds, "clap", "evaluate_clap", "how well music fits the words it was asked with")
    clap.add_argument("--audio", metavar="PATH", required=True, help=_AUDIO)
    clap.add_argument("--prompts", metavar="FILE", help="CSV or JSONL with id and prompt")
    clap.add_argument("--prompt", metavar="TEXT", help="one prompt for all")
    clap.add_argument(
        "--model", metavar="DIR", required=True, help="a checkpoint of CLAP as transformers has it"
    )
    clap.add_argument(
        "--loudness", choices=["peak-1dB-int16", "as-is"], default="peak-1dB-int16",
        help="what is done to the level first (default peak-1dB-int16)",
    )  # fmt: skip
    _add_device(clap)


def _add_device(parser: Parser) -> None:
    parser.add_argument(
        "--device", metavar="NAME", default="cpu", help="cpu, cuda, cuda:N, mps (default cpu)"
    )


def _add_curves(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    curves = _kind(kinds, "curves", "evaluate_curves", "event curves of music against video and other music")
    curves.add_argument("--audio", metavar="DIR", required=True, help="a folder of music")
    curves.add_argument("--video", metavar="DIR", required=True, help="the videos it was made for")
    curves.add_argument("--reference", metavar="DIR", help="their original music, for the four distances")


def _add_robustness(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    robust = _kind(
        kinds, "robustness", "evaluate_curves", "what harmless changes of the picture do to curves"
    )
    robust.add_argument("--video", metavar="PATH", required=True, help="a video, or a folder of them")
    robust.add_argument("--encoder", metavar="NAME", default="pixel", help="what looks at it (default pixel)")
    robust.add_argument(
        "--fps", metavar="HZ", type=float, default=12.0, help="pictures a second (default 12)"
    )


def _add_three_way(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    three = _kind(kinds, "three-way", "evaluate_curves", "whether curves alone tell kinds of video apart")
    three.add_argument(
        "--class", metavar="NAME=DIR", dest="classes", action="append", default=[], required=True,
        help="videos of one kind; given once for each kind",
    )  # fmt: skip
    three.add_argument(
        "--encoder", metavar="NAME", default="pixel", help="what looks at them (default pixel)"
    )
    three.add_argument("--splits", metavar="N", type=int, default=20, help="how often to train (default 20)")


def _add_table(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    table = _kind(
        kinds, "table", "evaluate_table", "a benchmark: score it, measure all peers, write a report"
    )
    table.add_argument(
        "benchmark", metavar="BENCHMARK", choices=["oes-pub", "moviegenbench-music", "aist++", "folder"],
        help="oes-pub, moviegenbench-music, aist++, or a folder of your own",
    )  # fmt: skip
    table.add_argument("folder", metavar="DIR", help="where it lies, as published")
    table.add_argument(
        "--out", metavar="DIR", required=True, help="gets rows, results and the report; goes on there"
    )
    table.add_argument(
        "--peer",
        metavar="NAME=DIR",
        action="append",
        default=[],
        help="a folder of audio named by clip; repeat it",
    )
    table.add_argument(
        "--compose", metavar="WAY", action="append", default=[],
        choices=["v2m", "constant-tempo", "text-only"],
        help="make music first: v2m, constant-tempo or text-only; may be given again",
    )  # fmt: skip
    table.add_argument("--backbone", metavar="NAME", default="sketch", help="what composes (default sketch)")
    table.add_argument("--adapter", metavar="FILE", help="what tells a model of sound the event curve")
    table.add_argument(
        "--encoder", metavar="NAME", default="pixel", help="looks at the films (default pixel)"
    )
    table.add_argument(
        "--seed", metavar="N", type=flags.seed, default=0, help="of the first clip (default 0)"
    )
    table.add_argument("--measure", metavar="NAME", action="append", default=[],
                       choices=["sch", "hit", "dance", "fad", "clap", "curves"],
                       help="only these; may be given again (default: the benchmark's)")  # fmt: skip
    table.add_argument("--detector", choices=["content", "adaptive", "v2m"], default="content",
                       help="who finds cuts (default content)")  # fmt: skip
    table.add_argument("--limit", metavar="N", type=int, help="the first so many clips")
    table.add_argument("--reference", metavar="DIR", help="reference music of FAD, such as SongDescriber")
    table.add_argument("--weights", metavar="FILE", help="VGGish as safetensors (default: among the models)")
    table.add_argument("--clap", metavar="DIR", help="a checkpoint of CLAP as transformers has it")
    table.add_argument("--processes", metavar="N", type=int, default=1, help="at once (default 1)")
    table.add_argument(
        "--gpus", metavar="LIST", default="", help="of this machine by number, such as 0,1,2,3"
    )
    table.add_argument("--ray", metavar="ADDRESS", default="", help="spread over a Ray cluster")
    table.add_argument(
        "--ray-gpus", metavar="SHARE", type=float, default=0.0, help="of a GPU that each clip takes there"
    )
    _add_device(table)


def _add_listen(kinds: Any) -> None:  # noqa: ANN401 - argparse's own
    listen = _kind(kinds, "listen", "evaluate_listen", "a blind pairwise test with people, in the browser")
    listen.add_argument("action", metavar="ACTION", choices=["make", "serve", "results"],
                        help="make, serve or results")  # fmt: skip
    listen.add_argument("folder", metavar="DIR", help="where the test lies")
    listen.add_argument("--video", metavar="DIR", help="make: the videos, named by clip")
    listen.add_argument("--ours", metavar="NAME=DIR", help="make: who is compared with every peer")
    listen.add_argument(
        "--peer", metavar="NAME=DIR", action="append", default=[], help="make: a peer; repeat it"
    )
    listen.add_argument(
        "--trials", metavar="N", type=int, default=0, help="make: so many pairs (default: all)"
    )
    listen.add_argument("--seed", metavar="N", type=flags.seed, default=0, help="make: of order and sides")
    listen.add_argument(
        "--port", metavar="N", type=int, default=0, help="serve: on this port (default: a free one)"
    )
