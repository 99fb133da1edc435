"""The event files are what TensorBoard reads: records with checksums around protocol buffers."""

import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from v2m_training.fit.tensorboard import EventFile

SCHEMA = {
    "Event": {
        "wall_time": (1, Field.TYPE_DOUBLE), "step": (2, Field.TYPE_INT64),
        "file_version": (3, Field.TYPE_STRING), "summary": (5, "Summary"),
    },
    "Summary": {"value": (1, "*Value")},
    "Value": {"tag": (1, Field.TYPE_STRING), "simple_value": (2, Field.TYPE_FLOAT), "audio": (6, "Audio")},
    "Audio": {
        "sample_rate": (1, Field.TYPE_FLOAT), "num_channels": (2, Field.TYPE_INT64),
        "length_frames": (3, Field.TYPE_INT64), "encoded_audio_string": (4, Field.TYPE_BYTES),
        "content_type": (5, Field.TYPE_STRING),
    },
}  # fmt: skip


def event_type() -> type[Message]:
    """The messages as TensorBoard declares them, for the official parser."""
    file = descriptor_pb2.FileDescriptorProto(name="events.proto", package="t", syntax="proto3")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            added = message.field.add(name=field, number=number, label=Field.LABEL_OPTIONAL)
            if isinstance(kind, str):
                added.type, added.type_name = Field.TYPE_MESSAGE, f".t.{kind.removeprefix('*')}"
                if kind.startswith("*"):
                    added.label = Field.LABEL_REPEATED
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Event"))


EVENT = event_type()


def crc32c(content: bytes) -> int:
    """Bit by bit, as the standard has it."""
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def masked(content: bytes) -> int:
    checksum = crc32c(content)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events(folder: Path) -> Iterator[Message]:
    (path,) = folder.glob("events.out.tfevents.*")
    content, at = path.read_bytes(), 0
    while at < len(content):
        length, length_sum = struct.unpack_from("<QI", content, at)
        body = content[at + 12 : at + 12 + length]
        (body_sum,) = struct.unpack_from("<I", content, at + 12 + length)
        assert length_sum == masked(content[at : at + 8])
        assert body_sum == masked(body)
        yield EVENT.FromString(body)
        at += 16 + length


def test_the_checksum_here_is_the_standards() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, appendix B.4


@given(
    st.integers(0, 2**40),
    st.dictionaries(st.text(max_size=20), st.floats(width=32, allow_nan=False), max_size=4),
)
def test_numbers_come_back(step: int, values: dict[str, float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        EventFile(Path(folder)).scalars(step, values)
        first, event = events(Path(folder))
    assert first.file_version == "brain.Event:2"  # type: ignore[attr-defined]
    assert event.step == step  # type: ignore[attr-defined]
    assert {value.tag: value.simple_value for value in event.summary.value} == values  # type: ignore[attr-defined]


def test_sound_comes_back(tmp_path: Path) -> None:
    EventFile(tmp_path / "run").audio(7, "sample-0", b"RIFF" * 1000, 48_000, 500)
    *_, event = events(tmp_path / "run")
    (value,) = event.summary.value  # type: ignore[attr-defined]
    assert value.tag == "sample-0"
    assert value.audio.encoded_audio_string == b"RIFF" * 1000
    assert (value.audio.sample_rate, value.audio.num_channels, value.audio.length_frames) == (48_000, 2, 500)
    assert value.audio.content_type == "audio/wav"
    assert event.wall_time == pytest.approx(time.time(), abs=600)  # type: ignore[attr-defined]
