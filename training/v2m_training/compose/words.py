"""The words that are true of a piece, out of `v2m.prompt.vocabulary`.

Conventions: instruments are those that sound; whatever can be heard is measured on the notes
(`listening`), not intended. A word never stands without what it implies. Thresholds without a reason of
their own stand at about the outer fifth of what is composed, so that a word tells pieces apart.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Final

from v2m.codecs.arrangement import Arrangement, Part
from v2m.prompt.instruments import instrument_words
from v2m.prompt.tempo_words import tempo_words
from v2m.prompt.vocabulary import IMPLIED, TERM_INDEX
from v2m_training.compose.derived_words import derived_words
from v2m_training.compose.facts import Facts
from v2m_training.compose.harmony import SCALES
from v2m_training.compose.listening import Listening
from v2m_training.compose.styles import names

_SPARSE_BELOW: Final = 4.0
_BUSY_FROM: Final = 9.5
"""Attacks a beat, chords counted once a tone: about the outer quarters of what is composed."""

_ENERGIES: Final = (
    (0.1, "very low energy"), (0.6, "low energy"), (1.15, "medium energy"), (1.5, "high energy"),
)  # fmt: skip
"""Upper limits of the energy score; the middle three are about the thirds of what is composed."""

_BRIGHT_MODES: Final = ("major", "lydian", "mixolydian")
_FIVE_BRIGHT: Final = frozenset((0, 2, 4, 7, 9))
_FIVE_DARK: Final = frozenset((0, 3, 5, 7, 10))
"""The pentatonic scales on the tonic."""

_BRIGHT_MOODS: Final = frozenset(("happy", "bright", "playful", "hopeful", "romantic"))
_DARK_MOODS: Final = frozenset(("sad", "dark", "tense", "mysterious", "aggressive"))
_QUIET_MOODS: Final = frozenset(("calm", "dreamy", "romantic", "sad"))
_LOUD_MOODS: Final = frozenset(("epic", "aggressive"))

_PLUCKED: Final = frozenset((6, *range(24, 29), 32, 33, 45, 46, 108))
_STRINGS: Final = frozenset((*range(40, 46), 48, 49))
_WINDS: Final = frozenset(range(56, 80)) - {62, 63}
_SYNTHS: Final = frozenset((38, 39, 50, 51, 54, 55, 62, 63, *range(80, 104)))
_ELECTRIC: Final = _SYNTHS | frozenset((4, 5, 7, *range(16, 19), *range(26, 32), *range(33, 38)))
_CONCERT: Final = frozenset((0, 1, *range(8, 11), 14, 24, 25, 32, 46, 47, 52, 53))
_ELECTRONIC_KITS: Final = frozenset((24, 25))


def describe_piece(rng: random.Random, facts: Facts, music: Arrangement) -> tuple[str, ...]:
    """All terms of a piece, each once, in the order of the vocabulary."""
    heard = Listening(music)
    energy = _energy(facts)
    words = [
        *((facts.style,) if facts.style else ()),
        *_moods(rng, facts, energy),
        *energy,
        *tempo_words(facts.bpm),
        facts.mode,
        facts.metre,
        *(word for part in facts.instruments for word in instrument_words(part, facts.instruments[part])),
        *_density(facts),
        *_drums(heard),
        *_groove(heard, facts),
        *_articulation(heard, facts),
        *_harmony(heard, facts),
        *_melody(heard),
        *_ensemble(facts),
        *_course(heard, facts),
    ]
    words = [*words, *derived_words(words)]
    return tuple(sorted(_with_implied(words), key=TERM_INDEX.__getitem__))


def _with_implied(words: Iterable[str]) -> set[str]:
    known = set(words)
    while missing := {broad for word in known for broad in IMPLIED[word]} - known:
        known |= missing
    return known


def _energy(facts: Facts) -> tuple[str, ...]:
    """A felt sum: attacks a second, loudness, and whether a kit plays."""
    score = facts.attacks_per_beat * facts.bpm / 60 / 30 + (facts.loudness - 60) / 20
    score += 0.0 if facts.drumless else 0.2
    word = next((name for limit, name in _ENERGIES if score < limit), "very high energy")
    return (word.removeprefix("very "), word) if word.startswith("very ") else (word,)


def _density(facts: Facts) -> tuple[str, ...]:
    if facts.attacks_per_beat < _SPARSE_BELOW:
        return ("sparse",)
    return ("busy",) if facts.attacks_per_beat >= _BUSY_FROM else ()


def _moods(rng: random.Random, facts: Facts, energy: tuple[str, ...]) -> list[str]:
    """One or two moods of the style that mode and energy do not belie."""
    unfit: frozenset[str] = _DARK_MOODS if facts.mode in _BRIGHT_MODES else _BRIGHT_MOODS
    unfit |= (
        _LOUD_MOODS if "low energy" in energy else _QUIET_MOODS if "high energy" in energy else frozenset()
    )
    fitting = [mood for mood in names(facts.moods) if mood not in unfit]
    return rng.sample(fitting, k=min(len(fitting), rng.choice((1, 1, 2))))


def _held(claims: Mapping[str, bool]) -> tuple[str, ...]:
    """The words whose claims hold."""
    return tuple(word for word, holds in claims.items() if holds)


def _drums(heard: Listening) -> tuple[str, ...]:
    if "drums" not in heard.by_part:
        return ("no drums",)
    claims = {
        "drums": True,
        "light drums": heard.drum_weight < 0.75,
        "heavy drums": heard.drum_weight > 1.55,
        "claps": heard.voice_rate("clap") >= 0.2,
        "shaker": heard.voice_rate("shaker") >= 0.5,
        "ride cymbal": heard.voice_rate("ride") >= 0.5,
        "toms": heard.voice_rate("low tom", "high tom") >= 0.3,
        "rolling hi-hats": heard.voice_rate("closed hat") >= 3.0,
    }
    return _held(claims)


def _groove(heard: Listening, facts: Facts) -> tuple[str, ...]:
    kit, four = "drums" in heard.by_part, facts.metre == "4/4"
    snares = ("snare", "clap", "rim")
    on_two_and_four = heard.beats_struck(snares, (1, 3))
    claims = {
        "four on the floor": kit and four and heard.beats_struck(("kick",), range(4)) >= 0.8,
        "backbeat": kit and four and on_two_and_four >= 0.7,
        "half-time": kit and four and heard.beats_struck(snares, (2,)) >= 0.6 and on_two_and_four < 0.3,
        "breakbeats": kit and four and heard.broken_share >= 0.2,
        "swing": facts.metre != "6/8" and facts.swing >= 0.54,
        "syncopated": heard.syncopation >= 0.18,
        "driving": heard.rate("bass") >= 1.8 and facts.bpm >= 96,
        "walking bass": heard.walks >= 0.5,
    }
    return _held(claims)


def _articulation(heard: Listening, facts: Facts) -> tuple[str, ...]:
    pitched = {program for part, program in facts.instruments.items() if part not in ("drums", "bass")}
    chords = heard.typical_length("harmony")
    claims = {
        "legato": facts.legato >= 0.4,
        "staccato": facts.staccato >= 0.6,
        "plucked": bool(pitched) and len(pitched & _PLUCKED) * 2 >= len(pitched),
        "arpeggios": 0 < heard.tones_a_stroke <= 1.4 and heard.rate("harmony") >= 1.4,
        "sustained chords": chords >= 1.8,
        "chord stabs": 0 < chords <= 0.3 and heard.tones_a_stroke >= 2.5,
        "ostinato": max(
            heard.repeats(part) * (heard.rate(part) >= 1.5) for part in ("harmony", "extras")
        ) >= 0.5,
    }  # fmt: skip
    return _held(claims)


def _harmony(heard: Listening, facts: Facts) -> tuple[str, ...]:
    scale = frozenset(SCALES[facts.mode])
    five = _FIVE_BRIGHT if facts.mode in _BRIGHT_MODES else _FIVE_DARK
    tonal: list[Part] = [part for part in ("harmony", "lead", "bass") if part in heard.by_part]
    outside = max((1 - heard.share_of_classes(part, scale) for part in tonal), default=0.0)
    claims = {
        "modal": facts.mode not in ("major", "minor"),
        "drone": heard.bass_home >= 0.75,
        "seventh chords": heard.chord_colours >= 3.5,
        "power chords": 0 < heard.chord_colours <= 2.2 and heard.tones_a_stroke >= 1.8,
        "key change": facts.modulates,
        "chromatic": outside >= 0.15 and not facts.modulates,
        "pentatonic": heard.share_of_classes("lead", five) >= 0.88,
        "slow changes": heard.chord_changes_a_bar <= 0.5,
        "quick changes": heard.chord_changes_a_bar >= 1.6,
    }
    return _held(claims)


def _melody(heard: Listening) -> tuple[str, ...]:
    led = "lead" in heard.by_part
    above = heard.mean_pitch("harmony", "lead", "extras")
    bass = heard.mean_pitch("bass")
    claims = {
        "melody": led,
        "no melody": not led,
        "lyrical": led and heard.typical_length("lead") >= 0.95,
        "lively melody": led and heard.rate("lead") >= 1.3,
        "counter-melody": heard.together("lead", "extras") >= 0.3 and heard.rate("extras") < 1.5,
        "high register": above >= 71,
        "low register": 0 < above <= 60,
        "deep bass": 0 < bass <= 34,
        "bass": bass > 0,
        "no bass": bass == 0,
    }
    return _held(claims)


def _ensemble(facts: Facts) -> tuple[str, ...]:
    pitched = {part: program for part, program in facts.instruments.items() if part != "drums"}
    programs, kit = set(pitched.values()), facts.instruments.get("drums")
    voices = {instrument_words(part, program)[:1] for part, program in pitched.items()} - {()}
    heads = len(voices) + (kit is not None)
    electronic = kit is None or kit in _ELECTRONIC_KITS
    claims = {
        "solo": heads == 1,
        "duo": heads == 2,
        "small ensemble": heads in (3, 4),
        "full band": len(facts.instruments) == 5 and heads >= 5,
        "electronic": electronic and programs <= _SYNTHS | {4, 5, 11, 52, 53},
        "acoustic": not programs & _ELECTRIC and kit not in _ELECTRONIC_KITS,
        "hybrid": bool(programs & _SYNTHS) and bool(programs & (_STRINGS | _WINDS | _CONCERT)),
        "string ensemble": kit is None and programs <= _STRINGS,
        "wind ensemble": kit is None and programs <= _WINDS,
    }
    return _held(claims) if programs else ()


def _course(heard: Listening, facts: Facts) -> tuple[str, ...]:
    """How it begins, goes on and ends."""
    levels = heard.levels
    opening, closing = sum(levels[:4]) / 4, sum(levels[-6:-2]) / 4
    ends = heard.ends and not facts.fades
    claims = {
        facts.shape: True,
        "starts quiet": facts.starts_quiet,
        "starts big": opening >= 1.25 and not facts.starts_quiet,
        "ends big": facts.ends_big,
        "ends quiet": closing <= 0.6 and not facts.ends_big and not facts.fades,
        "fades out": facts.fades,
        "final chord": ends,
        "open ending": not heard.ends and not facts.fades,
        "drop": heard.drops,
        "breakdown": heard.breaks_down,
        "stops": facts.stops,
        "swells": heard.swells,
    }
    return _held(claims)
