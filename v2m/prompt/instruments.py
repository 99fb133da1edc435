"""Which word of the vocabulary names which General MIDI program, part by part.

Conventions: programs are 0-127, counted from zero. A program has a broad word and perhaps a narrow one that
implies it ("bells", "celesta"); a word may be played by several programs. Drum kits have words of their own.
Source: General MIDI System Level 1; which programs a part can hold: `v2m.codecs.programs`.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from v2m.codecs.arrangement import Part
from v2m.codecs.programs import PROGRAM_TABLES
from v2m.prompt.vocabulary import CATEGORY_OF, IMPLIED

_WORDS: Final[tuple[tuple[range, tuple[str, ...]], ...]] = (
    (range(0, 4), ("piano",)),
    (range(4, 6), ("electric piano",)),
    (range(6, 7), ("harpsichord",)),
    (range(7, 8), ("electric piano", "clavinet")),
    (range(8, 9), ("bells", "celesta")),
    (range(9, 10), ("bells", "glockenspiel")),
    (range(10, 11), ("bells", "music box")),
    (range(11, 12), ("marimba", "vibraphone")),
    (range(12, 13), ("marimba",)),
    (range(13, 14), ("marimba", "xylophone")),
    (range(14, 15), ("bells", "tubular bells")),
    (range(16, 19), ("organ",)),
    (range(19, 21), ("organ", "church organ")),
    (range(21, 22), ("accordion",)),
    (range(22, 23), ("harmonica",)),
    (range(23, 24), ("accordion",)),
    (range(24, 25), ("acoustic guitar", "nylon guitar")),
    (range(25, 26), ("acoustic guitar", "steel guitar")),
    (range(26, 27), ("electric guitar", "jazz guitar")),
    (range(27, 28), ("electric guitar", "clean guitar")),
    (range(28, 29), ("electric guitar", "muted guitar")),
    (range(29, 31), ("distorted guitar",)),
    (range(32, 33), ("acoustic bass",)),
    (range(33, 34), ("electric bass",)),
    (range(34, 35), ("electric bass", "picked bass")),
    (range(35, 36), ("electric bass", "fretless bass")),
    (range(36, 38), ("electric bass", "slap bass")),
    (range(38, 40), ("synth bass",)),
    (range(40, 41), ("violin",)),
    (range(41, 42), ("viola",)),
    (range(42, 43), ("cello",)),
    (range(43, 44), ("strings",)),
    (range(44, 45), ("strings", "tremolo strings")),
    (range(45, 46), ("pizzicato",)),
    (range(46, 47), ("harp",)),
    (range(47, 48), ("timpani",)),
    (range(48, 49), ("strings",)),
    (range(49, 50), ("strings", "slow strings")),
    (range(50, 52), ("strings", "synth strings")),
    (range(52, 53), ("choir",)),
    (range(53, 54), ("choir", "vocal oohs")),
    (range(54, 55), ("choir",)),
    (range(56, 57), ("trumpet",)),
    (range(57, 58), ("brass", "trombone")),
    (range(58, 59), ("brass", "tuba")),
    (range(59, 60), ("brass",)),
    (range(60, 61), ("french horn",)),
    (range(61, 62), ("brass",)),
    (range(62, 64), ("synth brass",)),
    (range(64, 65), ("saxophone", "soprano sax")),
    (range(65, 66), ("saxophone", "alto sax")),
    (range(66, 67), ("saxophone",)),
    (range(67, 68), ("saxophone", "baritone sax")),
    (range(68, 69), ("oboe",)),
    (range(69, 70), ("oboe", "english horn")),
    (range(70, 71), ("bassoon",)),
    (range(71, 72), ("clarinet",)),
    (range(73, 75), ("flute",)),
    (range(75, 76), ("flute", "pan flute")),
    (range(76, 79), ("flute",)),
    (range(79, 80), ("flute", "ocarina")),
    (range(80, 81), ("synth lead", "square lead")),
    (range(81, 82), ("synth lead", "saw lead")),
    (range(82, 88), ("synth lead",)),
    (range(88, 89), ("synth pad",)),
    (range(89, 90), ("synth pad", "warm pad")),
    (range(90, 91), ("synth pad", "polysynth")),
    (range(91, 95), ("synth pad",)),
    (range(95, 96), ("synth pad", "sweep pad")),
    (range(98, 100), ("bells", "crystal bells")),
    (range(108, 109), ("marimba", "kalimba")),
)

_IN_PART: Final[dict[Part, tuple[tuple[range, tuple[str, ...]], ...]]] = {
    "bass": ((range(43, 44), ("acoustic bass",)), (range(80, 88), ("synth bass",))),
    "extras": ((range(80, 88), ("synth pluck",)),),
}
"""What a program is called where its part decides: a saw wave is a lead, a bass or a pluck."""

KIT_WORDS: Final[dict[int, str]] = {
    0: "acoustic drums", 8: "acoustic drums", 16: "acoustic drums", 24: "electronic drums",
    25: "electronic drums", 32: "acoustic drums", 40: "brushes", 48: "orchestral percussion",
}  # fmt: skip
"""What each drum kit is called."""

PARTS_NAMED: Final[dict[str, Part]] = {"drums": "drums", "bass": "bass", "melody": "lead"}
"""Terms that speak of a whole part."""

_NAMED_BY_IMPLICATION: Final = ("instrument", "drums")


@cache
def instrument_words(part: Part, program: int) -> tuple[str, ...]:
    """The words for a program in a part, the broad one first; empty where there is none."""
    if part == "drums":
        return ("drums", KIT_WORDS[program]) if program in KIT_WORDS else ("drums",)
    tables = (*_IN_PART.get(part, ()), *_WORDS)
    return next((words for programs, words in tables if program in programs), ())


@cache
def programs_of(word: str, part: Part) -> tuple[int, ...]:
    """The programs of a part that a word names, in the order of the part's table.

    A word of drums that is no kit's names every kit.
    """
    table = PROGRAM_TABLES[part]
    if part == "drums" and CATEGORY_OF[word] == "drums" and word not in KIT_WORDS.values():
        return table
    return tuple(program for program in table if word in instrument_words(part, program))


def broader(word: str) -> tuple[str, ...]:
    """The instruments that a narrower one is a kind of."""
    return tuple(name for name in IMPLIED[word] if CATEGORY_OF[name] in _NAMED_BY_IMPLICATION)


_SYNTHS: Final = (
    "synth pluck", "synth pad", "synth lead", "synth bass", "synth strings", "synth brass",
)  # fmt: skip
_GUITARS: Final = ("electric guitar", "acoustic guitar", "distorted guitar")

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "strings": ("strings", "violin", "viola", "cello", "pizzicato"),
    "string ensemble": ("strings", "violin", "viola", "cello", "pizzicato"),
    "brass": ("brass", "trumpet", "french horn", "synth brass"),
    "wind ensemble": ("flute", "clarinet", "oboe", "bassoon", "saxophone"),
    "electronic": (*_SYNTHS, "electronic drums"),
    "drums": ("drums", "timpani"),
    "guitar": _GUITARS,
    "synth": _SYNTHS,
}
"""What else is meant where a term, or the bare word for a family, is denied or alone allowed."""

_BARE_WORDS: Final = {
    "guitar": "guitar", "guitars": "guitar", "gitarre": "guitar", "guitare": "guitar", "guitarra": "guitar",
    "synth": "synth", "synths": "synth", "synthesizer": "synth", "synthesizers": "synth",
    "synthesiser": "synth",
}  # fmt: skip


def family(name: str, words: str = "") -> tuple[str, ...]:
    """The terms that a denied or an only term stands for.

    Args:
        name: the term.
        words: how the user wrote it: "guitar" alone means every guitar.
    """
    return FAMILIES.get(_BARE_WORDS.get(words, name), (name,))
