"""From job views to messages on the wire."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from google.protobuf import duration_pb2, timestamp_pb2

from v2m.errors import FieldError, UnknownJobError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon.jobs.spec import JobKind
from v2m_daemon.jobs.view import JobState, JobView

STATES: Final[Mapping[JobState, int]] = {
    state: pb.JobState.Value(f"JOB_STATE_{state.name}") for state in JobState
}
KINDS: Final[Mapping[JobKind, int]] = {kind: pb.JobKind.Value(f"JOB_KIND_{kind.name}") for kind in JobKind}


def job_message(view: JobView, *, with_results: bool = True) -> pb.Job:
    """A job as the wire tells it.

    Args:
        view: how it stands.
        with_results: list its artifacts, which looks at the disk, and its result.
    """
    message = pb.Job(
        id=view.id,
        kind=KINDS[view.kind],  # type: ignore[arg-type]  # numbers are how enums travel
        state=STATES[view.state],  # type: ignore[arg-type]
        stage=view.stage,
        fraction=view.fraction,
        message=view.message,
        create_time=_moment(view.created_ms),
        start_time=_moment(view.started_ms),
        finish_time=_moment(view.finished_ms),
        attempts=view.attempts,
        client=view.client,
        priority=view.priority,
        document=view.document,
        out_dir=view.out_dir,
    )
    if view.eta_s is not None:
        message.eta.CopyFrom(_span(view.eta_s))
    if view.error is not None:
        error = view.error
        message.error.CopyFrom(
            pb.JobError(code=error.code, message=error.message, detail=error.detail, hint=error.hint)
        )
    if with_results and view.state is JobState.DONE:
        message.artifacts.extend(artifacts(view))
        message.result_json = json.dumps(view.result, ensure_ascii=False)
    return message


def artifacts(view: JobView) -> Iterator[pb.Artifact]:
    """Every file that a done job made and that is still there."""
    for name, path in view.outputs.items():
        for file, at in _files(name, Path(path)):
            try:
                size = at.stat().st_size
            except OSError:
                continue  # the user moved it away
            yield pb.Artifact(name=file, path=str(at), size_bytes=size)


def _files(name: str, path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield name, path
        return
    for place, folders, files in os.walk(path):
        folders.sort()
        for file in sorted(files):
            at = Path(place, file)
            if not at.is_symlink():  # we make none
                yield f"{name}/{at.relative_to(path).as_posix()}", at


def artifact_path(view: JobView, name: str) -> Path:
    """Where an artifact lies.

    Raises:
        UnknownJobError: the job made none of this name, or it is gone.
    """
    for artifact in artifacts(view):
        if artifact.name == name:
            return Path(artifact.path)
    raise UnknownJobError(
        f"The job {view.id}, which is {view.state}, has no file {name!r:.100}.",
        hint="GetJob lists what a done job has.",
    )


def states_of(numbers: Iterator[int]) -> list[JobState]:
    """The states that a request names.

    Raises:
        FieldError: one is not known.
    """
    known = {number: state for state, number in STATES.items()}
    try:
        return [known[number] for number in numbers]
    except KeyError as error:
        raise FieldError(f"There is no job state {error.args[0]}.", detail="states") from None


def _moment(ms: int | None) -> timestamp_pb2.Timestamp | None:
    if ms is None:
        return None
    moment = timestamp_pb2.Timestamp()
    moment.FromMilliseconds(ms)
    return moment


def _span(seconds: float) -> duration_pb2.Duration:
    span = duration_pb2.Duration()
    span.FromMilliseconds(round(seconds * 1000))
    return span
