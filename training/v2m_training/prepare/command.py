"""`v2m-train prepare`: its arguments, and what they ask."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from v2m_training.prepare.encoders import NAMES

HELP = "list, check, split and encode music of your own, for `fit`"


def add_arguments(parser: ArgumentParser) -> None:
    """Tell a parser what the command takes."""
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="SOURCE",
        help="folder, table (.csv, .jsonl) or WebDataset shard (.tar)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the prepared set")
    parser.add_argument("--backbone", required=True, metavar="NAME", help="the model that will be fine-tuned")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="its folder; by default the store's")
    parser.add_argument("--device", default="auto", help="that encodes: auto, cuda, mps or cpu")
    parser.add_argument(
        "--encoder", action="append", choices=NAMES, help="of the event curves, may be given again [spectral]"
    )
    parser.add_argument("--licence", default="", metavar="TEXT", help="of music that names none")
    parser.add_argument(
        "--allow", action="append", default=[], metavar="LICENCE", help="take only music under these licences"
    )
    parser.add_argument("--shortest", type=float, default=32.0, metavar="S", help="[32]")
    parser.add_argument("--longest", type=float, default=1800.0, metavar="S", help="[1800]")
    parser.add_argument("--most-silence", type=float, default=0.25, metavar="SHARE", help="[0.25]")
    parser.add_argument("--most-clipping", type=float, default=1e-3, metavar="SHARE", help="[0.001]")
    parser.add_argument("--validation-share", type=float, default=0.05, metavar="SHARE", help="[0.05]")
    parser.add_argument("--seed", type=int, default=1, help="of who is held out")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="that listen")
    parser.add_argument("--encode-workers", type=int, default=1, help="that encode; each holds the model")


def run(arguments: Namespace) -> Path:
    """Prepare the set that was asked for."""
    from v2m_training.prepare.checks import Limits
    from v2m_training.prepare.encode import load_model
    from v2m_training.prepare.run import Order, prepare

    limits = Limits(
        tuple(arguments.allow), arguments.shortest, arguments.longest, arguments.most_silence,
        arguments.most_clipping,
    )  # fmt: skip
    return prepare(
        Order(
            sources=tuple(arguments.sources),
            out=arguments.out,
            model=partial(load_model, arguments.backbone, arguments.weights, arguments.device),
            encoders=tuple(dict.fromkeys(arguments.encoder or ("spectral",))),
            licence=arguments.licence,
            limits=limits,
            validation_share=arguments.validation_share,
            seed=arguments.seed,
            workers=arguments.workers,
            encode_workers=arguments.encode_workers,
        )
    )
