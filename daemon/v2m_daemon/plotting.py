"""`--plot FILE`: where the picture of a result goes, checked before the work and drawn after it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from v2m.errors import OutputExistsError, UsageError


def plot_path(arguments: argparse.Namespace) -> Path | None:
    """The file that `--plot` names; None where there is no such wish.

    Raises:
        UsageError: it is called as no PNG is.
        OutputExistsError: it is there already, and there is no `--overwrite`.
    """
    if arguments.plot is None:
        return None
    path = Path(arguments.plot)
    if path.suffix.lower() != ".png":
        raise UsageError(f"--plot names {path.name!r}, expected a name that ends in .png.")
    if path.exists() and not arguments.overwrite:
        raise OutputExistsError(f"{path} is there already.", hint="Use --overwrite or another name.")
    return path


def plot_best(take: Path, plot: Path | None) -> None:
    """Draw a take that is in its place, where that is wished.

    Raises:
        MissingPartError: matplotlib is not installed.
        OutputWriteError: the picture cannot be written.
    """
    if plot is None:
        return
    from v2m.report.write import plot_take  # matplotlib takes half a second to load

    plot_take(take, plot)
    print(f"Plot: {plot}", file=sys.stderr)
