"""What a restyle asks for, read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import Any

from v2m.codecs.arrangement import PARTS, Part
from v2m.errors import UsageError
from v2m.part_names import parts_of
from v2m.restyle import Restyling, restyle
from v2m.retime import Retiming, redo, retime, swell
from v2m.retime.telling import plan_words, told_plan
from v2m.score import Scored
from v2m.sound_take.opened import AnyTake, SoundTake
from v2m.sound_take.restyling import check_restyling, restyle_sound
from v2m.sound_take.retiming import retime_sound
from v2m.swell import Swell
from v2m.take.record import TakeRecord
from v2m.timebase import parse_time
from v2m_daemon.ranges import split_range


@dataclass(frozen=True)
class StyleWish:
    """What a user asks for."""

    prompt: str | None = None
    lock: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()
    solo: tuple[str, ...] = ()
    seed: int | None = None
    intensity: tuple[tuple[str, float], ...] = ()
    """(A:B or the id of a hit, more above 0 and less below)."""

    span: str | None = None
    """A:B, where alone it is composed again."""


_AROUND_HIT_S = 0.7
"""A hit's own share of the curve: the width of the curve's kernel."""


def read_restyling(record: TakeRecord, wish: StyleWish) -> Restyling:
    """The same for a take.

    Raises:
        UsageError: nothing is asked, parts are unknown or asked for twice, a time is none.
    """
    if (
        not any((wish.prompt, wish.lock, wish.only, wish.mute, wish.solo, wish.intensity))
        and wish.seed is None
    ):
        raise UsageError("A restyle needs a prompt, or parts to lock, to make again or to mute.")
    if wish.lock and wish.only:
        raise UsageError("Both --lock and --only are given, expected one of them.")
    if wish.mute and wish.solo:
        raise UsageError("Both --mute and --solo are given, expected one of them.")
    everything: frozenset[Part] = frozenset(PARTS)
    return Restyling(
        prompt=wish.prompt,
        locked=parts_of(wish.lock),
        only=parts_of(wish.only),
        muted=everything - parts_of(wish.solo) if wish.solo else parts_of(wish.mute),
        seed=wish.seed,
        swells=tuple(_swell(record, where, amount) for where, amount in wish.intensity),
        asked={"restyle": _asked(wish)},
    )


@dataclass(frozen=True)
class Change:
    """What makes the take that is asked for."""

    make: Callable[..., Scored]
    """Given a shelf, a stem and a clock."""

    told: Mapping[str, Any] = field(default_factory=dict)
    """The plan, where only some of the music is made again, for the command's result."""

    words: str = ""
    """The same in sentences."""

    @classmethod
    def redoing(cls, settled: AnyTake, wish: Retiming) -> Change:
        """Some spans are composed again."""
        plan, record = wish.plan, settled.record
        return cls(retiming(settled, wish), {"plan": told_plan(plan, record)}, plan_words(plan, record))


def retiming(take: AnyTake, wish: Retiming) -> Callable[..., Scored]:
    """What makes the take that a plan tells of."""
    return partial(retime_sound if isinstance(take, SoundTake) else retime, take, wish)  # type: ignore[arg-type]


def changing(take: AnyTake, wish: StyleWish) -> Change:
    """How to make the take that is asked for.

    Raises:
        UsageError: what is asked makes no sense.
    """
    if wish.span is not None:
        return Change.redoing(*read_redoing(take, wish))
    restyling = read_restyling(take.record, wish)
    if isinstance(take, SoundTake):
        check_restyling(take, restyling)
    if restyling.swells and restyling == Restyling(swells=restyling.swells, asked=restyling.asked):
        settled = take.settled  # more or less in some bars, and nothing else: all others stay
        swelling = swell(settled, restyling.swells, take.record.seed)
        return Change.redoing(settled, replace(swelling, asked=restyling.asked))
    if isinstance(take, SoundTake):
        return Change(partial(restyle_sound, take, restyling))
    return Change(partial(restyle, take, restyling))


def read_redoing(take: AnyTake, wish: StyleWish) -> tuple[AnyTake, Retiming]:
    """A span to compose again, and the take in the form that is changed.

    Raises:
        UsageError: the span is none, or something is asked that concerns the whole.
    """
    if wish.lock or wish.only or wish.mute or wish.solo or wish.intensity or wish.span is None:
        raise UsageError("With --range all parts of the span are made again: parts cannot be chosen.")
    take = take.settled
    start_s, end_s = read_range(take.record, wish.span)
    seed = take.record.seed + int(wish.prompt is None) if wish.seed is None else wish.seed
    asked = redo(take, start_s, end_s, seed, wish.prompt or take.record.prompt)
    return take, replace(asked, asked={"restyle": _asked(wish)})


def _asked(wish: StyleWish) -> dict[str, Any]:
    said = {
        "prompt": wish.prompt,
        "lock": list(wish.lock),
        "only": list(wish.only),
        "mute": list(wish.mute),
        "solo": list(wish.solo),
        "seed": wish.seed,
        "range": wish.span,
        "intensity": [[where, amount] for where, amount in wish.intensity],
    }
    return {name: value for name, value in said.items() if value not in (None, [])}


def _swell(record: TakeRecord, where: str, amount: float) -> Swell:
    hit = next((hit for hit in record.hits if hit.id == where), None)
    if hit is not None:
        at = float(hit.time_s)
        return Swell(at - _AROUND_HIT_S, at + _AROUND_HIT_S, amount)
    begin, end = read_range(record, where)
    return Swell(float(begin), float(end), amount)


def read_range(record: TakeRecord, text: str) -> tuple[Fraction, Fraction]:
    """`A:B` as times of the programme; see `v2m_daemon.ranges`.

    Raises:
        UsageError: it is no range within the programme.
    """
    parts = split_range(text)
    if parts is None:
        raise UsageError(f"{text!r} is no hit of the take and no range, expected A:B or A..B.")
    begin_s, end_s = (
        parse_time(part, record.frame_rate, start_frame=record.start_frame, drop_frame=record.drop_frame)
        for part in parts
    )
    if not 0 <= begin_s < end_s <= record.duration_s:
        raise UsageError(f"The range {text} does not lie within 0-{float(record.duration_s):g} s.")
    return begin_s, end_s
