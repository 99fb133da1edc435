"""Reports of takes on disk: `report.html` where a take is written, again from its folder, and as a PNG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from v2m.errors import OutputWriteError
from v2m.frames import Sheet
from v2m.report.contents import gather
from v2m.report.page import page
from v2m.report.stage_times import told_stages
from v2m.take.pictures import read_pictures, write_pictures
from v2m.take.record import TAKE_SUFFIX, TakeRecord, read_record

REPORT_NAME: Final = "report.html"

_MOST_BYTES: Final = 256 << 20
"""A page of this size is none of ours."""


def write_looks(
    folder: Path, record: TakeRecord, stages_s: Mapping[str, float], sheet: Sheet | None, *, report: bool
) -> None:
    """Write what a take is looked at by: its pictures, and its report if that is wanted.

    Raises:
        OutputWriteError, V2MError: see `write_report`.
    """
    write_pictures(folder, sheet)
    if report:
        write_report(folder, record, stages_s, sheet)


def write_report(
    folder: Path, record: TakeRecord, stages_s: Mapping[str, float], sheet: Sheet | None = None
) -> None:
    """Write the report of a take whose other files lie in a folder; the record need not lie there yet.

    Args:
        folder: of the take.
        record: of the take.
        stages_s: wall seconds of its stages so far.
        sheet: pictures of the programme.

    Raises:
        OutputWriteError: it cannot be written.
        V2MError: a file of the take is damaged; see `v2m.report.contents.gather`.
    """
    text = page(gather(folder, record, sheet, stages_s))
    try:
        (folder / REPORT_NAME).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputWriteError(f"The report could not be written: {error.strerror}.") from error


def write_report_again(folder: Path) -> Path:
    """Make the report of a whole take anew, with the times of the stages that an earlier one tells.

    Raises:
        DocumentError: the folder is no take, or a file of it is damaged.
        OutputWriteError: it cannot be written.
    """
    write_report(folder, read_record(folder), stages_of(folder), read_pictures(folder))
    return folder / REPORT_NAME


def stages_of(folder: Path) -> dict[str, float]:
    """The times of the stages that a take's report tells; empty where it tells none."""
    path = folder / REPORT_NAME
    try:
        return told_stages(path.read_text(encoding="utf-8")) if path.stat().st_size <= _MOST_BYTES else {}
    except (OSError, ValueError):
        return {}


def plot_take(folder: Path, path: Path) -> None:
    """Draw a whole take into a PNG.

    Raises:
        DocumentError: the folder is no take, or a file of it is damaged.
        MissingPartError: matplotlib is not installed.
        OutputWriteError: the picture cannot be written.
    """
    from v2m.report.take_plot import plot_contents

    contents = gather(folder, read_record(folder), read_pictures(folder), {})
    plot_contents(path, contents, folder.name.removesuffix(TAKE_SUFFIX))
