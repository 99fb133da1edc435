"""`v2m report`: the pages that show takes, made again; and the same as a picture."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from v2m.errors import UsageError
from v2m.report.write import write_report_again
from v2m_daemon.plotting import plot_best, plot_path


def run(arguments: argparse.Namespace) -> int:
    """Make them; 0 when it was done."""
    plot = plot_path(arguments)
    folders = [Path(name) for name in arguments.takes]
    if plot is not None and len(folders) > 1:
        raise UsageError(f"--plot draws one take, {len(folders)} are named.")
    pages = [write_report_again(folder) for folder in folders]
    plot_best(folders[0], plot)
    if arguments.json:
        told = [
            {"take": str(folder), "report": str(page)} for folder, page in zip(folders, pages, strict=True)
        ]
        print(json.dumps({"takes": told}))
    else:
        print("\n".join(f"Report    {page}" for page in pages))
    return 0
