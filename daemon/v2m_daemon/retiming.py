"""What a retime asks for, read: nudges of a take's hits, or the timeline as it is cut now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from v2m_otio.read import Document, open_document

from v2m.errors import InputError
from v2m.hits import find_hits
from v2m.retime import MAX_BEND, Retiming, plan_retime
from v2m.retime.following import followed, followed_end
from v2m.retime.nudge import nudged, read_nudges
from v2m.sound_take.opened import AnyTake
from v2m.take.record import Source
from v2m.timeline import Timeline
from v2m_daemon.homecoming import homecoming
from v2m_daemon.programme import fingerprint


@dataclass(frozen=True)
class Wish:
    """What a user asks for."""

    nudges: tuple[tuple[str, str], ...] = ()
    timeline: Path | None = None
    max_bend: float = MAX_BEND


@dataclass(frozen=True)
class Asked:
    """The same, read."""

    take: AnyTake
    """The take in the form that is changed."""

    retiming: Retiming
    document: Document | None
    """Where the music goes."""

    start_s: Fraction | None
    """Where it begins there; None: where the take's timecode says."""


@contextmanager
def read_wish(take: AnyTake, wish: Wish, roots: Sequence[Path] = ()) -> Iterator[Asked]:
    """Plan what is asked for; the document stays readable while the context lasts.

    Args:
        take: the take.
        wish: what is asked of it.
        roots: folders that documents and media may lie in; empty for anywhere.

    Raises:
        UsageError: a nudge means no hit.
        DocumentError: the new timeline cannot be read.
        InputError: it has another frame rate.
    """
    if take.record.redone is not None:
        take = take.settled  # spans that were composed again stay so, wherever hits go
    if wish.timeline is None:
        with homecoming(take, roots) as document:
            yield Asked(take, _nudging(take, wish), document, None)
        return
    with open_document(wish.timeline, rate=take.record.frame_rate, media_roots=tuple(roots)) as document:
        start_s, part = _part(take, document.timeline)
        yield Asked(take, _recutting(take, wish, part), document, start_s)


def _nudging(take: AnyTake, wish: Wish) -> Retiming:
    record = take.record
    nudges = read_nudges(record, wish.nudges)
    plan = plan_retime(record.before, nudged(record, nudges), record.duration_s, None, max_bend=wish.max_bend)
    asked = {"retime": {"nudges": [[n.hit.id, float(n.hit.time_s), float(n.to_s)] for n in nudges]}}
    return Retiming(plan, wish.max_bend, asked)


def _part(take: AnyTake, timeline: Timeline) -> tuple[Fraction, Timeline]:
    """The part of a new timeline that a take is the music of: all the rest, unless the take ended before."""
    record = take.record
    if timeline.rate != record.frame_rate:
        raise InputError(
            f"The timeline runs at {float(timeline.rate):g} frames a second, "
            f"the take at {float(record.frame_rate):g}.",
            hint="Score it anew.",
        )
    start_s = (record.start_frame - timeline.start_frame) / timeline.rate
    if start_s >= timeline.duration_s:
        raise InputError(
            f"The take begins {float(start_s):g} s into the timeline, which lasts "
            f"{float(timeline.duration_s):g} s.",
        )
    start_s = max(Fraction(0), start_s)
    rest = timeline.excerpt(start_s, timeline.duration_s)
    if record.goes_on:
        rest = rest.excerpt(Fraction(0), followed_end(record, find_hits(rest), rest.duration_s))
    return start_s, rest


def _recutting(take: AnyTake, wish: Wish, timeline: Timeline) -> Retiming:
    if wish.timeline is None:
        raise AssertionError("a new timeline was asked for")
    hits = followed(take.record, find_hits(timeline), timeline.duration_s)
    plan = plan_retime(take.record.before, hits, timeline.duration_s, timeline.cuts, max_bend=wish.max_bend)
    source = Source(str(wish.timeline.absolute()), fingerprint(wish.timeline))
    return Retiming(plan, wish.max_bend, {"retime": {"timeline": source.path}}, (source,))
