"""`v2m watch-job`: follow a job to its end, and bring what it made."""

from __future__ import annotations

import argparse
import json

from v2m.errors import CancelledError
from v2m_daemon.client import JobKind, JobView
from v2m_daemon.client.client import done
from v2m_daemon.client.delivery import deliver
from v2m_daemon.following import follow
from v2m_daemon.orders import client_of
from v2m_daemon.telling import scored_words


def run(arguments: argparse.Namespace) -> int:
    """Print what the job's own command would; ends with the exit code that it would end with."""
    with client_of(arguments) as client:
        try:
            view = done(follow(client.watch(arguments.job), quiet=arguments.json))
        except KeyboardInterrupt:
            raise CancelledError(
                f"The job {arguments.job} goes on unwatched.", hint=f"Stop it: v2m cancel {arguments.job}"
            ) from None
        result = dict(view.result or {})
        if arguments.fetch is not None:
            result = deliver(client, view, arguments.fetch, overwrite=arguments.overwrite)
    print(json.dumps(result) if arguments.json else _words(view, result))
    return 0


def _words(view: JobView, result: dict[str, object]) -> str:
    if view.kind is JobKind.ANALYZE or "sch" not in result:
        return "\n".join(f"{name:<10}{path}" for name, path in view.outputs.items()) or f"Done: {view.id}"
    return scored_words(result)
