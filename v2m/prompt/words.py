"""The words of a prompt read into terms the embedded model knows and directives that are obeyed exactly.

A term conditions the model. A directive is certain: tempo and metre set the beats, the key what the score is
decoded in, and what is denied or asked for by name ("no drums", "only piano", "with a cello") is cast
into the score (`v2m.prompt.casting`). Negation reaches over "or", over "and" between instruments, and over a
list that ends in "or"; a comma ends it otherwise.
Sources: the terms are `v2m.prompt.vocabulary`, the phrases `v2m.prompt.lexicon`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from v2m.prompt.directives import BEATS_PER_BAR, Directives, read_directives
from v2m.prompt.lexicon import nearest_known
from v2m.prompt.tempo_words import STYLE_BPM, TEMPO_SHARE, in_six, tempo_words
from v2m.prompt.vocabulary import CATEGORY_OF, EXCLUSIVE, IMPLIED, TERM_INDEX, Category
from v2m.prompt.wishes import Wishes, read_wishes

__all__ = ["DEFAULT_STYLE", "STYLE_BPM", "Brief", "read_prompt"]

DEFAULT_STYLE: Final = "cinematic"

_STYLE_OF_ONE: Final = {"piano": "piano solo", "acoustic guitar": "folk"}
"""The style of an instrument that plays alone where none is named."""


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
    """Words that mean nothing to the embedded model, or ask for what cannot be done."""

    bpm_limits: tuple[float, float] | None = None
    """A tempo as a range, `90-100 bpm` or `andante`."""

    asked: tuple[str, ...] = ()
    """Instruments and parts (`drums`, `bass`, `melody`) named by the user: these sound."""

    excluded: tuple[str, ...] = ()
    """Terms that the user denied; instruments and parts among them never sound."""

    only: tuple[str, ...] = ()
    """Instruments and parts that nothing but may sound; empty where anything may."""

    understood: tuple[tuple[str, str], ...] = ()
    """Phrases as they were read, each with what it was taken for, in their order."""

    suggestions: tuple[tuple[str, str], ...] = ()
    """Unknown words with the known phrase that is nearest, where one is near."""

    def named(self, category: Category) -> tuple[str, ...]:
        """The terms of one category."""
        return tuple(name for name in self.terms if CATEGORY_OF[name] == category)

    @property
    def style(self) -> str:
        """The first style named, or the default."""
        return (self.named("style") or (DEFAULT_STYLE,))[0]

    @property
    def bpm_range(self) -> tuple[float, float]:
        """The tempi that the words allow."""
        if self.bpm is not None:
            return self.bpm, self.bpm
        if self.bpm_limits is not None:
            return self.bpm_limits
        low, high = STYLE_BPM[self.style]
        first, last = 0.0, 1.0
        for word in self.named("tempo"):  # "very slow" comes after "slow" and is the narrower one
            first, last = TEMPO_SHARE[word]
        if not self.named("tempo"):
            first, last = 0.4 * ("slow" in self.excluded), 1 - 0.4 * ("fast" in self.excluded)
        low, high = low + first * (high - low), low + last * (high - low)
        return in_six(low, high) if "6/8" in self.terms else (low, high)


def read_prompt(text: str) -> Brief:
    """The terms and directives in a prompt; words that are neither are listed as unknown.

    A style is always conditioned on, `DEFAULT_STYLE` where none is named.
    """
    exact = read_directives(text)
    wishes = read_wishes(exact.rest)
    terms = _terms(exact, wishes)
    metre = next((name for name in terms if CATEGORY_OF[name] == "metre"), "4/4")
    unknown = (*exact.refused, *wishes.unknown)
    return Brief(
        text=text,
        terms=terms,
        bpm=exact.bpm,
        tonic=exact.tonic,
        beats_per_bar=BEATS_PER_BAR[metre],
        unknown=unknown,
        bpm_limits=exact.bpm_limits,
        asked=wishes.asked,
        excluded=wishes.excluded,
        only=wishes.only,
        understood=(*_directives_understood(exact), *wishes.understood),
        suggestions=tuple((word, near) for word in unknown if (near := nearest_known(word))),
    )


def _terms(exact: Directives, wishes: Wishes) -> tuple[str, ...]:
    """What is said, what that implies, and a style; in the order of the vocabulary."""
    said = [name for name in wishes.terms if not (exact.metre and CATEGORY_OF[name] == "metre")]
    said = [name for name in said if not (exact.mode and CATEGORY_OF[name] == "mode")]
    said += [name for name in (exact.mode, exact.metre) if name]
    if exact.bpm is not None:
        said = [name for name in said if CATEGORY_OF[name] != "tempo"] + list(tempo_words(exact.bpm))
    found = dict.fromkeys(said)
    spoken = {CATEGORY_OF[name] for name in said} & EXCLUSIVE
    for name in _implied(said):
        if name not in wishes.excluded and (CATEGORY_OF[name] not in spoken or _kin(name, said)):
            found[name] = None
    if not any(CATEGORY_OF[name] == "style" for name in found):
        alone = wishes.only[0] if len(wishes.only) == 1 else ""
        found[_STYLE_OF_ONE.get(alone, DEFAULT_STYLE)] = None
    return tuple(sorted(found, key=TERM_INDEX.__getitem__))


def _kin(name: str, said: Iterable[str]) -> bool:
    """Whether a term of the same category implies it: "very slow" says "slow" too."""
    return any(name in IMPLIED[other] and CATEGORY_OF[other] == CATEGORY_OF[name] for other in said)


def _implied(names: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    queue = list(names)
    while queue:
        for broad in IMPLIED[queue.pop(0)]:
            if broad not in found:
                found[broad] = None
                queue.append(broad)
    return tuple(found)


_NOTE_NAMES: Final = ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")


def _directives_understood(exact: Directives) -> tuple[tuple[str, str], ...]:
    said = []
    if exact.bpm is not None:
        said.append(("tempo", f"{exact.bpm:g} BPM"))
    if exact.bpm_limits is not None:
        said.append(("tempo", f"{exact.bpm_limits[0]:g}-{exact.bpm_limits[1]:g} BPM"))
    if exact.tonic is not None:
        said.append(("key", f"{_NOTE_NAMES[exact.tonic]} {exact.mode}".strip()))
    if exact.metre:
        said.append(("metre", exact.metre))
    return tuple(said)
