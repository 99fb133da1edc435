"""From requests on the wire to job specs.

Conventions: proto3 cannot tell a number that is zero from one that is absent; fields where that matters are
`optional`. Paths are made those of this machine before a spec sees them. Times become the text of the command
line: exact seconds where they can be written as a decimal, else to a billionth of a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, Final

from v2m.errors import FieldError
from v2m.rpc.v1 import scoring_pb2 as pb
from v2m_daemon.jobs.spec import JobKind, JobSpec, Pairs
from v2m_daemon.ranges import join_range

Here = Callable[[str], str]
"""What a client's path is called on this machine."""

SECONDS_DIGITS: Final = 9
"""Far finer than the half frame to which the worker rounds."""

LOCKS: Final = {pb.LOCK_UNSPECIFIED: (), pb.LOCK_RHYTHM: ("rhythm",)}


def score_spec(request: pb.ScoreRequest, here: Here) -> JobSpec:
    """The job that a ScoreRequest asks for.

    Raises:
        FieldError: a field makes no sense.
    """
    return _spec(
        JobKind.SCORE,
        document=_path("document", request.document, here),
        **_submission(request.submission),
        **_reading(request.reading, here),
        **_composing(request.composing, here),
        **_destination(request.destination, here),
    )


def analyze_spec(request: pb.AnalyzeRequest, here: Here) -> JobSpec:
    """The job that an AnalyzeRequest asks for.

    Raises:
        FieldError: a field makes no sense.
    """
    return _spec(
        JobKind.ANALYZE,
        document=_path("document", request.document, here),
        **_submission(request.submission),
        **_reading(request.reading, here),
    )


def retime_spec(request: pb.RetimeRequest, here: Here) -> JobSpec:
    """The job that a RetimeRequest asks for.

    Raises:
        FieldError: a field makes no sense.
    """
    nudges: Pairs = tuple((_time("nudges", each.old), _time("nudges", each.new)) for each in request.nudges)
    return _spec(
        JobKind.RETIME,
        document=_path("take", request.take, here),
        timeline=_path("document", request.document, here) if request.document else None,
        nudges=nudges,
        max_bend=_given(request, "max_bend"),
        **_submission(request.submission),
        **_destination(request.destination, here),
    )


def restyle_spec(request: pb.RestyleRequest, here: Here) -> JobSpec:
    """The job that a RestyleRequest asks for.

    Raises:
        FieldError: a field makes no sense.
    """
    if request.lock not in LOCKS:
        raise FieldError(f"lock is {request.lock}, expected one of {list(LOCKS)}.", detail="lock")
    return _spec(
        JobKind.RESTYLE,
        document=_path("take", request.take, here),
        prompt=request.prompt or None,
        lock=_names((*LOCKS[request.lock], *request.locked_parts)),
        only=_names(request.only),
        mute=_names(request.mute),
        solo=_names(request.solo),
        intensity=tuple(_intensity(each) for each in request.intensity),
        range=_span("range", request.range) if request.HasField("range") else None,
        seed=_given(request, "seed"),
        **_submission(request.submission),
        **_destination(request.destination, here),
    )


def _spec(kind: JobKind, **values: Any) -> JobSpec:  # noqa: ANN401 - the fields of a spec
    """A spec of what was given; what was not keeps the spec's default."""
    return JobSpec(kind=kind, **{name: value for name, value in values.items() if value is not None})


def _submission(submission: pb.Submission) -> dict[str, Any]:
    return {
        "request_id": submission.request_id,
        "client": submission.client,
        "priority": submission.priority,
    }


def _reading(reading: pb.Reading, here: Here) -> dict[str, Any]:
    return {
        "picture": _path("picture", reading.picture, here) if reading.picture else None,
        "encoder": reading.encoder or None,
        "in_point": _time("in_point", reading.in_point) if reading.HasField("in_point") else None,
        "out_point": _time("out_point", reading.out_point) if reading.HasField("out_point") else None,
        "path_map": tuple((each.in_document, here(each.on_daemon)) for each in reading.path_map),
        "frame_rate": reading.frame_rate or None,
        "tempo_bpm": _given(reading, "tempo_bpm"),
        "tempo_freedom": _given(reading, "tempo_freedom"),
    }


def _composing(composing: pb.Composing, here: Here) -> dict[str, Any]:
    return {
        "prompt": composing.prompt or None,
        "backbone": composing.backbone or None,
        "takes": composing.takes or None,
        "seed": _given(composing, "seed"),
        "adherence": _given(composing, "adherence"),
        "steps": _given(composing, "steps"),
        "loudness_lufs": _given(composing, "loudness_lufs"),
        "soundfont": _path("soundfont", composing.soundfont, here) if composing.soundfont else None,
        "adapter": _path("adapter", composing.adapter, here) if composing.adapter else None,
        "lora_strength": _given(composing, "lora_strength"),
    }


def _destination(destination: pb.Destination, here: Here) -> dict[str, Any]:
    place = destination.WhichOneof("place")
    return {
        "out_dir": _path("out_dir", destination.out_dir, here) if place == "out_dir" else None,
        "in_place": place == "beside_document" and destination.beside_document,
        "overwrite": destination.overwrite,
        "to": destination.format or None,
    }


def _names(names: Iterable[str]) -> str | None:
    return ",".join(names) or None


def _intensity(intensity: pb.Intensity) -> tuple[str, str]:
    match intensity.WhichOneof("where"):
        case "hit":
            return intensity.hit, repr(intensity.amount)
        case "span":
            return _span("intensity", intensity.span), repr(intensity.amount)
    raise FieldError("intensity says no place: give a hit or a span.", detail="intensity")


def _span(name: str, span: pb.Span) -> str:
    return join_range(_time(name, span.begin), _time(name, span.end))


def _path(name: str, path: str, here: Here) -> str:
    """Told by the name that it has in the request."""
    mapped = here(path)
    if not os.path.isabs(mapped):
        raise FieldError(f"{name} is {path!r:.100}, expected an absolute path.", detail=name)
    return mapped


def _given(message: Any, name: str) -> Any:  # noqa: ANN401 - a message with this optional field
    return getattr(message, name) if message.HasField(name) else None


def _time(name: str, point: pb.TimePoint) -> str:
    match point.WhichOneof("at"):
        case "frame":
            return f"{point.frame}f"
        case "timecode":
            if ":" not in point.timecode:
                raise FieldError(f"{point.timecode!r:.100} is no timecode.", detail=name)
            return str(point.timecode)
        case "seconds":
            if point.seconds.denominator <= 0:
                raise FieldError(
                    f"{name} has the denominator {point.seconds.denominator}, expected one above zero.",
                    detail=name,
                )
            return _decimal(Fraction(point.seconds.numerator, point.seconds.denominator))
    raise FieldError(f"{name} says no time: give seconds, frame or timecode.", detail=name)


def _decimal(seconds: Fraction) -> str:
    """Without an exponent, which the command line does not know."""
    scaled = round(abs(seconds) * 10**SECONDS_DIGITS)
    whole, rest = divmod(scaled, 10**SECONDS_DIGITS)
    digits = f"{rest:0{SECONDS_DIGITS}d}".rstrip("0")
    sign = "-" if seconds < 0 and scaled else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
