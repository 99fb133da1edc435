"""A job as plain data: what makes no sense is refused by the name of its field, and JSON says all of it."""

import contextlib
import dataclasses
import inspect
import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.cli import build_parser
from v2m_daemon.jobs.spec import NUMBERS, JobKind, JobSpec
from v2m_daemon.jobs.view import JobError, JobState, JobView

from v2m.errors import BusyError, FieldError

EDIT = os.path.abspath("/edits/film.otio")


def spec(**values: Any) -> JobSpec:
    return JobSpec(**({"kind": JobKind.SCORE, "document": EDIT} | values))


def test_flags_left_out_are_those_of_the_command_line() -> None:
    left_out = vars(build_parser().parse_args(["score", EDIT]))
    names = {"out_dir": "out", "tempo_bpm": "tempo", "loudness_lufs": "loudness"}
    compared = 0
    for name, field in inspect.signature(JobSpec).parameters.items():
        if (flag := names.get(name, name)) in left_out and name != "timeline":  # which is the document here
            value = left_out[flag]
            assert (tuple(value) if isinstance(value, list) else value) == field.default, name
            compared += 1
    assert compared >= 18


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
paths = names.map(lambda name: os.path.abspath("/") + name)
pairs = st.lists(st.tuples(names, paths), max_size=3).map(tuple)
scores = st.builds(
    JobSpec,
    kind=st.just(JobKind.SCORE),
    document=paths,
    out_dir=st.none() | paths,
    overwrite=st.booleans(),
    client=names,
    priority=st.integers(-10, 10),
    request_id=names,
    path_map=pairs,
    tempo_bpm=st.none() | st.floats(60, 180),
    prompt=st.none() | names,
    takes=st.integers(1, 16),
    seed=st.none() | st.integers(0, 2**53),
    adherence=st.floats(0, 1),
)
retimes = st.builds(
    JobSpec,
    kind=st.just(JobKind.RETIME),
    document=paths,
    nudges=st.lists(st.tuples(names, names), min_size=1, max_size=3).map(tuple),
)


