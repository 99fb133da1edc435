"""A typed client of the daemon, for programs in Python.

    from pathlib import Path

    from v2m_daemon.client import JobKind, JobSpec, connect

    with connect() as client:
        film = str(Path("demo_out/demo.otio").absolute())
        job = client.submit(JobSpec(kind=JobKind.SCORE, document=film, prompt="cinematic"))
        for view in client.watch(job.id):
            print(f"{view.state} {view.stage} {view.fraction:.0%}")
        print(client.wait(job.id).outputs["wav"])

Once `submit` returns, the music comes, whatever dies in between. Without `out_dir` or `in_place` a job's
results lie in a folder of the daemon's. A daemon on another machine is reached by
`connect("studio.lan:50051", token_file=..., certificate=...)`; `upload` and `fetch` carry
files to it and back.
Other languages use `protos/v2m/rpc/v1/scoring.proto`; from a shell, with the daemon's own reflection:

    grpcurl -plaintext -unix -authority localhost \
      -H "authorization: Bearer $(cat "$V2M_HOME/token")" \
      -d '{"document": "/edits/demo.otio", "composing": {"prompt": "cinematic"}}' \
      "$V2M_HOME/run/v2m.sock" v2m.rpc.v1.ScoringService/Score
"""

from __future__ import annotations

import functools
from pathlib import Path

from v2m_daemon.client.address import at_home, elsewhere
from v2m_daemon.client.client import PATIENCE_S, Client
from v2m_daemon.client.views import ServerInfo
from v2m_daemon.home import Home
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.jobs.view import JobError, JobState, JobView

__all__ = [
    "Client", "Home", "JobError", "JobKind", "JobSpec", "JobState", "JobView", "ServerInfo", "connect",
]  # fmt: skip


def connect(
    server: str = "",
    *,
    token_file: Path | None = None,
    certificate: Path | None = None,
    home: Home | None = None,
    patience_s: float = PATIENCE_S,
) -> Client:
    """A client of a daemon; it connects with the first call.

    Args:
        server: `HOST:PORT` of a daemon elsewhere; empty: the one of this user on this machine.
        token_file: a copy of that daemon's token; None: this home's own.
        certificate: PEM of whom to trust; None: whom this machine trusts.
        home: where the daemon of this machine keeps its state; None: as `V2M_HOME` or the platform says.
        patience_s: how long a call is tried again while the daemon is busy or away.

    Raises:
        UsageError: the address makes no sense.
    """
    home = home or Home.find()
    if not server:
        return Client(functools.partial(at_home, home), patience_s=patience_s)
    return Client(functools.partial(elsewhere, server, token_file, certificate, home), patience_s=patience_s)
