"""`v2m submit`: hand a timeline to the daemon and go."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from v2m.errors import UsageError
from v2m_daemon.client import Client, JobSpec, JobView
from v2m_daemon.orders import client_of, spec_of
from v2m_daemon.progress import show_progress


def run(arguments: argparse.Namespace) -> int:
    """Print the job's id once the job is on the daemon's disk."""
    if arguments.upload and arguments.out is not None:
        raise UsageError(
            "--out names a folder of this machine, which the daemon cannot write to after --upload.",
            hint="Leave it out, and bring the results with `v2m watch-job JOB --fetch DIR`.",
        )
    with client_of(arguments) as client:
        job = submit(client, spec_of(arguments), upload=arguments.upload, quiet=arguments.json)
    print(json.dumps({"job": job.id}))
    return 0


def submit(client: Client, spec: JobSpec, *, upload: bool, quiet: bool, out: Path | None = None) -> JobView:
    """Hand a job over, with all its files where the daemon cannot see them.

    Args:
        client: the daemon.
        spec: the job with paths of this machine.
        upload: whether the daemon cannot see them.
        quiet: show no progress.
        out: the folder here to which the results of an upload will be brought, if that is known.
    """
    if not upload:
        return client.submit(spec)
    from v2m_daemon.parcel import send  # reads the document, for which OpenTimelineIO is loaded

    with show_progress(quiet=quiet) as progress:
        sent = send(client, spec, out, lambda fraction: progress("Sending the media", fraction))
    return client.submit(sent)
