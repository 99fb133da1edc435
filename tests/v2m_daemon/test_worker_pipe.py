"""What crosses between parent and worker arrives as it was sent, and nonsense ends the conversation."""

import asyncio
import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.worker.executor import Cause, Done, Event, Failed, Progress, Stopped, Work
from v2m_daemon.worker.messages import event_from_json, event_to_json, work_from_json, work_to_json
from v2m_daemon.worker.pipe import MOST_BYTES, BadFrame, Channel, Message, pack, read_message

from v2m.errors import error_kinds

TEXTS = st.text('aé中🎵"\\\n\0 1', max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
MESSAGES = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=3)


async def heard(data: bytes) -> list[Message]:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    messages = []
    while (message := await read_message(stream)) is not None:
        messages.append(message)
    return messages


@settings(max_examples=40)
@given(MESSAGES)
def test_both_ends_hear_what_was_said(messages: list[dict[str, Any]]) -> None:
    wire = io.BytesIO()
    channel = Channel(io.BytesIO(), wire)
    for message in messages:
        channel.send(message)
    assert asyncio.run(heard(wire.getvalue())) == messages
    other = Channel(io.BytesIO(wire.getvalue()), io.BytesIO())
    assert [other.receive() for _ in messages] == messages
    assert other.receive() is None


@settings(max_examples=40)
@given(MESSAGES.filter(bool), st.data())
def test_a_frame_that_is_cut_short_is_the_end(messages: list[dict[str, Any]], data: st.DataObject) -> None:
    wire = b"".join(pack(message) for message in messages)
    kept = data.draw(st.integers(len(wire) - len(pack(messages[-1])), len(wire) - 1))
    assert asyncio.run(heard(wire[:kept])) == messages[:-1]


@settings(max_examples=60)
@given(st.binary(max_size=64))
def test_noise_is_nonsense_or_the_end(noise: bytes) -> None:
    try:
        asyncio.run(heard(noise))
    except BadFrame:
        return
    with pytest.raises(BadFrame):  # with bytes enough whatever is no object is told
        asyncio.run(heard(struct.pack(">I", max(1, len(noise))) + (noise or b"x")))


@pytest.mark.parametrize("body", [b"[]", b"1", b"{", b"\xff", b"null", b"[" * 100_000])
def test_a_frame_that_holds_no_object_is_told(body: bytes) -> None:
    frame = struct.pack(">I", len(body)) + body
    with pytest.raises(BadFrame):
        asyncio.run(heard(frame))
    with pytest.raises(BadFrame):
        Channel(io.BytesIO(frame), io.BytesIO()).receive()


def test_no_length_is_believed_beyond_the_bound() -> None:
    frame = struct.pack(">I", MOST_BYTES + 1)
    with pytest.raises(BadFrame, match=str(MOST_BYTES)):
        asyncio.run(heard(frame))
    with pytest.raises(BadFrame, match=str(MOST_BYTES)):
        pack({"x": "y" * MOST_BYTES})


EVENTS = st.one_of(
    st.builds(Progress, TEXTS, NUMBERS, TEXTS),
    st.builds(Done, st.dictionaries(TEXTS, VALUES), st.dictionaries(TEXTS, TEXTS)),
    st.just(Stopped()),
)


@settings(max_examples=60)
@given(EVENTS)
def test_an_event_crosses(event: Event) -> None:
    assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


def test_every_error_crosses_with_its_cause() -> None:
    for kind in error_kinds():
        for cause in Cause:
            sent = Failed(kind("It rains.", hint="Take a coat.", detail="drops"), cause)
            got = event_from_json(json.loads(json.dumps(event_to_json(sent))))
            assert isinstance(got, Failed)
            assert (type(got.error), got.cause) == (kind, cause)
            assert got.error.as_dict() == sent.error.as_dict()


def test_work_crosses() -> None:
    spec = JobSpec(kind=JobKind.SCORE, document="/a/b.otio", seed=3, path_map=(("C:\\", "/c"),))
    work = Work("j1", spec, Path("/jobs/j1"), attempt=2, roots=("/a",), window_scale=0.5)
    assert work_from_json(json.loads(json.dumps(work_to_json(work)))) == work


@pytest.mark.parametrize(
    "data",
    [
        {}, {"progress": {}}, {"done": 1}, {"failed": {"error": {}, "cause": "fate"}}, {"hello": {}},
        {"stopped": {}, "done": {}}, {"done": {"result": {}, "outputs": []}},
    ],
)  # fmt: skip
def test_what_is_no_event_is_told(data: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        event_from_json(data)


@pytest.mark.parametrize("change", [{"spec": {}}, {"folder": 3}, {"roots": None}, {"more": 1}])
def test_what_is_no_work_is_told(change: dict[str, Any]) -> None:
    spec = JobSpec(kind=JobKind.SCORE, document="/a/b.otio")
    with pytest.raises(BadFrame):
        work_from_json({**work_to_json(Work("j1", spec, Path("/jobs/j1"))), **change})
