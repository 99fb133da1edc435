"""`v2m-train export RUN`: its arguments, and what they ask."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Tell a parser what the command takes beside the settings of `sketch`."""
    parser.add_argument(
        "run",
        nargs="?",
        type=Path,
        metavar="RUN",
        help="folder of a finished `fit`; without it, sketch",
    )
    parser.add_argument(
        "--out", type=Path, metavar="PATH",
        help="the adapter's file [RUN/adapter.safetensors], or a new folder where more than the column moved",
    )  # fmt: skip


def run(folder: Path, out: Path | None) -> Path:
    """Write what a run gives to the product."""
    from v2m_training.export.adapter import export_run

    return export_run(folder, out or folder / "adapter.safetensors")
