"""`v2m cancel`: stop jobs."""

from __future__ import annotations

import argparse
import json

from v2m.errors import UnreachableError
from v2m_daemon.client import Client, JobState, JobView
from v2m_daemon.orders import client_of

WORDS = {
    JobState.CANCELLED: "was cancelled",
    JobState.DONE: "was done already",
    JobState.FAILED: "had failed already",
}


def run(arguments: argparse.Namespace) -> int:
    """Stop the jobs and wait until they stand still; 0 also where one was done before."""
    with client_of(arguments) as client:
        views = [_stopped(client, client.cancel(job)) for job in arguments.jobs]
    if arguments.json:
        print(json.dumps({"jobs": [{"id": view.id, "state": view.state.value} for view in views]}))
    else:
        print("\n".join(f"{view.id} {WORDS[view.state]}" for view in views))
    return 0


def _stopped(client: Client, view: JobView) -> JobView:
    if view.state.is_final:
        return view
    *_, view = client.watch(view.id)
    if not view.state.is_final:
        raise UnreachableError(f"The daemon did not say that {view.id} stopped.", hint="Ask `v2m jobs`.")
    return view
