"""Work and events as plain JSON, for the pipe to a worker and for the way to another machine.

    to the worker     {"do": work}   {"cancel": job id}
    from the worker   {"ready": {}}   {"beat": {"rss_bytes", ...}}   {"event": event}

Conventions: an event is an object with one key, its kind in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from v2m.errors import FieldError, error_from_dict
from v2m_daemon.jobs.spec import JobSpec
from v2m_daemon.worker.executor import Cause, Done, Event, Failed, Progress, Stopped, Work
from v2m_daemon.worker.pipe import BadFrame


def work_to_json(work: Work) -> dict[str, Any]:
    """A piece of work as an object."""
    return {
        "job_id": work.job_id,
        "spec": work.spec.to_json(),
        "folder": str(work.folder),
        "attempt": work.attempt,
        "roots": list(work.roots),
        "window_scale": work.window_scale,
        "puts_in_place": work.puts_in_place,
    }


def work_from_json(data: Mapping[str, Any]) -> Work:
    """What `work_to_json` wrote.

    Raises:
        BadFrame: it is something else.
    """
    try:
        values = dict(data)
        values |= {
            "spec": JobSpec.from_json(values["spec"]),
            "folder": Path(values["folder"]),
            "roots": tuple(values["roots"]),
        }
        return Work(**values)
    except (TypeError, KeyError, ValueError, FieldError) as error:
        raise BadFrame(f"no work: {error!r}") from error


def event_to_json(event: Event) -> dict[str, Any]:
    """An event as an object."""
    if isinstance(event, Progress):
        return {"progress": asdict(event)}
    if isinstance(event, Done):
        return {"done": {"result": dict(event.result), "outputs": dict(event.outputs)}}
    if isinstance(event, Failed):
        return {"failed": {"error": event.error.as_dict(), "cause": event.cause.value}}
    return {"stopped": {}}


def event_from_json(data: Mapping[str, Any]) -> Event:
    """What `event_to_json` wrote.

    Raises:
        BadFrame: it is something else.
    """
    try:
        ((kind, values),) = data.items()
        if kind == "progress":
            return Progress(str(values["stage"]), float(values["fraction"]), str(values["message"]))
        if kind == "done":
            return Done(dict(values["result"]), {str(k): str(v) for k, v in values["outputs"].items()})
        if kind == "failed":
            return Failed(error_from_dict(values["error"]), Cause(values["cause"]))
        if kind == "stopped":
            return Stopped()
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise BadFrame(f"no event: {error!r}") from error
    raise BadFrame(f"an event of the unknown kind {kind!r:.100}")
