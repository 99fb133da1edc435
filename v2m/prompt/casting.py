"""Who plays: what the words say for certain about parts and instruments, carried out in the score.

Words condition the model, and a model errs. What a prompt names or denies by name is therefore made true of
what it composed: a denied part is never there, a denied instrument hands its part to the nearest allowed one,
"only" silences every part that none of the allowed instruments can play, and an instrument that was asked
for takes a part that it can play (one that sounds, if there is one; else the part doubles what plays).
Casting twice changes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from v2m.codecs.arrangement import DRUM_VOICES, PARTS, Arrangement, Note, Part
from v2m.codecs.programs import DEFAULT_PROGRAMS, PROGRAM_TABLES
from v2m.prompt.doubling import doubled
from v2m.prompt.instruments import KIT_WORDS, PARTS_NAMED, instrument_words, programs_of
from v2m.prompt.vocabulary import CATEGORY_OF, IMPLIED
from v2m.prompt.words import Brief

_VOICES_NAMED: Final[dict[str, tuple[str, ...]]] = {
    "claps": ("clap",),
    "shaker": ("shaker",),
    "ride cymbal": ("ride",),
    "toms": ("low tom", "high tom"),
    "rolling hi-hats": ("closed hat", "open hat"),
}
"""Drum voices that can be denied by themselves."""

_CHORDS_FIRST: Final[tuple[Part, ...]] = ("harmony", "extras", "lead", "bass")
_TUNES_FIRST: Final[tuple[Part, ...]] = ("lead", "extras", "bass", "harmony")
_FIGURES_FIRST: Final[tuple[Part, ...]] = ("extras", "lead", "harmony", "bass")
_BASS_FIRST: Final[tuple[Part, ...]] = ("bass", "extras", "lead", "harmony")

_HOMES: Final[dict[str, tuple[Part, ...]]] = {
    **dict.fromkeys(("acoustic bass", "electric bass", "synth bass", "tuba"), _BASS_FIRST),
    **dict.fromkeys(("bells", "marimba", "pizzicato", "synth pluck", "timpani"), _FIGURES_FIRST),
    **dict.fromkeys(
        ("violin", "viola", "cello", "trumpet", "french horn", "trombone", "saxophone", "flute", "clarinet",
         "oboe", "bassoon", "harmonica", "synth lead"),
        _TUNES_FIRST,
    ),
}  # fmt: skip
"""Which parts suit an instrument, best first; the others play chords first."""


@lru_cache(maxsize=256)
def silent_parts(brief: Brief) -> frozenset[Part]:
    """The parts that must not sound."""
    denied = {PARTS_NAMED[name] for name in brief.excluded if name in PARTS_NAMED}
    return frozenset(part for part in PARTS if part in denied or not allowed_programs(brief, part))


def hushed_parts(brief: Brief) -> frozenset[Part]:
    """The parts that are composed as silence: the silent ones but the chords, which lone lines come from."""
    return silent_parts(brief) - {"harmony"}


@lru_cache(maxsize=256)
def allowed_programs(brief: Brief, part: Part) -> tuple[int, ...]:
    """The programs that a part may play, in the order of its table; none where it must be silent."""
    return tuple(program for program in PROGRAM_TABLES[part] if _allowed(brief, part, program))


def _allowed(brief: Brief, part: Part, program: int) -> bool:
    words = set(instrument_words(part, program))
    words |= {name for name, named in PARTS_NAMED.items() if named == part}
    return not words & set(brief.excluded) and (not brief.only or bool(words & _with_kits(brief.only)))


def _with_kits(only: Iterable[str]) -> set[str]:
    """What may sound, where any word of drums lets the drums sound."""
    return {*only, *(broad for name in only if CATEGORY_OF[name] == "drums" for broad in IMPLIED[name])}


def may_sound(brief: Brief, name: str) -> bool:
    """Whether a term may be true of a piece for this brief; terms that name no player always may."""
    if name in brief.excluded:
        return False
    if CATEGORY_OF[name] == "drums":
        return name == "no drums" or "drums" not in silent_parts(brief)
    if CATEGORY_OF[name] != "instrument":
        return True
    silent = silent_parts(brief)
    return any(
        program in allowed_programs(brief, part)
        for part in PARTS
        if part not in silent
        for program in programs_of(name, part)
    )


def cast(music: Arrangement, brief: Brief) -> Arrangement:
    """The music played by those whom the brief allows and asks for."""
    silent = silent_parts(brief)
    programs = {
        part: _nearest(program, allowed_programs(brief, part))
        for part, program in music.programs.items()
        if part not in silent
    }
    notes = _kept(music.notes, silent, brief)
    needed = _assigned(brief, programs, {note.part for note in notes})
    for part in (part for part in PARTS if part in needed):
        if not any(note.part == part for note in notes):
            source = replace(music, notes=notes) if notes else music
            notes = (*notes, *doubled(source, part))
    sounding = {note.part for note in notes}
    return replace(
        music,
        notes=tuple(sorted(notes, key=lambda note: (note.start_beat, PARTS.index(note.part), note.pitch))),
        programs={part: programs[part] for part in PARTS if part in sounding and part in programs},
    )


def _kept(notes: Iterable[Note], silent: frozenset[Part], brief: Brief) -> tuple[Note, ...]:
    voices = {voice for name in brief.excluded for voice in _VOICES_NAMED.get(name, ())}
    keys = {DRUM_VOICES[voice] for voice in voices}
    return tuple(
        note
        for note in notes
        if note.part not in silent and not (note.part == "drums" and note.pitch in keys)
    )


def _nearest(program: int, allowed: tuple[int, ...]) -> int:
    """The program itself, else one of its family, else the nearest number; ties by the table's order."""
    return min(allowed, key=lambda other: (other // 8 != program // 8, abs(other - program)))


def _assigned(brief: Brief, programs: dict[Part, int], sounding: set[Part]) -> set[Part]:
    """Give every asked-for instrument a part, in `programs`; the parts that have to sound."""
    taken: set[Part] = set()
    needed: set[Part] = set()
    # narrow words first: a vibraphone asked for beside "marimba" is one of both
    for name in sorted(brief.asked, key=lambda name: -len(IMPLIED[name])):
        part = _part_for(name, brief, programs, sounding, taken)
        if part is None:
            continue
        needed.add(part)
        if name not in PARTS_NAMED and part != "drums":
            taken.add(part)
        _give(name, part, brief, programs)
    return needed


def _give(name: str, part: Part, brief: Brief, programs: dict[Part, int]) -> None:
    """Let a part play what a word names, where it does not already."""
    allowed = allowed_programs(brief, part)
    current = programs.get(part, _nearest(DEFAULT_PROGRAMS[part], allowed))
    fitting = tuple(p for p in allowed if p in programs_of(name, part)) if _names_program(name) else allowed
    programs[part] = _nearest(current, fitting or allowed)


def _names_program(name: str) -> bool:
    return CATEGORY_OF[name] == "instrument" or name in KIT_WORDS.values()


def _part_for(
    name: str, brief: Brief, programs: dict[Part, int], sounding: set[Part], taken: set[Part]
) -> Part | None:
    """The part that plays an asked-for instrument already, else the best that is free."""
    silent = silent_parts(brief)
    if name in PARTS_NAMED or CATEGORY_OF[name] == "drums":
        part = PARTS_NAMED.get(name, "drums")
        return None if part in silent else part
    fitting: list[Part] = [
        part
        for part in _homes(name)
        if part not in silent and set(programs_of(name, part)) & set(allowed_programs(brief, part))
    ]
    playing = (p for p in fitting if p in sounding and programs.get(p) in programs_of(name, p))
    free = [part for part in fitting if part not in taken]
    best = sorted(free, key=lambda part: part not in sounding)  # stable: homes stay in order
    return next(playing, best[0] if best else None)


def _homes(name: str) -> tuple[Part, ...]:
    return next((_HOMES[word] for word in (name, *IMPLIED[name]) if word in _HOMES), _CHORDS_FIRST)
