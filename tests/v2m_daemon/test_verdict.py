"""What the end of an attempt means, and how far a job is."""

import itertools
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.jobs.pace import SHARES, Pace
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.jobs.store import JobRecord
from v2m_daemon.jobs.verdict import MOST_INTERRUPTIONS, Outcome, interrupted, verdict
from v2m_daemon.jobs.view import JobState
from v2m_daemon.worker.executor import Cause, Done, Failed, Stopped

from v2m.errors import DocumentError
from v2m.stages import STAGES

RUNNING = JobRecord(
    id="a",
    spec=JobSpec(kind=JobKind.SCORE, document=os.path.abspath("/film.otio")),
    state=JobState.RUNNING,
    created_ms=1,
)
ERROR = DocumentError("It is so.")
OUTCOMES: tuple[Outcome, ...] = (
    Done({"a": 1}, {"wav": "/a.wav"}), Stopped(), *(Failed(ERROR, cause) for cause in Cause),
)  # fmt: skip


@given(st.lists(st.sampled_from(OUTCOMES[1:]), min_size=6, max_size=12), st.booleans())
def test_no_job_goes_on_for_ever(outcomes: list[Outcome], is_draining: bool) -> None:
    record = RUNNING
    attempts = 0
    for outcome in outcomes:
        if record.state is not JobState.RUNNING:
            break
        attempts += not (isinstance(outcome, Stopped) and is_draining)
        record = verdict(record, outcome, at_ms=9, is_draining=is_draining)
        if record.state is JobState.QUEUED:
            record = replace(record, state=JobState.RUNNING)
    assert attempts <= 4  # memory once, and three workers
    assert is_draining or record.state is JobState.FAILED


@pytest.mark.parametrize(("outcome", "is_draining"), list(itertools.product(OUTCOMES, (False, True))))
def test_who_cancelled_never_sees_it_again_unless_it_was_done(outcome: Outcome, is_draining: bool) -> None:
    after = verdict(replace(RUNNING, cancel_asked=True), outcome, at_ms=9, is_draining=is_draining)
    assert after.state is (JobState.DONE if isinstance(outcome, Done) else JobState.CANCELLED)
    assert after.finished_ms == 9


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_is_over_has_its_time_and_its_reason(outcome: Outcome) -> None:
    after = verdict(replace(RUNNING, losses=2, window_scale=0.5), outcome, at_ms=9)
    assert after.state.is_final
    assert after.finished_ms == 9
    assert (after.error is None) is isinstance(outcome, Done)


def test_a_job_that_the_daemon_dies_over_ends_too() -> None:
    record = RUNNING
    for _ in range(MOST_INTERRUPTIONS):
        assert record.state is JobState.RUNNING
        record = interrupted(record, 9)
        if record.state is JobState.QUEUED:
            assert record.error is None
            record = replace(record, state=JobState.RUNNING)
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert str(MOST_INTERRUPTIONS) in record.error.message
    assert interrupted(replace(RUNNING, cancel_asked=True), 9).state is JobState.CANCELLED


def test_the_shares_are_of_the_stages_that_there_are() -> None:
    assert tuple(SHARES) == STAGES
    assert sum(SHARES.values()) == pytest.approx(1)


reports = st.lists(st.tuples(st.sampled_from([*STAGES, "unknown", ""]), st.floats()), max_size=40)


@given(reports)
def test_the_fraction_never_falls_and_is_whole_only_at_the_end(said: list[tuple[str, float]]) -> None:
    pace, before = Pace(), 0.0
    for elapsed_s, (stage, done) in enumerate(said, start=1):
        pace = pace.after(stage, done, "", elapsed_s)
        assert before <= pace.fraction < 1
        assert pace.eta_s is None or pace.eta_s >= 0
        before = pace.fraction


def test_what_is_left_is_told_from_what_it_took() -> None:
    pace = Pace()
    for stage in STAGES[:4]:
        pace = pace.after(stage, 1.0, "", 7.6)
    assert pace.fraction == pytest.approx(0.76)
    assert pace.eta_s == pytest.approx(2.4)
    assert Pace().after("read", 0.5, "", 1.0).eta_s is None
