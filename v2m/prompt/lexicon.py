"""Phrases that a prompt may hold, and what each means: the dictionary that `words` reads with.

Conventions: text is folded (case, accents and hyphens do not count: "Lo-Fi", "lofi" and "lo fi" meet only
where the vocabulary says so) and split into words and breaks; of several phrases that begin at a word the
longest counts. A last word in the plural is looked up in the singular too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Final, Literal, NamedTuple

from v2m.prompt.vocabulary import TERMS

Kind = Literal[
    "term", "not", "less", "only", "alone", "solo", "and", "or", "break", "filler", "voice", "unknown"
]


class Item(NamedTuple):
    """A phrase of the prompt."""

    kind: Kind
    name: str
    """The term's name, or the words as they were read."""

    words: str


NEGATED: Final[dict[str, str]] = {"drums": "no drums", "bass": "no bass", "melody": "no melody"}
"""Terms that have a term for their absence; that one is said by negating, in whatever words."""

_NOT: Final = (
    "no, not, without, non, minus, never, avoid, exclude, excluding, except, remove, don't, dont, do not,"
    " ohne, kein, keine, keinen, nicht, sans, pas de, pas, sin, senza, nor, zero, free of, instead of"
)
_LESS: Final = "less, fewer, hardly any, barely any, little, weniger, moins de, moins, menos, reduced"
_ONLY: Final = "only, just, nothing but, solely, exclusively, nur, bloss, seulement, uniquement, solamente"
_ALONE: Final = "alone, by itself, allein, seul"
_AND: Final = "and, plus, with, und, et, y, mit, avec, con, n, featuring, feat"
_OR: Final = "or, nor, oder, ou, o"
_FILLERS: Final = (
    "a, an, the, of, in, on, for, to, by, from, at, as, into, like, that, this, it, its, is, be, being, i,"
    " we, me, my, our, you, your, want, need, would, please, give, make, made, some, any, very, too, so,"
    " much, more, most, really, quite, bit, rather, pretty, slightly, somewhat, extra, lots, lot, overly,"
    " but, while, then, also, style, styled, type, kind, sort, feel, feeling, vibe, vibes, vibey, mood,"
    " sound, sounds, sounding, based, key, scale, music, musical, track, tracks, song, score, piece,"
    " tune for,"
    " background, theme for, instrumental, instrument, instruments, video, film for, scene, scenes, edit,"
    " cut, one, two, bpm, tempo, tempi, time, energy, intro, outro, ending, section, part, parts, has, have,"
    " having, gets, get, getting, goes, going, there, are, should, will, can, all, over, up, out, set, along,"
    " underneath, under, between, across, through, around, about, which, who, where, when, something, nice,"
    " good, great, cool, beautiful, lovely, interesting, modern, classic, big, small, element,"
    " ein, eine, einen, der, die, das, den, dem, fur, von, musik, stil, etwas, sehr, im, le, la, les, un,"
    " une,"
    " des, du, de, pour, musique, tres, style de, el, los, las, una, del, para, musica, estilo, muy, en"
)
_VOICES: Final = "vocals, vocal, singing, lyrics, singer, gesang, chant, voz, rap vocals, words"
"""What the music never has: denied it is understood, wanted it is not."""

_WORD: Final = re.compile(r"[^\W_]+(?:['&][^\W_]+)*|[&+/]|[,;.:!?()\[\]\n|]")
_BREAKS: Final = frozenset(",;.:!?()[]\n|")


def folded(text: str) -> str:
    """Text without case, accents, hyphens and curly quotes."""
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'").casefold())
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return re.sub(r"[-\u2010-\u2015]", " ", plain)


@cache
def _phrases() -> dict[tuple[str, ...], tuple[Kind, str]]:
    table: dict[tuple[str, ...], tuple[Kind, str]] = {}
    listed: tuple[tuple[Kind, str], ...] = (
        ("filler", _FILLERS), ("and", _AND), ("or", _OR), ("not", _NOT), ("less", _LESS),
        ("only", _ONLY), ("alone", _ALONE), ("voice", _VOICES),
    )  # fmt: skip
    for kind, words in listed:
        table.update({tuple(folded(phrase).split()): (kind, phrase.strip()) for phrase in words.split(",")})
    table[("&",)] = table[("+",)] = table[("/",)] = ("and", "and")
    for term in TERMS:
        # "no drums" itself is read as a negation, so that it reaches on: "no drums or bass"
        names = () if term.name in NEGATED.values() else (term.name,)
        for phrase in (*names, *term.synonyms):
            table[_split(phrase)] = ("term", term.name)
    return table


def _split(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(text)))


@cache
def _longest() -> int:
    return max(map(len, _phrases()))


def items(text: str) -> Iterator[Item]:
    """The phrases of a text in order."""
    words = _split(re.sub(r"\bw/o\b", "without", text, flags=re.IGNORECASE))
    at = 0
    while at < len(words):
        item, length = _item(words, at)
        yield item
        at += length


def _item(words: tuple[str, ...], at: int) -> tuple[Item, int]:
    if words[at] in _BREAKS:
        return Item("break", words[at], words[at]), 1
    for length in range(min(_longest(), len(words) - at), 0, -1):
        phrase = words[at : at + length]
        kind, name = _phrases().get(phrase) or _phrases().get(_singular(phrase)) or ("unknown", "")
        if kind != "unknown":
            if name == "solo":
                kind = "solo"
            return Item(kind, name, " ".join(phrase)), length
    return Item("filler" if words[at].isdigit() else "unknown", words[at], words[at]), 1


def _singular(phrase: tuple[str, ...]) -> tuple[str, ...]:
    return (*phrase[:-1], phrase[-1].removesuffix("s"))


def nearest_known(word: str) -> str | None:
    """The known phrase that a word was perhaps meant to be; None where nothing is near."""
    known = {" ".join(phrase): name for phrase, (kind, name) in _phrases().items() if kind == "term"}
    close = get_close_matches(word, known, n=1, cutoff=0.78)  # one slip in five letters
    return close[0] if close else None
