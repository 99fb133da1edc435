"""The words of a prompt read into terms the embedded model knows and directives that are obeyed exactly.

A term conditions the model; a directive (tempo, key, metre) sets what the arrangement is written on.
Sources: the terms are `v2m.prompt.vocabulary`; phrases match whole words, longest first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from v2m.prompt.vocabulary import TERMS, Category

STYLE_BPM: Final[dict[str, tuple[float, float]]] = {
    "lo-fi": (70, 92),
    "cinematic": (72, 116),
    "trailer": (90, 140),
    "ambient": (60, 90),
    "house": (116, 128),
    "techno": (122, 138),
    "drum and bass": (160, 178),
    "hip-hop": (80, 100),
    "trap": (65, 80),
    "rock": (96, 150),
    "funk": (96, 118),
    "jazz": (100, 170),
    "folk": (84, 124),
    "synthwave": (84, 118),
    "piano solo": (66, 108),
    "orchestral": (76, 132),
}
"""Usual range of the tempo in each style, in beats a minute."""

_TEMPO_SHARE: Final[dict[str, tuple[float, float]]] = {
    "slow": (0.0, 0.25),
    "mid-tempo": (0.35, 0.65),
    "fast": (0.75, 1.0),
}
"""Which part of the style's range a tempo word asks for."""

DEFAULT_STYLE: Final = "cinematic"

_NOTES: Final = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
_KEY: Final = re.compile(
    r"\b(?:in|key of)\s+(?:the key of\s+)?([a-h])(?:([#♯])|([b♭])|[\s-]+(sharp|flat))?"
    r"(?:[\s-]+(major|minor|dorian|mixolydian|lydian|phrygian)|(m))?(?![\w#♯♭])",
    re.IGNORECASE,
)
_BPM: Final = re.compile(r"\b(\d{2,3}(?:\.\d+)?)\s*(?:bpm|beats (?:per|a) minute)\b", re.IGNORECASE)
_METRE: Final = re.compile(r"(?<!\d)([346])/([48])(?!\d)")
_STOP_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "a an and the of with in on for to music track song score piece very some no not but by from"
        " that this is it at as or style key feel feeling sound sounding background into"
        " like more less without bpm",
    )
)


@dataclass(frozen=True)
class Brief:
    """What was understood of a prompt."""

    text: str
    terms: tuple[str, ...]
    """Names of vocabulary terms, in the order of the vocabulary."""

    bpm: float | None = None
    """An explicit tempo, `118 BPM`."""

    tonic: int | None = None
    """An explicit key, pitch class 0-11."""

    beats_per_bar: int = 4
    unknown: tuple[str, ...] = ()
    """Words that mean nothing to the embedded model."""

    def named(self, category: Category) -> tuple[str, ...]:
        """The terms of one category."""
        known = {term.name for term in TERMS if term.category == category}
        return tuple(name for name in self.terms if name in known)

    @property
    def style(self) -> str:
        """The first style named, or the default."""
        return (self.named("style") or (DEFAULT_STYLE,))[0]

    @property
    def bpm_range(self) -> tuple[float, float]:
        """The tempi that the words allow."""
        if self.bpm is not None:
            return self.bpm, self.bpm
        low, high = STYLE_BPM[self.style]
        for word in self.named("tempo"):
            first, last = _TEMPO_SHARE[word]
            return low + first * (high - low), low + last * (high - low)
        return low, high


@cache
def _phrases() -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = [(phrase, term.name) for term in TERMS for phrase in (term.name, *term.synonyms)]
    pairs.sort(key=lambda pair: -len(pair[0]))
    return tuple((re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)"), name) for phrase, name in pairs)


def read_prompt(text: str) -> Brief:
    """The terms and directives in a prompt; words that are neither are listed as unknown.

    A style is always conditioned on, `DEFAULT_STYLE` where none is named.
    """
    rest = text.lower()
    bpm, rest = _take_bpm(rest)
    tonic, mode, rest = _take_key(rest)
    metre, rest = _take_metre(rest)
    found: set[str] = {word for word in (mode, metre) if word}
    for pattern, name in _phrases():
        if pattern.search(rest):
            rest = pattern.sub(" ", rest)
            found.add(name)
    if "no drums" in found:
        found.discard("drums")
    if not any(term.name in found for term in TERMS if term.category == "style"):
        found.add(DEFAULT_STYLE)
    unknown = [w for w in re.findall(r"[^\W\d_][\w'-]*", rest) if w not in _STOP_WORDS]
    return Brief(
        text=text,
        terms=tuple(term.name for term in TERMS if term.name in found),
        bpm=bpm,
        tonic=tonic,
        beats_per_bar=3 if not metre.startswith("4") and found & {"3/4", "6/8"} else 4,
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _take_bpm(text: str) -> tuple[float | None, str]:
    match = _BPM.search(text)
    if match is None or not 40 <= float(match[1]) <= 240:
        return None, text
    bpm = float(match[1])
    while bpm > 180:  # the planner's beats stay within 60-180: a faster pulse is felt in half
        bpm /= 2
    while bpm < 60:
        bpm *= 2
    return bpm, text[: match.start()] + " " + text[match.end() :]


def _take_key(text: str) -> tuple[int | None, str, str]:
    match = _KEY.search(text)
    if match is None:
        return None, "", text
    letter, sharp, flat, word, mode, short_minor = match.groups()
    if letter == "a" and not (sharp or flat or word or mode or short_minor):
        return None, "", text  # "in a club" names no key
    shift = (1 if sharp or word == "sharp" else 0) - (1 if flat or word == "flat" else 0)
    mode = mode or ("minor" if short_minor else "")
    return (_NOTES[letter] + shift) % 12, mode, text[: match.start()] + " " + text[match.end() :]


def _take_metre(text: str) -> tuple[str, str]:
    match = _METRE.search(text)
    if match is None or match[0] not in ("4/4", "3/4", "6/8"):
        return "", text
    return match[0], text[: match.start()] + " " + text[match.end() :]
