"""The daemon, asked over gRPC where V2M's client is installed, else through its job directory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from v2m_resolve.refused import Refused

Json = dict[str, Any]
Ask = Callable[[Json], Json]
"""Has a job done, by its fields; returns what `--json` of the same command prints."""

CLIENT: Final = "resolve"
LOOK_EVERY_S: Final = 0.25
ANSWER_WITHIN_S: Final = 20.0
"""The daemon looks into its inbox every 10 s even where it hears of nothing."""


def by_directory(home: Path, folder: Path) -> Ask:
    """Ask through the job directory that `folder` is."""

    def ask(fields: Json) -> Json:
        if not (home / "endpoint.json").exists():
            raise Refused("V2M is not running. Start it with `v2m serve`.")
        write(folder / "job.json", {"version": 1, "client": CLIENT, **fields})
        asked_s = time.monotonic()
        try:
            while True:
                if (error := read(folder / "error.json")) is not None:
                    raise Refused(f"{error['message']} {error['hint']}".strip())
                if (result := read(folder / "result.json")) is not None:
                    return dict(result["result"])
                if read(folder / "status.json") is None and time.monotonic() - asked_s > ANSWER_WITHIN_S:
                    raise Refused("V2M does not answer. Start it with `v2m serve`.")
                time.sleep(LOOK_EVERY_S)
        except BaseException:  # whoever stops waiting, by Ctrl-C too, wants no result
            (folder / "cancel").touch()
            raise

    return ask


def by_grpc(home: Path, folder: Path) -> Ask | None:
    """Ask over gRPC; None where V2M's client is not installed in this Python."""
    try:
        from v2m_daemon.client import Home, JobSpec, connect

        from v2m.errors import V2MError
    except ImportError:
        return None

    def ask(fields: Json) -> Json:
        wanted: Json = {**fields, "client": CLIENT}
        # an absolute path stays as it is
        wanted |= {n: str(folder / fields[n]) for n in ("document", "timeline") if n in fields}
        try:
            with connect(home=Home.at(home)) as client:
                job = client.submit(JobSpec.from_json(wanted))
                try:
                    return dict(client.wait(job.id).result or {})
                except KeyboardInterrupt:
                    client.cancel(job.id)
                    raise
        except V2MError as error:
            raise Refused(error.sentence()) from error

    return ask


def read(path: Path) -> Json | None:
    """An object in a file; None where there is none yet, or half of one."""
    with suppress(OSError, ValueError):
        value = json.loads(path.read_bytes())
        return value if isinstance(value, dict) else None
    return None


def write(path: Path, value: Json) -> None:
    """Put an object in place whole."""
    hidden = path.with_name(f".{path.name}")
    hidden.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    hidden.replace(path)
