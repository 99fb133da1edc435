"""`v2m jobs`: what the daemon has to do, does and did."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from v2m_daemon.client import JobState, JobView
from v2m_daemon.orders import client_of


def run(arguments: argparse.Namespace) -> int:
    """List the jobs, newest first."""
    states = [JobState(state) for state in arguments.state]
    with client_of(arguments) as client:
        views = list(client.list(states=states, client=arguments.client))
    if arguments.json:
        print(json.dumps({"jobs": [as_json(view) for view in views]}))
    else:
        print("\n".join(map(line, views)) or "There are no jobs.")
    return 0


def as_json(view: JobView) -> dict[str, Any]:
    """A job as `--json` lists it."""
    return {
        "id": view.id,
        "state": view.state.value,
        "stage": view.stage,
        "fraction": view.fraction,
        "out": view.out_dir,
        "error": None if view.error is None else asdict(view.error),
    }


def line(view: JobView) -> str:
    """A job as a person reads it."""
    said = view.error.message if view.error else view.message
    where = f"{view.stage} {view.fraction:.0%}" if view.state is JobState.RUNNING else ""
    return "  ".join(part for part in (view.id, f"{view.state:<13}", where, view.document, said) if part)
