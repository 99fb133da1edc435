"""Documents that would hang or crash a reader are one sentence, soon: what hangs runs into the time limit."""

from __future__ import annotations

import contextlib
import copy
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from v2m_otio.limits import MAX_BYTES, MAX_OBJECTS, checked_document
from v2m_otio.markers import identified
from v2m_otio.read import read_document

from v2m.errors import DocumentError
from v2m.timeline import Marker

pytestmark = pytest.mark.timeout(60)

START = '{"OTIO_SCHEMA": "Timeline.1", "metadata": '


def refused(raw: bytes | str) -> str:
    with pytest.raises(DocumentError) as caught:
        checked_document(raw if isinstance(raw, bytes) else raw.encode(), "evil.otio")
    assert "\n" not in caught.value.message
    assert "evil.otio" in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("brackets", ["[", '{"a":'])
def test_deep_nesting_is_answered_at_once(brackets: str) -> None:
    assert "deeply" in refused(START + brackets * 30_000)
    assert "deeply" in refused(START + "[" * 300 + "]" * 300 + "}")


def test_twenty_thousand_nested_stacks() -> None:
    head = '{"OTIO_SCHEMA":"Stack.1","children":['
    assert "deeply" in refused('{"OTIO_SCHEMA":"Timeline.1","tracks":' + head * 20_000 + "]}" * 20_000 + "}")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 5000])
def test_numbers_are_finite_everywhere(number: str) -> None:
    refused(START + '{"a": [' + number + "]}}")


def time_range(value: object = 24, rate: object = 24, start: object = 0) -> str:
    def rational(count: object) -> dict[str, object]:
        return {"OTIO_SCHEMA": "RationalTime.1", "value": count, "rate": rate}

    return json.dumps(
        {"OTIO_SCHEMA": "TimeRange.1", "start_time": rational(start), "duration": rational(value)}
    )


@pytest.mark.parametrize(
    "values",
    [
        {"rate": 0}, {"rate": -24}, {"rate": 1e9}, {"rate": 10**400}, {"rate": None}, {"rate": "24"},
        {"rate": True}, {"value": -1}, {"value": 1e300}, {"value": 48 * 3600 * 24 + 1}, {"start": 1e12},
        {"value": []},
    ],
)  # fmt: skip
def test_times_have_sense(values: dict[str, Any]) -> None:
    checked_document((START + time_range() + "}").encode(), "fine.otio")
    refused(START + time_range(**values) + "}")


@pytest.mark.slow
def test_sizes() -> None:
    assert "MiB" in refused(b" " * (MAX_BYTES + 1))
    assert "parts" in refused("[" + "[]," * 1_500_000 + "[]]")
    marker = '{"OTIO_SCHEMA":"Foo.1"}'
    assert str(MAX_OBJECTS) in refused(START + "[" + f"{marker}," * MAX_OBJECTS + marker + "]}")


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"3", b"{}", b"\xff\xfe{\x00", b"not json", b'{"OTIO_SCHEMA": 3}', b'{"OTIO']
)
def test_what_is_no_document(raw: bytes) -> None:
    refused(raw)


@pytest.mark.slow
def test_many_markers_on_one_frame_cost_no_more_than_their_number() -> None:
    alike = [Marker("alike", Fraction(1), name="same") for _ in range(50_000)]  # squared: over ten minutes
    assert len({marker.id for marker in identified(alike)}) == 50_000


@pytest.mark.parametrize("schema", ["UnknownSchema.1", "Test.1", "Composable.1"])
def test_names_that_end_the_library_are_refused(schema: str) -> None:
    assert schema in refused(START + '{"OTIO_SCHEMA":"' + schema + '","metadata":{}}}')


@pytest.mark.parametrize("holds", ['{"a":%s}', "[%s]", '{"metadata":{"a":%s}}', "3"])
@pytest.mark.parametrize(
    "field", ["Clip.1/media_reference", "Clip.1/media_references", "Marker.1/range", "Marker.1/marked_range"]
)
def test_what_is_renamed_and_no_object_does_not_end_the_process(field: str, holds: str) -> None:
    schema, _, key = field.partition("/")
    value = holds.replace("%s", '{"OTIO_SCHEMA":"MissingReference.1"}')
    assert f"has a {key}" in refused(START + f'{{"OTIO_SCHEMA":"{schema}","{key}":{value}}}}}')


def test_a_speed_without_sense_is_refused() -> None:
    refused(START + '{"OTIO_SCHEMA":"LinearTimeWarp.1","time_scalar":1e9}}')


def test_a_byte_order_mark_is_no_fault() -> None:
    assert (
        checked_document(b"\xef\xbb\xbf" + (START + "{}}").encode(), "a.otio")["OTIO_SCHEMA"] == "Timeline.1"
    )


