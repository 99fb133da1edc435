"""What the end of an attempt means for its job: done, over, or once more. Plain functions of plain data."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from v2m.errors import OutOfMemoryError, V2MError, WorkerLostError
from v2m_daemon.jobs.store import JobRecord
from v2m_daemon.jobs.view import JobError, JobState
from v2m_daemon.worker.executor import Cause, Done, Failed, Stopped

Outcome = Done | Failed | Stopped

MOST_LOSSES: Final = 3
"""A job that took three workers with it will take the fourth too."""

MOST_INTERRUPTIONS: Final = 20
"""A daemon dies for reasons of its own, so its death speaks much less against the job that ran."""

SMALLER_WINDOW: Final = 0.5


def verdict(record: JobRecord, outcome: Outcome, *, at_ms: int, is_draining: bool = False) -> JobRecord:
    """The job after an attempt.

    Args:
        record: the job, running.
        outcome: how the attempt ended.
        at_ms: now.
        is_draining: the daemon is shutting down, so what was stopped was stopped for that.
    """
    if isinstance(outcome, Done):
        return done(record, outcome, at_ms)
    if record.cancel_asked:
        return cancelled(record, at_ms)
    if isinstance(outcome, Stopped):
        if is_draining:
            return again(record, "Goes on when the daemon is back.")
        outcome = Failed(WorkerLostError("The work stopped without being asked to."), Cause.LOST)
    if outcome.cause is Cause.OUT_OF_MEMORY:
        return _without_memory(record, outcome.error, at_ms)
    if outcome.cause is Cause.LOST:
        return _without_worker(record, outcome.error, at_ms)
    return failed(record, outcome.error, at_ms)


def interrupted(record: JobRecord, at_ms: int) -> JobRecord:
    """A job that ran when the daemon died."""
    if record.cancel_asked:
        return cancelled(record, at_ms)
    interruptions = record.interruptions + 1
    if interruptions >= MOST_INTERRUPTIONS:
        error = WorkerLostError(
            f"The daemon was switched off {interruptions} times while it did this job.",
            hint="See the daemon's log; submit the job again when the machine is well.",
        )
        return failed(replace(record, interruptions=interruptions), error, at_ms)
    return again(replace(record, interruptions=interruptions), "Goes on after the daemon was switched off.")


def done(record: JobRecord, outcome: Done, at_ms: int) -> JobRecord:
    """The job with its results."""
    return replace(
        record, state=JobState.DONE, result=outcome.result, outputs=outcome.outputs, finished_ms=at_ms,
        message="",
    )  # fmt: skip


def cancelled(record: JobRecord, at_ms: int) -> JobRecord:
    """The job, stopped because somebody asked for it."""
    return replace(record, state=JobState.CANCELLED, cancel_asked=True, finished_ms=at_ms, message="")


def failed(record: JobRecord, error: V2MError, at_ms: int) -> JobRecord:
    """The job, given up."""
    return replace(record, state=JobState.FAILED, error=JobError.of(error), finished_ms=at_ms, message="")


def again(record: JobRecord, message: str) -> JobRecord:
    """The job, back in the queue."""
    return replace(record, state=JobState.QUEUED, message=message)


def _without_memory(record: JobRecord, error: V2MError, at_ms: int) -> JobRecord:
    if record.window_scale == 1.0:
        smaller = replace(record, window_scale=SMALLER_WINDOW)
        return again(smaller, "Memory ran out; goes on with a smaller window.")
    final = OutOfMemoryError(
        "Memory ran out twice, the second time with half the window.",
        hint="Close other programs that use the device, score a part with --in and --out-point, or choose a "
        "smaller backbone.",
        detail=error.sentence(),
    )
    return failed(record, final, at_ms)


def _without_worker(record: JobRecord, error: V2MError, at_ms: int) -> JobRecord:
    losses = record.losses + 1
    lost = replace(record, losses=losses)
    if losses < MOST_LOSSES:
        return again(lost, f"The worker was lost; goes on with attempt {losses + 1} of {MOST_LOSSES}.")
    final = WorkerLostError(
        f"{losses} workers were lost over this job, the last one so: {error.message}",
        hint="Score it with `v2m score` to see what happens; a file that it names may be broken.",
        detail=error.detail,
    )
    return failed(lost, final, at_ms)
