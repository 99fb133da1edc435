"""What the pictures are drawn on: matplotlib, which is loaded by who draws and by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from v2m.errors import MissingPartError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BEATS: Final = 400
"""More beats than this would be a grey wall at 1600 pixels: then only downbeats are drawn."""


def figure_type() -> type[Figure]:
    """The class of matplotlib's figures.

    Raises:
        MissingPartError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPartError(
            "matplotlib, which draws the plot, is not installed.", hint='Run `pip install "v2m[plot]"`.'
        ) from error
    return Figure
