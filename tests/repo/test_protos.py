"""The wire contract: its generated code is fresh, and what was released keeps its meaning for ever."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

from v2m.rpc.v1 import scoring_pb2

PROTO = "v2m/rpc/v1/scoring.proto"
FILE = scoring_pb2.DESCRIPTOR
SOURCE = FileDescriptorProto.FromString(FILE.serialized_pb)
DECLARED = {each.name: each for each in (*SOURCE.message_type, *SOURCE.enum_type)}
TYPES = {
    value: name.removeprefix("TYPE_").lower()
    for name, value in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}


def test_the_generated_code_is_that_of_the_source(repository: Path, tmp_path: Path) -> None:
    out = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{repository / 'protos'}", *out, PROTO]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("scoring_pb2.py", "scoring_pb2.pyi", "scoring_pb2_grpc.py"):
        fresh = (tmp_path / "v2m/rpc/v1" / name).read_bytes()
        assert (repository / "v2m/rpc/v1" / name).read_bytes() == fresh, f"{name} is old: run `make protos`"


def test_nothing_that_was_released_changed(repository: Path) -> None:
    released = (repository / "tests/golden/rpc_v1.txt").read_text(encoding="ascii").splitlines()
    assert len(released) > 100
    missing = set(released) - set(contract())
    assert not [line for line in missing if not is_reserved(line)]


def contract() -> Iterator[str]:
    """The contract as lines: `Message.field number type`, `Enum.VALUE number`, `rpc Name In Out`."""
    for message in FILE.message_types_by_name.values():
        yield from fields(message)
    for enum in FILE.enum_types_by_name.values():
        yield from (f"{enum.name}.{value.name} {value.number}" for value in enum.values)
    for method in FILE.services_by_name["ScoringService"].methods:
        streams = f"{'stream ' * method.client_streaming}> {'stream ' * method.server_streaming}"
        yield f"rpc {method.name} {method.input_type.name} {streams}{method.output_type.name}"


def fields(message: Descriptor) -> Iterator[str]:
    for field in message.fields:
        other = field.message_type or field.enum_type
        kind = other.full_name if other else TYPES[field.type]
        label = "repeated " if field.label == field.LABEL_REPEATED else ""
        oneof = f" in {field.containing_oneof.name}" if field.containing_oneof else ""
        yield f"{message.name}.{field.name} {field.number} {label}{kind}{oneof}"


def is_reserved(line: str) -> bool:
    """Whether a field or value that went left its number and its name behind as reserved."""
    found = re.fullmatch(r"(\w+)\.(\w+) (\d+).*", line)
    if found is None or found[1] not in DECLARED:
        return False
    declared, number = DECLARED[found[1]], int(found[3])
    spans = ((span.start, span.end) for span in declared.reserved_range)
    return found[2] in declared.reserved_name and any(start <= number < end for start, end in spans)


@pytest.mark.parametrize(
    ("line", "reserved"),
    [
        ("Gone.old 3 string", True),
        ("Gone.old 4 string", False),
        ("Gone.new 3 string", False),
        ("rpc X", False),
    ],
)
def test_only_what_is_reserved_may_go(line: str, reserved: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = DescriptorProto(name="Gone", reserved_name=["old"])
    gone.reserved_range.add(start=3, end=4)
    monkeypatch.setitem(DECLARED, "Gone", gone)
    assert is_reserved(line) is reserved


def test_every_call_has_messages_of_its_own() -> None:
    for method in FILE.services_by_name["ScoringService"].methods:
        assert method.input_type.name == f"{method.name}Request"
        assert method.output_type.name == f"{method.name}Response"


def test_every_field_says_what_it_is(repository: Path) -> None:
    """A comment stands above each, or beside it."""
    lines = (repository / "protos" / PROTO).read_text(encoding="utf-8").splitlines()
    bare = []
    for above, line in pairwise(lines):
        found = re.match(r"\s+(?:repeated |optional )?(?:[\w.]+ )?(\w+) = \d+;", line)
        if found and "//" not in above + line:
            bare.append(found[1])
    assert not bare
