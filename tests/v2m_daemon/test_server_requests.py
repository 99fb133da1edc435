"""Requests become the very job that the command line would have made."""

import os
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.server.requests import analyze_spec, restyle_spec, retime_spec, score_spec

from v2m.errors import FieldError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m.timebase import frame_to_seconds, parse_time, seconds_to_frame

EDIT = os.path.abspath("/edits/film.otio")
RATE = Fraction(24000, 1001)


def same(path: str) -> str:
    return path


def point(**at: object) -> pb.TimePoint:
    return pb.TimePoint(**at)  # type: ignore[arg-type]


def test_an_empty_request_is_the_job_of_no_flags() -> None:
    assert score_spec(pb.ScoreRequest(document=EDIT), same) == JobSpec(kind=JobKind.SCORE, document=EDIT)
    assert analyze_spec(pb.AnalyzeRequest(document=EDIT), same) == JobSpec(
        kind=JobKind.ANALYZE, document=EDIT
    )


def test_a_full_request_says_all_of_it() -> None:
    request = pb.ScoreRequest(
        document=EDIT,
        submission=pb.Submission(request_id="r", client="c", priority=-3),
        reading=pb.Reading(
            picture=EDIT, encoder="dinov2", in_point=point(frame=12), out_point=point(timecode="01:00:00:10"),
            path_map=[pb.PathMapping(in_document="D:/", on_daemon=EDIT)], tempo_bpm=90, tempo_freedom=0.0,
            frame_rate="25",
        ),
        composing=pb.Composing(
            prompt="calm", backbone="paper", takes=4, seed=0, adherence=0.0, steps=8, loudness_lufs=-14,
            soundfont=EDIT, adapter=EDIT, lora_strength=0.0,
        ),
        destination=pb.Destination(out_dir=EDIT, overwrite=True, format="edl"),
    )  # fmt: skip
    assert score_spec(request, same) == JobSpec(
        kind=JobKind.SCORE, document=EDIT, request_id="r", client="c", priority=-3, picture=EDIT,
        encoder="dinov2", in_point="12f", out_point="01:00:00:10", path_map=(("D:/", EDIT),), tempo_bpm=90,
        tempo_freedom=0.0, frame_rate="25",
        prompt="calm", backbone="paper", takes=4, seed=0, adherence=0.0, steps=8,
        loudness_lufs=-14, soundfont=EDIT, adapter=EDIT, lora_strength=0.0, out_dir=EDIT, overwrite=True,
        to="edl",
    )  # fmt: skip


def test_every_path_is_made_one_of_this_machine() -> None:
    def here(path: str) -> str:
        return path.replace("D:", os.path.abspath("/mnt"))

    request = pb.ScoreRequest(
        document="D:/a.otio",
        reading=pb.Reading(
            picture="D:/b.mov", path_map=[pb.PathMapping(in_document="D:/m", on_daemon="D:/n")]
        ),
        composing=pb.Composing(soundfont="D:/c.sf2", adapter="D:/e.safetensors"),
        destination=pb.Destination(out_dir="D:/out"),
    )
    spec = score_spec(request, here)
    assert all(path.startswith(os.path.abspath("/mnt")) for _, path in spec.paths())
    assert len(list(spec.paths())) == 6
    assert spec.path_map == (("D:/m", os.path.abspath("/mnt") + "/n"),)


def test_takes_are_retimed_and_restyled() -> None:
    nudge = pb.Nudge(old=point(frame=24), new=point(seconds=pb.Rational(numerator=5, denominator=4)))
    retimed = retime_spec(pb.RetimeRequest(take=EDIT, nudges=[nudge]), same)
    assert (retimed.document, retimed.nudges, retimed.timeline) == (EDIT, (("24f", "1.25"),), None)
    assert retime_spec(pb.RetimeRequest(take=EDIT, document=EDIT), same).timeline == EDIT
    restyled = restyle_spec(pb.RestyleRequest(take=EDIT, prompt="calm", lock=pb.LOCK_RHYTHM), same)
    assert (restyled.prompt, restyled.lock, restyled.seed) == ("calm", "rhythm", None)
    span = pb.Span(begin=point(frame=48), end=point(timecode="01:00:04:00"))
    wish = pb.RestyleRequest(
        take=EDIT, lock=pb.LOCK_RHYTHM, locked_parts=["harmony"], mute=["extras"],
        intensity=[pb.Intensity(hit="cut-3", amount=1.5), pb.Intensity(span=span, amount=-1)],
    )  # fmt: skip
    asked = restyle_spec(wish, same)
    assert (asked.prompt, asked.lock, asked.mute) == (None, "rhythm,harmony", "extras")
    assert asked.intensity == (("cut-3", "1.5"), ("48f..01:00:04:00", "-1.0"))
    assert restyle_spec(pb.RestyleRequest(take=EDIT, range=span), same).range == "48f..01:00:04:00"
    beside = pb.Destination(beside_document=True)
    assert restyle_spec(pb.RestyleRequest(take=EDIT, prompt="x", destination=beside), same).in_place


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ScoreRequest(document="film.otio"), "document"),
        (pb.ScoreRequest(document=EDIT, reading=pb.Reading(in_point=point())), "in_point"),
        (pb.ScoreRequest(document=EDIT, reading=pb.Reading(in_point=point(timecode="12"))), "in_point"),
        (
            pb.ScoreRequest(document=EDIT, reading=pb.Reading(out_point=point(seconds=pb.Rational()))),
            "out_point",
        ),
        (pb.ScoreRequest(document=EDIT, composing=pb.Composing(takes=-1)), "takes"),
        (pb.ScoreRequest(document=EDIT, composing=pb.Composing(adherence=float("inf"))), "adherence"),
        (pb.ScoreRequest(document=EDIT, destination=pb.Destination(out_dir="x")), "out_dir"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(request_: pb.ScoreRequest, field: str) -> None:
    with pytest.raises(FieldError) as refused:
        score_spec(request_, same)
    assert refused.value.detail == field


def test_an_unknown_lock_is_refused() -> None:
    with pytest.raises(FieldError, match="lock"):
        restyle_spec(pb.RestyleRequest(take=EDIT, prompt="x", lock=7), same)  # type: ignore[arg-type]


@given(st.integers(-10_000_000, 10_000_000), st.sampled_from([RATE, Fraction(25), Fraction(60000, 1001)]))
def test_a_rational_time_is_the_frame_that_it_was(frame: int, rate: Fraction) -> None:
    seconds = frame_to_seconds(frame, rate)
    at = point(seconds=pb.Rational(numerator=seconds.numerator, denominator=seconds.denominator))
    text = score_spec(pb.ScoreRequest(document=EDIT, reading=pb.Reading(in_point=at)), same).in_point
    assert text is not None
    assert seconds_to_frame(parse_time(text, rate), rate) == frame
