"""Job specs as messages on the wire.

Conventions: a spec's times are text of the command line; on the wire they are exact: frames, a timecode, or
seconds as a ratio.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from v2m.errors import FieldError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon.jobs.spec import JobKind, JobSpec, names_in
from v2m_daemon.ranges import split_range

_FRAMES: Final = re.compile(r"-?\d+f")
_SECONDS: Final = re.compile(r"-?(\d+(\.\d+)?|\.\d+)s?")
_INT64: Final = 2**63


def request_of(spec: JobSpec) -> tuple[str, Any]:
    """The method that takes a spec, and its request.

    Raises:
        FieldError: a time is no time.
    """
    method, build = _METHODS[spec.kind]
    return method, build(spec)


def _score(spec: JobSpec) -> pb.ScoreRequest:
    return pb.ScoreRequest(
        submission=_submission(spec),
        document=spec.document,
        reading=_reading(spec),
        composing=_composing(spec),
        destination=_destination(spec),
    )


def _analyze(spec: JobSpec) -> pb.AnalyzeRequest:
    return pb.AnalyzeRequest(submission=_submission(spec), document=spec.document, reading=_reading(spec))


def _retime(spec: JobSpec) -> pb.RetimeRequest:
    nudges = (pb.Nudge(old=_point("nudges", old), new=_point("nudges", new)) for old, new in spec.nudges)
    return pb.RetimeRequest(
        submission=_submission(spec),
        take=spec.document,
        document=spec.timeline or "",
        nudges=nudges,
        max_bend=spec.max_bend,
        destination=_destination(spec),
    )


def _restyle(spec: JobSpec) -> pb.RestyleRequest:
    return pb.RestyleRequest(
        submission=_submission(spec),
        take=spec.document,
        prompt=spec.prompt or "",
        locked_parts=names_in(spec.lock),
        only=names_in(spec.only),
        mute=names_in(spec.mute),
        solo=names_in(spec.solo),
        intensity=(_intensity(where, amount) for where, amount in spec.intensity),
        range=None if spec.range is None else _span("range", spec.range),
        seed=spec.seed,
        destination=_destination(spec),
    )


def _intensity(where: str, amount: str) -> pb.Intensity:
    try:
        return pb.Intensity(span=_span("intensity", where), amount=float(amount))
    except FieldError:  # no times, so it names a hit
        return pb.Intensity(hit=where, amount=float(amount))


def _span(name: str, text: str) -> pb.Span:
    parts = split_range(text)
    if parts is None:
        raise FieldError(f"{name} is {text!r:.100}, expected A..B.", detail=name)
    return pb.Span(begin=_point(name, parts[0]), end=_point(name, parts[1]))


_METHODS: Final[Mapping[JobKind, tuple[str, Callable[[JobSpec], Any]]]] = {
    JobKind.SCORE: ("Score", _score),
    JobKind.ANALYZE: ("Analyze", _analyze),
    JobKind.RETIME: ("Retime", _retime),
    JobKind.RESTYLE: ("Restyle", _restyle),
}


def _submission(spec: JobSpec) -> pb.Submission:
    return pb.Submission(request_id=spec.request_id, client=spec.client, priority=spec.priority)


def _reading(spec: JobSpec) -> pb.Reading:
    return pb.Reading(
        picture=spec.picture or "",
        encoder=spec.encoder,
        in_point=None if spec.in_point is None else _point("in_point", spec.in_point),
        out_point=None if spec.out_point is None else _point("out_point", spec.out_point),
        path_map=(pb.PathMapping(in_document=there, on_daemon=here) for there, here in spec.path_map),
        frame_rate=spec.frame_rate or "",
        tempo_bpm=spec.tempo_bpm,
        tempo_freedom=spec.tempo_freedom,
    )


def _composing(spec: JobSpec) -> pb.Composing:
    return pb.Composing(
        prompt=spec.prompt or "",
        backbone=spec.backbone,
        takes=spec.takes,
        seed=spec.seed,
        adherence=spec.adherence,
        steps=spec.steps,
        loudness_lufs=spec.loudness_lufs,
        soundfont=spec.soundfont or "",
        adapter=spec.adapter or "",
        lora_strength=spec.lora_strength,
    )


def _destination(spec: JobSpec) -> pb.Destination:
    destination = pb.Destination(overwrite=spec.overwrite, format=spec.to)
    if spec.out_dir is not None:
        destination.out_dir = spec.out_dir
    elif spec.in_place:
        destination.beside_document = True
    return destination


def _point(name: str, text: str) -> pb.TimePoint:
    text = text.strip()
    if ":" in text:
        return pb.TimePoint(timecode=text)
    if _FRAMES.fullmatch(text):
        return pb.TimePoint(frame=_whole(name, int(text[:-1])))
    if _SECONDS.fullmatch(text):
        exact = Fraction(text.rstrip("s"))
        numerator, denominator = _whole(name, exact.numerator), _whole(name, exact.denominator)
        return pb.TimePoint(seconds=pb.Rational(numerator=numerator, denominator=denominator))
    raise FieldError(
        f"{name} is {text!r:.100}, expected seconds (12.4), frames (120f) or timecode (00:00:12:10).",
        detail=name,
    )


def _whole(name: str, value: int) -> int:
    if not -_INT64 <= value < _INT64:
        raise FieldError(f"{name} is too large or too fine a number to be sent.", detail=name)
    return value
