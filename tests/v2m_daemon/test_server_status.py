"""Every error of the tree has a status, and arrives at the other end as it was."""

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from v2m_daemon.server.status import STATUS, encoded, from_details, to_status

from v2m.errors import BusyError, FieldError, V2MError, error_kinds

KINDS = [kind for kind in error_kinds() if kind.__module__.startswith("v2m")]


def test_the_table_has_every_error_and_nothing_else() -> None:
    assert set(STATUS) == set(KINDS)
    assert grpc.StatusCode.OK not in STATUS.values()
    assert grpc.StatusCode.UNKNOWN not in STATUS.values()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_arrives_as_it_was(kind: type[V2MError]) -> None:
    error = kind("It is so.", hint="Do this.", detail="takes")
    message, details = encoded(error)
    arrived = from_details(details)
    assert message == "It is so. Do this."
    assert type(arrived) is kind
    assert arrived.as_dict() == error.as_dict()


def test_a_bad_field_is_named_as_google_does() -> None:
    status = to_status(FieldError("takes is 17.", detail="takes"))
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    assert [(each.field, each.description) for each in bad.field_violations] == [("takes", "takes is 17.")]


def test_a_full_queue_says_when_to_come_back() -> None:
    error = BusyError("The queue is full.")
    error.retry_after_s = 2.5
    status = to_status(error)
    retry = error_details_pb2.RetryInfo()
    assert status.details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 2500
    arrived = from_details(status.SerializeToString())
    assert isinstance(arrived, BusyError)
    assert arrived.retry_after_s == 2.5


def test_what_is_said_to_a_crowd_is_said_to_each_as_it_is_meant_for_it() -> None:
    for retry_after_s in (2.5, 3.5, 2.5):
        error = BusyError("The queue is full.")
        error.retry_after_s = retry_after_s
        arrived = from_details(encoded(error)[1])
        assert isinstance(arrived, BusyError)
        assert arrived.retry_after_s == retry_after_s


def test_a_long_error_fits_into_the_trailers() -> None:
    error = FieldError("ü" * 100_000, hint="ö" * 100_000, detail="\udcff" * 100_000)
    for message, details in (encoded(error), encoded(error)):
        assert len(details) * 4 / 3 + len(message.encode()) * 3 < 8192


@pytest.mark.parametrize("data", [b"", b"\xff\xff", status_pb2.Status(code=5).SerializeToString()])
def test_what_is_no_error_of_ours_is_none(data: bytes) -> None:
    assert from_details(data) is None
