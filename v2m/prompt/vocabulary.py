"""The musical words that the embedded model knows, with their synonyms.

A term is what the model is conditioned on; a synonym is a phrase that a user may write for it. The
order of `TERMS` is the order of the model's embedding rows: append, never reorder or remove.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Category = Literal[
    "style", "mood", "energy", "tempo", "mode", "metre", "instrument", "density", "drums", "form"
]


class Term(NamedTuple):
    """A word that the model knows."""

    name: str
    category: Category
    synonyms: tuple[str, ...] = ()


def _terms(category: Category, text: str) -> tuple[Term, ...]:
    lines = (line.strip() for line in text.strip().splitlines())
    return tuple(
        Term(name.strip(), category, tuple(s.strip() for s in rest.split(",") if s.strip()))
        for name, _, rest in (line.partition(":") for line in lines)
    )


TERMS: Final[tuple[Term, ...]] = (
    *_terms(
        "style",
        """
        lo-fi: lofi, lo fi, chillhop, study beats, chill beat
        cinematic: film score, soundtrack, filmic, movie score, orchestral score
        trailer: blockbuster, teaser
        ambient: drone, atmospheric, soundscape, atmosphere
        house: deep house, dance, club, edm
        techno: minimal techno, industrial techno, warehouse
        drum and bass: dnb, d&b, jungle, drum'n'bass, breakbeat
        hip-hop: hip hop, boom bap, rap beat
        trap: 808s, drill
        rock: indie rock, guitar rock, alternative, punk
        funk: funky, groove, disco, soul
        jazz: swing, bebop, smooth jazz, cool jazz
        folk: acoustic, country, bluegrass, singer-songwriter
        synthwave: retrowave, 80s, eighties, outrun, vaporwave
        piano solo: solo piano, piano ballad, neoclassical
        orchestral: symphonic, orchestra, classical
        """,
    ),
    *_terms(
        "mood",
        """
        happy: joyful, cheerful, feel-good, uplifting, sunny
        sad: melancholic, melancholy, sorrowful, mournful
        tense: suspense, suspenseful, anxious, nervous, thriller
        calm: relaxed, peaceful, chill, soothing, serene
        epic: heroic, grand, massive, majestic
        dark: ominous, sinister, gloomy, brooding, horror
        bright: light, airy, fresh, clear
        playful: quirky, fun, comic, whimsical
        romantic: tender, love, intimate, warm
        mysterious: enigmatic, strange, eerie
        hopeful: inspiring, inspirational, optimistic, motivational
        nostalgic: wistful, bittersweet, vintage
        aggressive: angry, fierce, violent, hard
        dreamy: ethereal, floating, hazy
        """,
    ),
    *_terms(
        "energy",
        """
        low energy: quiet, soft, gentle, mellow, subtle
        medium energy: steady, moderate energy, flowing
        high energy: energetic, intense, powerful, driving, loud
        """,
    ),
    *_terms(
        "tempo", "slow: slowly, downtempo\nmid-tempo: moderate, medium tempo\nfast: quick, uptempo, up-tempo"
    ),
    *_terms("mode", "major: in major\nminor: in minor\ndorian:\nmixolydian:\nlydian:\nphrygian:"),
    *_terms("metre", "4/4: four four\n3/4: waltz, three four\n6/8: six eight"),
    *_terms(
        "instrument",
        """
        piano: grand piano, pianos
        electric piano: rhodes, wurlitzer, keys
        organ: hammond
        acoustic guitar: nylon guitar, steel guitar, guitars acoustic
        electric guitar: clean guitar, guitar
        distorted guitar: distortion, overdriven guitar, heavy guitar
        acoustic bass: double bass, upright bass
        electric bass: bass guitar, fingered bass
        synth bass: sub bass, 808
        strings: string section, string ensemble
        violin: fiddle
        cello: celli
        choir: voices, vocals ooh, aahs
        brass: horns, brass section
        trumpet: trumpets
        french horn: horn
        saxophone: sax, alto sax, tenor sax
        flute: flutes
        clarinet:
        oboe:
        harp:
        bells: glockenspiel, celesta, music box
        marimba: vibraphone, xylophone, mallets, kalimba
        pizzicato:
        synth pad: pad, pads
        synth lead: lead synth, saw lead
        synth pluck: pluck, arpeggiator, arp, synth
        timpani:
        """,
    ),
    *_terms("density", "sparse: minimal, minimalist, simple, empty\nbusy: dense, full, layered, rich"),
    *_terms("drums", "drums: drum kit, beat, percussion\nno drums: without drums, drumless, beatless"),
    *_terms(
        "form",
        """
        building: build, build-up, crescendo, rising
        steady form: constant, loop, repetitive
        contrasts: contrasting, dynamic, dramatic
        """,
    ),
)

TERM_INDEX: Final[dict[str, int]] = {term.name: index for index, term in enumerate(TERMS)}
