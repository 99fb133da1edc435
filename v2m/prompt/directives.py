"""What a prompt says in numbers and names of keys, obeyed exactly: tempo, key, mode and metre.

Conventions: text comes folded (`lexicon.folded`), save where a capital letter decides ("Am", "F#m"). A
directive that was read is taken out of the text. Tempi above 180 BPM are felt in half, below 60 in double:
the planner's beats stay between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from v2m.prompt.lexicon import folded
from v2m.prompt.tempo_words import TEMPO_MARKS, BpmRange

_SLOWEST_BPM, _FASTEST_BPM = 60.0, 180.0
_SENSIBLE_BPM: Final = (30.0, 300.0)

BEATS_PER_BAR: Final[dict[str, int]] = {"4/4": 4, "3/4": 3, "6/8": 2}
"""A bar of 6/8 is two beats of three eighths: the beat is what a foot taps."""

_NUMBER: Final = r"(\d{2,3}(?:[.,]\d+)?)"
_BPM: Final = re.compile(
    rf"(?:(?<![\d.]){_NUMBER}\s*(?:-|–|to|bis|a)\s*)?(?<![\d.]){_NUMBER}\s*(?:ish\s*)?"  # noqa: RUF001 - a dash
    r"(?:bpm|beats? (?:per|a) minute|schlage pro minute|battements par minute)\b"
)
_BPM_BEFORE: Final = re.compile(
    rf"(?:\b(?:bpm|tempo)\s*(?:of|is|=|:|at|~)?|[♩q]\s?=|\bat|@)\s*{_NUMBER}(?!\s*[/%\d]|\s*(?:s|sec|seconds|fps|hz)\b)"
)
_MARK: Final = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, TEMPO_MARKS), key=len, reverse=True)) + r")\b"
)
_METRE: Final = re.compile(r"(?<![\d/])(\d{1,2})\s?/\s?([248]|16)(?![\d/])")
_SAME_METRE: Final = {"12/8": "6/8", "9/8": "", "2/4": "4/4", "2/2": "4/4", "6/4": "3/4", "3/8": "3/4"}
"""Metres that are counted like one that is composed; the empty one is not."""

_MODES: Final = {
    "major": "major", "maj": "major", "dur": "major", "majeur": "major", "mayor": "major", "ionian": "major",
    "minor": "minor", "min": "minor", "moll": "minor", "mineur": "minor", "menor": "minor", "m": "minor",
    "aeolian": "minor", "dorian": "dorian", "mixolydian": "mixolydian", "lydian": "lydian",
    "phrygian": "phrygian",
}  # fmt: skip
_LETTERS: Final = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
_SYLLABLES: Final = {"do": 0, "ut": 0, "re": 2, "mi": 4, "fa": 5, "sol": 7, "la": 9, "si": 11}
_SHIFTS: Final = {
    "#": 1, "♯": 1, "sharp": 1, "is": 1, "diese": 1, "sostenido": 1,
    "b": -1, "♭": -1, "flat": -1, "es": -1, "s": -1, "bemol": -1,
}  # fmt: skip
_MODE_NAMES: Final = "|".join(sorted((name for name in _MODES if name != "m"), key=len, reverse=True))
_GERMAN: Final = re.compile(r"\b(?:in )?([a-h])(is|es|s)?[ -]?(dur|moll)\b")
_SYLLABLE_KEY: Final = re.compile(
    rf"\b(?:en |in )?({'|'.join(_SYLLABLES)})(?: (diese|bemol|sostenido))? (majeur|mineur|mayor|menor)\b"
)
_NAMED: Final = re.compile(
    r"\b(in|key of|key:|key)?\s*(?:the key of )?\b([a-h])(?:([#♯♭b])|[ -](sharp|flat))?"
    rf"[ -]?({_MODE_NAMES})\b"
)
_ASKED: Final = re.compile(
    r"\b(?:in|key of|key:|key)\s+(?:the key of )?([a-h])(?:([#♯♭b])|[ -](sharp|flat))?(m)?(?![\w#♯♭'])"
)
_CHORD_SYMBOL: Final = re.compile(r"(?<![\w#♯♭'])([A-G])([#♯♭b])?(m)(?:in)?(?![\w#♯♭'])")
_MODE_FIRST: Final = re.compile(
    r"\b(dorian|mixolydian|lydian|phrygian) (?:in|on) ([a-g])(?:([#♯♭b])|[ -](sharp|flat))?(?![\w#♯♭])"
)
_ARTICLE_FOLLOWS: Final = re.compile(r"\s*[ -](?!at\b|and\b|with\b|for\b|in\b)[a-z]")
"""After "a minor" another word shows that "a" was no key: "a minor change"."""


@dataclass(frozen=True)
class Directives:
    """What was said exactly, and what is left of the text."""

    rest: str
    bpm: float | None = None
    bpm_limits: BpmRange | None = None
    """A range in numbers or by an Italian mark."""

    tonic: int | None = None
    mode: str = ""
    metre: str = ""
    """4/4, 3/4 or 6/8."""

    refused: tuple[str, ...] = ()
    """What was said in numbers and cannot be done, as it was written."""


def read_directives(text: str) -> Directives:
    """Tempo, key and metre of a prompt."""
    symbol = _CHORD_SYMBOL.search(text)
    found = Directives(_plain(text))
    if symbol:  # before case is lost: "Am" is a key, "am" a word
        found = _with_key(Directives(text[: symbol.start()] + ", " + text[symbol.end() :]), symbol[1].lower(),
                          symbol[2], "m")  # fmt: skip
        found = replace(found, rest=_plain(found.rest))
    for read in (_metre, _tempo, _key):
        found = read(found)
    return found


def _plain(text: str) -> str:
    """Folded, but with the dash of "F-sharp" and "120-130" as a space and a dash."""
    kept = re.sub(r"(?<=\d)\s*[-\u2010-\u2015]\s*(?=\d)", " to ", text)
    return folded(kept)


def _without(found: Directives, match: re.Match[str]) -> str:
    return f"{found.rest[: match.start()]} , {found.rest[match.end() :]}"


def _metre(found: Directives) -> Directives:
    match = _METRE.search(found.rest)
    if match is None:
        return found
    written = f"{match[1]}/{match[2]}"
    metre = written if written in BEATS_PER_BAR else _SAME_METRE.get(written, "")
    refused = () if metre else (written,)
    return replace(found, rest=_without(found, match), metre=metre, refused=(*found.refused, *refused))


def _tempo(found: Directives) -> Directives:
    match = _BPM.search(found.rest)
    if match and match[1]:
        low, high = sorted(felt_bpm(_number(text)) for text in (match[1], match[2]))
        return replace(found, rest=_without(found, match), bpm_limits=(low, high))
    match = match or _BPM_BEFORE.search(found.rest)
    if match:
        bpm = _number(match[match.lastindex or 1])
        if not _SENSIBLE_BPM[0] <= bpm <= _SENSIBLE_BPM[1]:
            return replace(found, rest=_without(found, match), refused=(*found.refused, f"{bpm:g} bpm"))
        return replace(found, rest=_without(found, match), bpm=felt_bpm(bpm))
    mark = _MARK.search(found.rest)
    if mark:
        return replace(found, rest=_without(found, mark), bpm_limits=TEMPO_MARKS[mark[1]])
    return found


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def felt_bpm(bpm: float) -> float:
    """The tempo by octaves into what a foot taps."""
    while bpm > _FASTEST_BPM:
        bpm /= 2
    while bpm < _SLOWEST_BPM:
        bpm *= 2
    return bpm


def _key(found: Directives) -> Directives:
    if found.tonic is not None:
        return found
    text = found.rest
    if match := _MODE_FIRST.search(text):
        return _with_key(
            replace(found, rest=_without(found, match)), match[2], match[3] or match[4], match[1]
        )
    if match := _SYLLABLE_KEY.search(text):
        taken = replace(found, rest=_without(found, match))
        return _with_key(taken, match[1], match[2], match[3])
    if match := _GERMAN.search(text):
        taken = replace(found, rest=_without(found, match))
        # a German B is B flat, B natural is H
        return _with_key(taken, match[1], "b" if match[1] == "b" else match[2], match[3])
    for match in _NAMED.finditer(text):
        article = match[2] == "a" and not (match[3] or match[4])
        if not (article and _ARTICLE_FOLLOWS.match(text, match.end())):
            taken = replace(found, rest=_without(found, match))
            return _with_key(taken, match[2], match[3] or match[4], match[5])
    match = _ASKED.search(text)
    if match and not (match[1] == "a" and not any(match.groups()[1:])):  # "in a club" names no key
        taken = replace(found, rest=_without(found, match))
        return _with_key(taken, match[1], match[2] or match[3], match[4] or "")
    return found


def _with_key(found: Directives, note: str, shift: str | None, mode: str) -> Directives:
    tonic = (_LETTERS | _SYLLABLES)[note] + _SHIFTS.get(shift or "", 0)
    return replace(found, tonic=tonic % 12, mode=_MODES.get(mode, ""))
