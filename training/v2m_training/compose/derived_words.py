"""Words that follow from other words of a piece: a heroic piece is an epic one in a bright mode.

Conventions: a line is `word: clause & clause …`, a clause is `this|that` (one of them is true) or
`!this|that` (none is). Lines are read in order and may build on those above. Every word keeps to
what it implies in `v2m.prompt.vocabulary`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

_TABLE: Final = """
joyful: happy & high energy|fast
cheerful: happy & !high energy
melancholic: sad & minor|dorian|phrygian & !high energy
mournful: sad & minor|dorian|phrygian & low energy
suspenseful: tense & low energy|sparse
anxious: tense & fast|busy|high energy
peaceful: calm & low energy & no drums
relaxed: calm & drums
heroic: epic & major|lydian|mixolydian|dorian & !low energy
majestic: epic & slow|mid-tempo & orchestral|cinematic|trailer & !low energy
ominous: dark & low energy
menacing: dark & medium energy|high energy & minor|phrygian
airy: bright & sparse|no drums|high register
quirky: playful & staccato|pizzicato|marimba|syncopated
tender: romantic & low energy
passionate: romantic & medium energy
eerie: mysterious & phrygian|minor|lydian & low energy
uplifting: hopeful & building|ends big|high energy
inspiring: hopeful & major|lydian|mixolydian
wistful: nostalgic & minor|dorian
fierce: aggressive & high energy
ethereal: dreamy & synth pad|choir|strings|harp|bells

deep house: house & medium energy|low energy & electric piano|piano|synth pad|organ
disco: funk & four on the floor
minimal techno: techno & sparse|low energy
industrial techno: techno & aggressive|dark & medium energy|high energy
liquid drum and bass: drum and bass & electric piano|piano|synth pad & !aggressive|dark
jungle: drum and bass & breakbeats
indie rock: rock & electric guitar & !aggressive
hard rock: rock & distorted guitar & high energy
punk: rock & fast & high energy
ballad: slow & low energy & melody & piano|acoustic guitar|strings|electric piano|piano solo
swing jazz: jazz & swing & drums & mid-tempo|fast
smooth jazz: jazz & electric piano|saxophone & !high energy
bebop: jazz & fast
acoustic folk: folk & acoustic guitar & no drums|light drums|brushes
chamber music: orchestral|cinematic & no drums & !choir|brass|synth pad|trumpet
dark ambient: ambient & dark|mysterious|minor|phrygian
space ambient: ambient & synth pad
cloud rap: trap & dreamy|mysterious|dark & synth pad|choir|strings
jazzy hip-hop: hip-hop & seventh chords & electric piano|piano|saxophone|trumpet|marimba
jazzy lo-fi: lo-fi & seventh chords & electric piano|piano|saxophone|marimba
darksynth: synthwave & dark
hybrid trailer: trailer & hybrid
orchestral waltz: orchestral & 3/4
piano waltz: piano & 3/4 & solo

action: cinematic|trailer|orchestral|techno|drum and bass & high energy & drums & !calm|romantic|happy|dreamy
adventure: cinematic|orchestral|trailer & medium energy|high energy & major|lydian|mixolydian|dorian & epic|hopeful|bright|playful
horror: dark & cinematic|ambient|trailer|orchestral & tense|mysterious|low energy|phrygian
fantasy: cinematic|orchestral|ambient & harp|choir|flute|bells|strings & mysterious|dreamy|hopeful|bright & !dark
sci-fi: synthwave|ambient|techno|trailer & electronic|hybrid|synth pad & dark|mysterious|tense|dreamy
documentary: cinematic|ambient|piano solo|folk & low energy|medium energy & hopeful|calm|bright|mysterious|nostalgic
corporate: rock|folk|house|synthwave|funk|cinematic & medium energy & happy|hopeful|bright
comedy: playful & staccato|pizzicato|plucked|marimba & !high energy
lullaby: low energy & major|lydian|mixolydian & slow & no drums & bells|harp|piano|piano solo|music box
anthem: high energy & full band & epic|hopeful|happy
sports: rock|techno|trap|drum and bass|house|hip-hop & high energy & drums
drama: cinematic|orchestral|piano solo|trailer & sad|tense & minor|dorian|phrygian
groovy: drums & syncopated & !low energy
"""  # noqa: E501 - a line is a word


class _Clause(NamedTuple):
    words: frozenset[str]
    denied: bool

    def holds(self, terms: set[str]) -> bool:
        return bool(self.words & terms) != self.denied


class Rule(NamedTuple):
    """When a derived word is true."""

    word: str
    clauses: tuple[_Clause, ...]

    @property
    def mentioned(self) -> frozenset[str]:
        """Every word that the rule looks at."""
        return frozenset().union(*(clause.words for clause in self.clauses))


def _rules() -> tuple[Rule, ...]:
    lines = (line.partition(":")[::2] for line in _TABLE.splitlines() if line.strip())
    return tuple(Rule(word.strip(), tuple(map(_clause, rest.split("&")))) for word, rest in lines)


def _clause(text: str) -> _Clause:
    text = text.strip()
    return _Clause(frozenset(word.strip() for word in text.lstrip("!").split("|")), text.startswith("!"))


RULES: Final = _rules()


def derived_words(terms: Iterable[str]) -> tuple[str, ...]:
    """The derived words that are true where these are, in the order of the table."""
    known = set(terms)
    found = []
    for rule in RULES:
        if all(clause.holds(known) for clause in rule.clauses):
            known.add(rule.word)
            found.append(rule.word)
    return tuple(found)