@given(scores | retimes)
def test_json_says_all_of_it(job: JobSpec) -> None:
    assert JobSpec.from_json(json.loads(json.dumps(job.to_json()))) == job


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"document": "film.otio"}, "document"),
        ({"document": "D:film.otio"}, "document"),
        ({"document": EDIT + "\0"}, "document"),
        ({"document": EDIT + "\udc80"}, "document"),
        ({"document": EDIT + "x" * 10_000}, "document"),
        ({"document": 7}, "document"),
        ({"out_dir": "results"}, "out_dir"),
        ({"out_dir": EDIT, "in_place": True}, "out_dir"),
        ({"takes": 17}, "takes"),
        ({"takes": True}, "takes"),
        ({"takes": 1.5}, "takes"),
        ({"seed": -1}, "seed"),
        ({"adherence": float("nan")}, "adherence"),
        ({"lora_strength": 2.5}, "lora_strength"),
        ({"tempo_bpm": 59}, "tempo_bpm"),
        ({"overwrite": 1}, "overwrite"),
        ({"path_map": (("D:/a", "b"),)}, "path_map"),
        ({"path_map": (("", EDIT),)}, "path_map"),
        ({"path_map": (("a",),)}, "path_map"),
        ({"backbone": ""}, "backbone"),
        ({"client": "x" * 129}, "client"),
        ({"kind": "sing"}, "kind"),
        ({"nudges": (("1", "2"),)}, "nudges"),
        ({"kind": JobKind.RETIME}, "nudges"),
        ({"kind": JobKind.RETIME, "timeline": EDIT, "nudges": (("1", "2"),)}, "nudges"),
        ({"kind": JobKind.RETIME, "timeline": EDIT, "takes": 2}, "takes"),
        ({"kind": JobKind.RESTYLE}, "prompt"),
        ({"kind": JobKind.RETIME, "nudges": (("1", "2"),), "max_bend": 26}, "max_bend"),
        ({"kind": JobKind.RESTYLE, "prompt": ""}, "prompt"),
        ({"kind": JobKind.RESTYLE, "prompt": "calm", "lock": "kazoo"}, "lock"),
        ({"kind": JobKind.RESTYLE, "only": "drums,"}, "only"),
        ({"kind": JobKind.RESTYLE, "lock": "drums", "only": "bass"}, "only"),
        ({"kind": JobKind.RESTYLE, "mute": "drums", "solo": "bass"}, "solo"),
        ({"kind": JobKind.RESTYLE, "range": "soon"}, "range"),
        ({"kind": JobKind.RESTYLE, "range": "1..2", "lock": "drums"}, "lock"),
        ({"kind": JobKind.RESTYLE, "intensity": (("cut-1", "6"),)}, "intensity"),
        ({"kind": JobKind.RESTYLE, "intensity": (("cut-1", "much"),)}, "intensity"),
        ({"kind": JobKind.SCORE, "lock": "drums"}, "lock"),
        ({"kind": JobKind.ANALYZE, "prompt": "calm"}, "prompt"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(values: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as refused:
        spec(**values)
    assert refused.value.detail == field


@pytest.mark.parametrize(
    "path", ["/edits/a.otio", "D:\\Edits\\a.otio", "d:/a.otio", "\\\\nas\\edits\\a.otio"]
)
def test_a_path_may_be_one_of_the_daemons_system(path: str) -> None:
    assert spec(document=path, out_dir=path).document == path


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_both_ends_of_every_range_are_taken(name: str) -> None:
    others = {"kind": JobKind.RETIME, "nudges": (("1", "2"),)} if name == "max_bend" else {}
    for value in NUMBERS[name]:
        assert getattr(spec(**others, **{name: value}), name) == value


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"kind": "score"}, "document"),
        ({"document": EDIT}, "kind"),
        ({"kind": "score", "document": EDIT, "colour": "red"}, "colour"),
        ({"kind": [], "document": EDIT}, "kind"),
        ({"kind": "score", "document": EDIT, "path_map": {"a": "b"}}, "path_map"),
        ({"kind": "score", "document": EDIT, "path_map": [["a", "/b", "c"]]}, "path_map"),
        ([], ""),
        (None, ""),
    ],
)
def test_json_that_is_no_spec_is_refused_by_name(data: object, field: str) -> None:
    with pytest.raises(FieldError) as refused:
        JobSpec.from_json(data)
    assert refused.value.detail == field


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(inspect.signature(JobSpec).parameters)), inner)))  # fmt: skip # noqa: E501
def test_any_json_is_a_spec_or_refused(data: object) -> None:
    with contextlib.suppress(FieldError):
        assert isinstance(JobSpec.from_json(data), JobSpec)


def test_results_go_where_the_spec_says() -> None:
    assert spec().result_dir("/own") == "/own"
    assert spec(in_place=True).result_dir("/own") == os.path.dirname(EDIT)
    assert spec(out_dir=EDIT).result_dir("/own") == EDIT


def test_every_path_is_told() -> None:
    job = spec(
        picture=EDIT + ".mov",
        soundfont=EDIT + ".sf2",
        adapter=EDIT + ".st",
        out_dir=EDIT + "-out",
        path_map=(("D:/", EDIT),),
    )
    assert dict(job.paths()).keys() == {"document", "picture", "soundfont", "adapter", "out_dir", "path_map"}


def test_a_view_crosses_as_json() -> None:
    view = JobView(
        id="a", kind=JobKind.SCORE, state=JobState.DONE, document=EDIT, out_dir="/own", created_ms=1,
        outputs={"wav": "/own/a.wav"}, result={"sch": {"value": 1.0}},
    )  # fmt: skip
    failed = dataclasses.replace(
        view, state=JobState.FAILED, error=JobError.of(BusyError("Full.", hint="Wait."))
    )
    for one in (view, failed):
        assert JobView.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert failed.error is not None
    assert isinstance(failed.error.as_error(), BusyError)
    with pytest.raises(FieldError, match="mood"):
        JobView.from_json(view.to_json() | {"mood": "good"})
    with pytest.raises(FieldError, match="asleep"):
        JobView.from_json(view.to_json() | {"state": "asleep"})


def test_three_states_are_final() -> None:
    assert [state for state in JobState if state.is_final] == ["done", "failed", "cancelled"]