def test_two_spellings_of_one_key_cannot_differ_between_parsers(edit: Any, save: Any) -> None:
    path = save(edit.timeline(edit.track(edit.clip("a", 24))))
    text = path.read_text().replace('"rate":', '"rate": 0.0, "rate":')
    path.write_text(text)
    assert read_document(path).timeline.duration_s == 1


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ({"OTIO_SCHEMA": "Clip.2"}, "holds a Clip"),
        ({"OTIO_SCHEMA": "Timeline.1"}, "valid"),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": None}, "without tracks"),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": 3}, "valid"),
        ({"OTIO_SCHEMA": "Timeline.99", "tracks": None}, r"Timeline\.99"),
        ({"OTIO_SCHEMA": "Timeline"}, "valid"),
        ({"OTIO_SCHEMA": "SerializableCollection.1", "children": []}, "holds 0 timelines"),
        ({"OTIO_SCHEMA": "SerializableCollection.1", "children": None}, "expected a Timeline"),
        ({"OTIO_SCHEMA": "Timeline.1", "name": "\ud800"}, "valid"),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": [None]}}, "valid"),
        ({"OTIO_SCHEMA": "Timeline.1", "tracks": {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "a"}}, "."),
    ],
)
def test_wrong_shapes(tmp_path: Path, root: dict[str, Any], says: str) -> None:
    path = tmp_path / "edit.otio"
    path.write_text(json.dumps(root))
    with pytest.raises(DocumentError, match=says):
        read_document(path)


def test_a_collection_of_one_timeline_is_that_timeline(edit: Any, save: Any) -> None:
    import opentimelineio as otio

    timeline = edit.timeline(edit.track(edit.clip("a", 24)))
    one = otio.schema.SerializableCollection(children=[timeline, otio.schema.Clip("loose")])
    assert read_document(save(one)).timeline.duration_s == 1
    one.append(timeline.deepcopy())
    with pytest.raises(DocumentError, match="2 timelines"):
        read_document(save(one))


@pytest.mark.parametrize("name", ["a.mlt", "a.drp", "a.fcpxmld", "a.txt", "a"])
def test_other_formats_say_what_is_readable(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("TITLE: x")
    with pytest.raises(DocumentError, match=r"expected one of \.otio, \.otioz, \.otiod, \.edl"):
        read_document(tmp_path / name)


def test_what_is_not_there_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="was not found"):
        read_document(tmp_path / "none.otio")
    (tmp_path / "folder.otio").mkdir()
    with pytest.raises(DocumentError, match="was not found"):
        read_document(tmp_path / "folder.otio")


_LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_mutated_documents_read_or_are_refused(data: st.DataObject, edit: Any, save: Any) -> None:
    """Any value of a real layout is replaced by any other."""
    clip = edit.clip("a", 24, start=5, url="a.mov", available=edit.span(0, 99), speed=2.0)
    clip.markers.append(edit.marker(7, "m"))
    inner = edit.stack(edit.track(edit.clip("x", 10)))
    inner.source_range = edit.span(2, 6)
    track = edit.track(clip, edit.transition(2, 2), inner, edit.gap(3))
    text = edit.timeline(track, start=86400).to_json_string()
    content, graft = json.loads(text), json.loads(text)["tracks"]["children"][0]
    spots: list[tuple[Any, Any]] = []
    waiting = [content]
    while waiting:
        node = waiting.pop()
        pairs = list(node.items() if isinstance(node, dict) else enumerate(node))
        spots += [(node, key) for key, _ in pairs]
        waiting += [value for _, value in pairs if isinstance(value, dict | list)]
    for _ in range(data.draw(st.integers(1, 3))):
        node, key = data.draw(st.sampled_from(spots))
        node[key] = copy.deepcopy(data.draw(_LEAVES | st.sampled_from([graft, graft["children"][0], [], {}])))
    path = save(edit.timeline(edit.track(edit.clip("a", 1))))
    path.write_text(json.dumps(content))
    with contextlib.suppress(DocumentError):
        assert read_document(path).timeline.duration_s > 0


def test_reading_runs_no_plugin(tmp_path: Path, edit: Any, save: Any) -> None:
    """Neither a manifest in the environment nor an installed one gets to run code."""
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    manifest = {
        "OTIO_SCHEMA": "PluginManifest.1",
        "schemadefs": [{"OTIO_SCHEMA": "SchemaDef.1", "name": "evil", "filepath": "evil.py"}],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    path = save(edit.timeline(edit.track(edit.clip("a", 24))))
    script = (
        "import sys; from pathlib import Path; from v2m_otio.read import read_document\n"
        f"print(read_document(Path({str(path)!r})).timeline.duration_s)\n"
        "from opentimelineio.plugins import manifest; assert manifest._MANIFEST is None"
    )
    environment = {"OTIO_PLUGIN_MANIFEST_PATH": str(tmp_path / "manifest.json"), "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "1", done.stderr
    assert not (tmp_path / "ran").exists()
