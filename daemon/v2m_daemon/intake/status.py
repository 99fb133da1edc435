"""How a job stands, as the files say it that clients read who cannot speak gRPC."""

from __future__ import annotations

from typing import Any, Final

from v2m.errors import CancelledError, V2MError
from v2m_daemon.jobs.view import JobState, JobView

VERSION: Final = 1
"""Of the files' form; it changes only where an old reader would misunderstand."""


def status_of(view: JobView) -> dict[str, Any]:
    """`status.json` of a job."""
    return {
        "version": VERSION,
        "job": view.id,
        "state": str(view.state),
        "stage": view.stage,
        "fraction": round(view.fraction, 3),
        "eta_s": view.eta_s,
        "message": view.message,
    }


def early_status(state: JobState, message: str) -> dict[str, Any]:
    """`status.json` of what is no job, not yet or not at all."""
    return {
        "version": VERSION, "job": "", "state": str(state), "stage": "", "fraction": 0.0, "eta_s": None,
        "message": message,
    }  # fmt: skip


def result_of(view: JobView) -> dict[str, Any]:
    """`result.json` of a job that is done."""
    return {
        "version": VERSION,
        "job": view.id,
        "outputs": dict(view.outputs),
        "result": dict(view.result or {}),
    }


def error_of(error: V2MError) -> dict[str, Any]:
    """`error.json` of a job that failed, was cancelled or was never one."""
    return {"version": VERSION, **error.as_dict()}


def drop_status(
    document: str, status: dict[str, Any], outputs: dict[str, str] | None = None,
    error: V2MError | None = None,
) -> dict[str, Any]:  # fmt: skip
    """`STEM.status.json` of a watch folder: the same, with the document and what became of it."""
    told = None if error is None else error.as_dict()
    return {**status, "document": document, "outputs": outputs or {}, "error": told}


def failure_of(view: JobView) -> V2MError:
    """Why a job that is over has no results."""
    if view.error is not None:
        return view.error.as_error()
    return CancelledError("The job was cancelled.", hint="Submit it again to have it done.")
