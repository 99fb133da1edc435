"""What a prompt wishes for and what it denies, phrase by phrase.

    no, without …       denies the next term, and others joined to it
    only …, … only      nothing but these instruments may sound
    solo …, … solo      the same, unless others are named beside it: then it leads
    less …              the next softer term, where there is one

Conventions: a wish is a term of the vocabulary; see `lexicon` for the kinds of phrases.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from v2m.prompt.instruments import FAMILIES, family
from v2m.prompt.lexicon import NEGATED, Item, items
from v2m.prompt.vocabulary import CATEGORY_OF

_SOFTER: Final = {
    "drums": "light drums", "heavy drums": "light drums", "busy": "sparse", "sparse": "busy",
    "very high energy": "high energy", "high energy": "medium energy", "low energy": "medium energy",
    "fast": "mid-tempo", "slow": "mid-tempo", "very fast": "fast", "very slow": "slow",
}  # fmt: skip
"""What "less X" asks for; of other terms it denies a stress, and nothing is asked."""

_LACKING: Final = {"no drums": FAMILIES["drums"], "no bass": ("bass",)}
"""What words like "drumless" deny; an underscore has no tune in the main, and is not denied one."""

_PLAYERS: Final = frozenset(("drums", "bass", "melody"))


def is_player(name: str) -> bool:
    """Whether a term names who plays: an instrument, the drums, the bass or the tune."""
    return CATEGORY_OF[name] in ("instrument", "drums") or name in _PLAYERS or name in FAMILIES


@dataclass(frozen=True)
class Wishes:
    """The wishes of a prompt."""

    terms: tuple[str, ...]
    """Said, in their order, each once."""

    asked: tuple[str, ...]
    excluded: tuple[str, ...]
    only: tuple[str, ...]
    unknown: tuple[str, ...]
    understood: tuple[tuple[str, str], ...]


@dataclass
class _Reading:
    """A prompt while it is read."""

    line: list[Item]
    terms: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    only: list[str] = field(default_factory=list)
    soloists: list[Item] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    understood: list[tuple[str, str]] = field(default_factory=list)

    def wish(self, item: Item, name: str | None = None) -> None:
        self.terms.append(name or item.name)
        self.understood.append((item.words, name or item.name))

    def allow(self, item: Item) -> None:
        self.only += family(item.name, item.words)

    def deny(self, item: Item) -> None:
        name = "choir" if item.kind == "voice" else item.name  # the only voices that there are
        self.excluded += family(name, item.words)
        self.understood.append((f"no {item.words}", NEGATED.get(name, f"not {name}")))


def read_wishes(text: str) -> Wishes:
    """The wishes in a text whose directives are taken out already."""
    reading = _Reading(list(items(text)))
    at = 0
    while at < len(reading.line):
        at = _read(reading, at)
    return _settled(reading)


def _read(reading: _Reading, at: int) -> int:
    """Read the phrase at a place; where to go on."""
    item = reading.line[at]
    if item.kind == "not":
        return _denied(reading, at)
    if item.kind == "less":
        return _lessened(reading, at)
    if item.kind == "only":
        return _restricted(reading, at)
    if item.kind == "alone":
        _allow_before(reading, at)
    elif item.kind == "solo":
        return _soloed(reading, at)
    elif item.kind == "term":
        reading.wish(item)
        reading.excluded += _LACKING.get(item.name, ())
        if item.name == "piano solo" and "solo" in item.words.split():
            reading.soloists.append(Item("term", "piano", item.words))
    elif item.kind in ("unknown", "voice"):
        reading.unknown.append(item.words)
    return at + 1


def _next(reading: _Reading, at: int, skipped: Iterable[str] = ("filler",)) -> int:
    """The place of the next phrase that is not to be skipped; the end where there is none."""
    kinds = set(skipped)
    while at < len(reading.line) and reading.line[at].kind in kinds:
        at += 1
    return at


def _kind(reading: _Reading, at: int) -> str:
    return reading.line[at].kind if at < len(reading.line) else "break"


_DENIABLE: Final = ("term", "voice")


def _denied(reading: _Reading, at: int) -> int:
    at = _next(reading, at + 1)
    if _kind(reading, at) not in _DENIABLE:
        return at
    reading.deny(reading.line[at])
    at += 1
    while _reaches_on(reading, at):
        at = _next(reading, at + 1)
        reading.deny(reading.line[at])
        at += 1
    return at


def _reaches_on(reading: _Reading, at: int) -> bool:
    """Whether a negation reaches over a joint: "or", "and" before a player, a comma of a list to an "or"."""
    following = _next(reading, at + 1)
    if _kind(reading, following) not in _DENIABLE:
        return False
    joint, item = _kind(reading, at), reading.line[following]
    if joint == "and":
        return item.kind == "voice" or is_player(item.name)
    return joint == "or" or (joint == "break" and _listed_to_or(reading, at))


def _listed_to_or(reading: _Reading, at: int) -> bool:
    """Whether commas and terms lead from here to an "or"."""
    while at < len(reading.line) and reading.line[at].words == ",":
        at = _next(reading, at + 1)
        if _kind(reading, at) == "or":
            return True
        if _kind(reading, at) not in _DENIABLE:
            return False
        at = _next(reading, at + 1)
    return _kind(reading, at) == "or" and _kind(reading, _next(reading, at + 1)) in _DENIABLE


def _lessened(reading: _Reading, at: int) -> int:
    following = _next(reading, at + 1)
    if _kind(reading, following) != "term":
        return at + 1
    item = reading.line[following]
    if item.name in _SOFTER:
        reading.wish(item, _SOFTER[item.name])
    elif not is_player(item.name):
        reading.deny(item)
    else:
        reading.understood.append((f"less {item.words}", "not stressed"))
    return following + 1


def _restricted(reading: _Reading, at: int) -> int:
    """After "only": the players that follow, joined by "and" or commas; else those just before it."""
    place, found = _next(reading, at + 1), False
    while _kind(reading, place) == "term":
        item = reading.line[place]
        reading.wish(item)
        if is_player(item.name):
            reading.allow(item)
            found = True
        place = _next(reading, place + 1)
        if found:
            following = _next(reading, place + 1)
            if not _joined_player(reading, place, following):
                return place
            place = following
    if not found:
        _allow_before(reading, at)
    return max(place, at + 1)


def _joined_player(reading: _Reading, joint: int, following: int) -> bool:
    if _kind(reading, following) != "term" or not is_player(reading.line[following].name):
        return False
    return _kind(reading, joint) == "and" or reading.line[joint].words == ","


def _allow_before(reading: _Reading, at: int) -> None:
    """Allow the players joined by "and" that end just before a place, and nobody else."""
    for item in _players_before(reading, at):
        reading.allow(item)


def _players_before(reading: _Reading, at: int) -> list[Item]:
    found: list[Item] = []
    for item in reversed(reading.line[:at]):
        if item.kind == "term" and is_player(item.name):
            found.insert(0, item)
        elif item.kind != "filler" and not (item.kind == "and" and found):
            break
    return found


def _soloed(reading: _Reading, at: int) -> int:
    following = _next(reading, at + 1)
    if _kind(reading, following) == "term" and is_player(reading.line[following].name):
        reading.wish(reading.line[following])
        reading.soloists.append(reading.line[following])
        return following + 1
    before = _players_before(reading, at)[-1:]
    reading.soloists += before
    if not before:
        reading.wish(reading.line[at])
    return at + 1


def _settled(reading: _Reading) -> Wishes:
    """Soloists play alone where nobody else is named; a term both wished and denied is denied."""
    players = {name for name in reading.terms if is_player(name)}
    if reading.soloists and (reading.only or players - {item.name for item in reading.soloists}):
        reading.terms.append("melody")
    else:
        for item in reading.soloists:
            reading.allow(item)
    excluded = tuple(dict.fromkeys(reading.excluded))
    only = tuple(name for name in dict.fromkeys(reading.only) if name not in excluded)
    if only == FAMILIES["strings"]:
        reading.terms.append("string ensemble")
    elif len(only) == 1 and only[0] not in _PLAYERS:
        reading.terms.append("solo")
    if only and not any(CATEGORY_OF[name] == "drums" for name in only):
        reading.terms.append("no drums")
    said = [name for name in dict.fromkeys(reading.terms) if name not in excluded]
    asked = [name for name in said if is_player(name) and CATEGORY_OF[name] != "ensemble"]
    asked = [name for name in asked if name not in NEGATED.values()]
    if "piano solo" in said and "piano" in only:
        asked.append("piano")
    absent = [NEGATED[name] for name in excluded if name in NEGATED]
    return Wishes(
        terms=tuple(dict.fromkeys([*said, *absent])),
        asked=tuple(dict.fromkeys(asked)),
        excluded=excluded,
        only=only,
        unknown=tuple(dict.fromkeys(reading.unknown)),
        understood=tuple(reading.understood),
    )
