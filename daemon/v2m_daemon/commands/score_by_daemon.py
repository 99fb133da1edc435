"""`v2m score --daemon`: the same command, done by a running daemon whose model is warm."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from v2m.errors import CancelledError, UsageError
from v2m_daemon.client.client import done
from v2m_daemon.client.delivery import check_free, deliver
from v2m_daemon.commands.submit import submit
from v2m_daemon.following import follow
from v2m_daemon.orders import client_of, spec_of
from v2m_daemon.plotting import plot_best, plot_path
from v2m_daemon.telling import scored_words


def run(arguments: argparse.Namespace) -> int:
    """Submit, follow, and bring the results here if they were made elsewhere; 0 when it was done."""
    if not arguments.report:
        raise UsageError("A daemon's takes always have their report.", hint="Leave out --no-report.")
    plot = plot_path(arguments)
    spec = spec_of(arguments)
    folder = Path(spec.result_dir(""))
    if arguments.upload:
        check_free(folder, Path(spec.document).stem, overwrite=spec.overwrite)
    with client_of(arguments) as client:
        job = submit(client, spec, upload=arguments.upload, quiet=arguments.json, out=folder)
        try:
            view = done(follow(client.watch(job.id), quiet=arguments.json))
        except KeyboardInterrupt:
            client.cancel(job.id)
            raise CancelledError("Cancelled; nothing was left behind.") from None
        result = dict(view.result or {})
        if arguments.upload:
            result = deliver(client, view, folder, overwrite=spec.overwrite)
    if plot is not None:
        plot_best(Path(result["take"]), plot)
    print(json.dumps(result) if arguments.json else scored_words(result))
    return 0
