"""The musical words that the embedded model knows, with their synonyms.

A term is what the model is conditioned on; a synonym is a phrase that a user may write for it. The
order of `TERMS` is the order of the model's embedding rows: append, never reorder or remove.

Conventions: a line of the tables is `name > implied + implied: synonym, synonym`. Whatever a term implies is
true of every piece that it is true of (`v2m_training.compose.words` writes both), so a prompt that says the
narrow word says the broad one too. Phrases are lower case; accents do not count (`v2m.prompt.lexicon`).
German, French and Spanish words stand where editors write them.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Category = Literal[
    "style", "mood", "energy", "tempo", "mode", "metre", "instrument", "density", "drums", "form",
    "genre", "scene", "groove", "articulation", "harmony", "melody", "register", "ensemble", "bass",
    "opening", "ending", "moment",
]  # fmt: skip

EXCLUSIVE: Final[frozenset[Category]] = frozenset(
    ("style", "energy", "tempo", "mode", "metre", "density", "form", "bass", "opening", "ending")
)
"""Categories of which a piece has one term in the main: what is merely implied yields to what is said."""


class Term(NamedTuple):
    """A word that the model knows."""

    name: str
    category: Category
    synonyms: tuple[str, ...] = ()
    implies: tuple[str, ...] = ()


def _terms(category: Category, text: str) -> tuple[Term, ...]:
    lines = (line.strip() for line in text.strip().splitlines())
    return tuple(_term(category, *line.partition(":")[::2]) for line in lines)


def _term(category: Category, head: str, synonyms: str) -> Term:
    name, _, implied = head.partition(">")
    return Term(name.strip(), category, _listed(synonyms, ","), _listed(implied, "+"))


def _listed(text: str, separator: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(separator) if word.strip())


_FIRST_TERMS: Final = (
    *_terms(
        "style",
        """
        lo-fi: lofi, lo fi, study beats, chill beat, chillhop, chill hop
        cinematic: film score, soundtrack, filmic, movie score, orchestral score, film music, score music, movie, cinema, filmmusik, musique de film, cinematique, cinematico
        trailer: blockbuster, teaser, trailer music
        ambient: atmospheric, soundscape, atmosphere, ambience, ambiente, new age
        house: dance, club, edm, tech house, dance music
        techno: warehouse, rave
        drum and bass: dnb, d&b, drum'n'bass, drum & bass, drum n bass, breakbeat
        hip-hop: hip hop, hiphop, boom bap, rap beat, rap
        trap: drill, trap beat
        rock: guitar rock, alternative, alt rock, rock band
        funk: funky, soul, motown, r&b, rnb
        jazz: jazzy, big band
        folk: country, bluegrass, singer-songwriter, americana, folky
        synthwave: retrowave, 80s, eighties, outrun, vaporwave, synth wave, retro synth
        piano solo: solo piano, piano ballad, klavier solo, piano seul
        orchestral: symphonic, orchestra, classical, symphony, orchester, klassik, classique, clasica, orquesta, orchestre, neoclassical
        """,  # noqa: E501 - a line is a term
    ),
    *_terms(
        "mood",
        """
        happy: feel-good, feel good, sunny, froh, glucklich, heureux, feliz
        sad: sorrowful, traurig, triste, sadness, heartbreaking, emotional
        tense: tension, spannend, suspense, gripping, edgy, tendu, tenso, spannung
        calm: soothing, ruhig, calme, tranquilo, tranquil, calming, quietly flowing
        epic: grand, massive, larger than life, episch, epique, epico, huge, monumental
        dark: gloomy, brooding, duster, sombre, oscuro, bleak, darkness
        bright: light, fresh, clear, shiny, hell, lumineux, luminoso, sparkling
        playful: fun, comic, verspielt, ludique, jugueton, lighthearted, light-hearted, cheeky
        romantic: love, intimate, warm, romantisch, romantique, romantico, loving
        mysterious: enigmatic, strange, mysteries, geheimnisvoll, mysterieux, misterioso, mystery, intriguing
        hopeful: optimistic, hoffnungsvoll, plein d'espoir, esperanzador, hope
        nostalgic: vintage, nostalgia, nostalgisch, nostalgique, nostalgico, retro, reminiscent
        aggressive: angry, violent, hard, aggressiv, agressif, agresivo, brutal, rage
        dreamy: floating, hazy, vertraumt, reveur, sonador, dreamlike, dream
        """,
    ),
    *_terms(
        "energy",
        """
        low energy: quiet, soft, gentle, mellow, subtle, leise, doux, suave, understated, softly, quietly, less energy, less energetic
        medium energy: steady, moderate energy, flowing, mid energy
        high energy: energetic, intense, powerful, loud, lively, energisch, energique, energico, strong, full of energy, hard-hitting, punchy, more energy, more energetic
        """,  # noqa: E501
    ),
    *_terms(
        "tempo",
        """
        slow: slowly, downtempo, down-tempo, langsam, lent, lento, slow tempo, slow-paced
        mid-tempo: moderate, medium tempo, midtempo, mid tempo, moderate tempo, medium-paced
        fast: quick, uptempo, up-tempo, schnell, rapide, rapido, fast tempo, up tempo, fast-paced, upbeat
        """,
    ),
    *_terms(
        "mode",
        """
        major: in major, major key, dur, majeur, mayor
        minor: in minor, minor key, moll, mineur, menor, aeolian
        dorian:
        mixolydian:
        lydian:
        phrygian:
        """,
    ),
    *_terms(
        "metre",
        """
        4/4: four four, common time, four-four
        3/4: waltz, three four, three-four, waltz time, in three, walzer, valse, vals
        6/8: six eight, six-eight, compound time, 12/8, jig
        """,
    ),
    *_terms(
        "instrument",
        """
        piano: grand piano, pianos, klavier, upright piano, keyboard
        electric piano: e-piano, wurlitzer, keys, epiano, rhodes, fender rhodes, e piano
        organ: hammond, orgel, orgue, organo
        acoustic guitar: acoustic guitars, guitars acoustic, akustische gitarre, ukulele
        electric guitar: guitar, guitars, gitarre, guitare, guitarra, electric guitars, e-gitarre
        distorted guitar: distortion, overdriven guitar, heavy guitar, heavy guitars, distorted guitars, fuzz guitar, crunchy guitars
        acoustic bass: upright bass, double bass, kontrabass, contrabass
        electric bass: bass guitar, fingered bass, e-bass, fender bass
        synth bass: sub bass, 808, 808s, sub, moog bass, reese bass
        strings: string section, streicher, cordes, cuerdas, violins, string
        violin: fiddle, geige, violine, violon
        cello: celli, cellos, violoncello
        choir: voices, chor, choeur, coro, choirs, choral
        brass: horns, brass section, blechblaser, cuivres, metales
        trumpet: trumpets, trompete, trompette, trompeta
        french horn: horn, french horns, waldhorn
        saxophone: sax, tenor sax, saxophon, saxes, saxofon
        flute: flutes, flote, flauta
        clarinet: clarinets, klarinette, clarinette, clarinete
        oboe: oboes, hautbois
        harp: harps, harfe, harpe, arpa
        bells: bell, chimes, glocken, cloches, campanas
        marimba: mallets, mallet, mallet percussion
        pizzicato: pizz, pizzicato strings, plucked strings
        synth pad: pad, pads, synth pads
        synth lead: lead synth
        synth pluck: pluck, plucks, arpeggiator, arp, synth, synths, synthesizer, synthesiser, synthesizers
        timpani: kettledrums, kettle drums, pauken
        """,  # noqa: E501
    ),
    *_terms(
        "density",
        """
        sparse: minimal, minimalist, simple, empty, spare, bare, stripped back, stripped-back, spaceious
        busy: dense, full, layered, rich, lush, complex, intricate
        """,
    ),
    *_terms(
        "drums",
        """
        drums: drum kit, beat, percussion, beats, drum, schlagzeug, batterie, bateria, rhythm section
        no drums: drumless, beatless
        """,
    ),
    *_terms(
        "form",
        """
        building: build, build-up, build up, builds, builds up, crescendo, rising, growing, grows, builds slowly, slow build, escalating, steigernd
        steady form: constant, loop, repetitive, loopable, hypnotic, even
        contrasts: contrasting, dynamic, dramatic, varied, changing
        """,  # noqa: E501
    ),
)
"""The rows of the first weights."""

_LATER_TERMS: Final = (
    *_terms(
        "mood",
        """
        joyful > happy: joyous, exuberant, jubilant, frohlich, joyeux, alegre
        cheerful > happy: merry, good-humoured, jolly
        melancholic > sad: melancholy, melancholisch, melancolique, melancolico, bittersweet
        mournful > sad: grief, grieving, elegiac, funeral, elegy, lament
        suspenseful > tense: creeping, waiting, uneasy, thriller
        anxious > tense: nervous, panic, restless, frantic, urgent
        peaceful > calm: serene, at peace, friedlich, paisible, apacible, zen, spa, meditative
        relaxed > calm: chill, chilled, laid-back, laid back, easygoing, easy, entspannt, detendu, relajado, relaxing
        heroic > epic: valiant, brave, victorious, triumphant, heldenhaft, heroique, heroico, courageous
        majestic > epic: noble, regal, stately, ceremonial, majestatisch, glorious
        ominous > dark: foreboding, looming, dread, bedrohlich
        menacing > dark: sinister, evil, threatening, villain, villainous
        airy > bright: weightless, breezy, delicate
        quirky > playful: whimsical, odd, mischievous, silly, goofy
        tender > romantic: affectionate, gentle love, zart, tendre, tierno, sentimental, heartfelt
        passionate > romantic: longing, yearning, ardent
        eerie > mysterious: creepy, spooky, haunting, unsettling, unheimlich
        uplifting > hopeful: soaring, elevating, empowering
        inspiring > hopeful: inspirational, motivational, motivating, encouraging
        wistful > nostalgic: homesick, autumnal
        fierce > aggressive: furious, savage, raging
        ethereal > dreamy: celestial, heavenly, otherworldly, spherical
        """,  # noqa: E501
    ),
    *_terms(
        "energy",
        """
        very low energy > low energy: barely there, very quiet, very soft, whisper, whispered, pianissimo
        very high energy > high energy: explosive, relentless, full throttle, all out, very loud, very energetic, fortissimo
        """,  # noqa: E501
    ),
    *_terms(
        "tempo",
        """
        very slow > slow: glacial, extremely slow, sehr langsam, tres lent, muy lento
        very fast > fast: breakneck, extremely fast, sehr schnell, tres rapide, muy rapido, frenetic
        """,
    ),
    *_terms(
        "genre",
        """
        deep house > house: chill house
        disco > funk: nu disco, nu-disco
        minimal techno > techno: hypnotic techno
        industrial techno > techno: industrial, hard techno
        liquid drum and bass > drum and bass: liquid dnb, liquid
        jungle > drum and bass: amen
        indie rock > rock: indie, indie pop
        hard rock > rock + distorted guitar: metal, heavy metal, heavy rock
        punk > rock: punk rock, pop punk
        ballad > slow + melody: power ballad
        swing jazz > jazz + swing: swing band
        smooth jazz > jazz: cool jazz, lounge, cocktail, dinner jazz
        bebop > jazz: bop, hard bop
        acoustic folk > folk + acoustic guitar: campfire, acoustic guitar folk, fingerpicked folk
        chamber music > no drums: chamber, kammermusik, musique de chambre
        dark ambient > ambient: dark soundscape
        space ambient > ambient: space music, cosmic
        cloud rap > trap: dark trap
        jazzy hip-hop > hip-hop: jazz rap, jazz hop, jazzhop
        jazzy lo-fi > lo-fi: lo-fi jazz
        darksynth > synthwave: dark synthwave, dark synth
        hybrid trailer > trailer: hybrid orchestral
        orchestral waltz > orchestral + 3/4: viennese waltz
        piano waltz > piano + 3/4:
        """,
    ),
    *_terms(
        "scene",
        """
        action > high energy + drums: chase, fight, battle, pursuit, car chase, action scene, combat
        adventure: journey, quest, exploration, abenteuer, aventure, aventura, discovery
        horror > dark: scary, nightmare, terror, slasher, frightening
        fantasy: magical, fairy tale, magic, fairytale, fairy-tale, enchanted, wonder
        sci-fi: science fiction, futuristic, cyberpunk, space, sci fi, scifi, cyber
        documentary: docu, nature documentary, nature, wildlife, news, interview
        corporate > medium energy: business, commercial, advertising, tech explainer, explainer, presentation
        comedy > playful: sitcom, slapstick, funny, humorous, cartoon
        lullaby > low energy + slow: cradle song, bedtime, schlaflied, berceuse, nana
        anthem > high energy + full band: anthemic, stadium, hymn
        sports > high energy + drums: workout, sport, gym, extreme sports
        drama: tragic, tragedy, serious, solemn
        """,
    ),
    *_terms(
        "instrument",
        """
        harpsichord: cembalo, clavecin
        clavinet > electric piano: clav
        church organ > organ: pipe organ, kirchenorgel
        accordion: akkordeon, accordeon, acordeon, bandoneon
        harmonica: mouth harp, blues harp
        nylon guitar > acoustic guitar: classical guitar, spanish guitar
        steel guitar > acoustic guitar: steel-string guitar, steel string guitar, western guitar
        jazz guitar > electric guitar: hollow body guitar, archtop
        clean guitar > electric guitar: clean electric guitar
        muted guitar > electric guitar: palm-muted guitar, palm mutes, chugging guitar
        picked bass > electric bass: pick bass
        slap bass > electric bass: slapped bass
        fretless bass > electric bass: fretless
        viola: bratsche
        tremolo strings > strings: string tremolo
        slow strings > strings: soft strings, warm strings
        synth strings: string machine, string synth
        trombone > brass: trombones, posaune
        tuba > brass: sousaphone
        synth brass: brass synth
        bassoon: bassoons, fagott
        english horn > oboe: cor anglais
        alto sax > saxophone: alto saxophone
        soprano sax > saxophone: soprano saxophone
        baritone sax > saxophone: bari sax, baritone saxophone
        pan flute > flute: panpipes, pan pipes
        ocarina > flute: whistle
        vocal oohs > choir: oohs, aahs, vocals ooh, wordless voice, wordless vocals, humming
        celesta > bells: celeste
        glockenspiel > bells: glock
        music box > bells: toy piano, spieluhr
        tubular bells > bells: church bells
        crystal bells > bells: crystals, crystal
        vibraphone > marimba: vibes
        xylophone > marimba: xylo
        kalimba > marimba: thumb piano
        square lead > synth lead: chip lead, square wave, chiptune, 8-bit, 8 bit
        saw lead > synth lead: sawtooth, saw synth, supersaw
        warm pad > synth pad: warm pads, analog pad, analogue pad
        sweep pad > synth pad: sweeping pad
        polysynth > synth pad: poly synth, poly-synth
        """,
    ),
    *_terms(
        "drums",
        """
        light drums > drums: soft drums, gentle drums, subtle drums, light percussion, soft percussion, minimal drums
        heavy drums > drums: big drums, pounding drums, powerful drums, loud drums, hard drums, huge drums
        brushes > drums: brushed drums, brush kit, brushed snare
        electronic drums > drums: drum machine, electronic beat, electronic beats, programmed drums, 808 drums, 808 kit, 909
        acoustic drums > drums: live drums, real drums
        orchestral percussion > drums: taiko, taikos, war drums, cinematic percussion, epic drums, tribal drums, tribal
        claps > drums: handclaps, hand claps, clap
        shaker > drums: shakers, maracas
        ride cymbal > drums: ride
        toms > drums: tom-toms
        rolling hi-hats > drums: hi-hats, hihats, fast hats, trap hats, hi-hat rolls
        """,  # noqa: E501
    ),
    *_terms(
        "groove",
        """
        four on the floor > drums: four-on-the-floor, 4 on the floor, four to the floor
        backbeat > drums: snare on two and four
        half-time > drums: half time, halftime
        breakbeats > drums: broken beat, breaks
        swing: swung, swinging, shuffle, shuffled
        syncopated: offbeat, off-beat, syncopation
        driving: propulsive, pulsing, pulse, pushing, motoric, pounding
        walking bass: walking bassline, walking bass line
        groovy > drums: groove, grooving, danceable
        """,
    ),
    *_terms(
        "articulation",
        """
        legato: smooth, connected, sustained, bowed
        staccato: detached, short notes, bouncy, crisp
        plucked: plucky, picked, strummed, fingerpicked, fingerpicking
        arpeggios: arpeggio, arpeggiated, broken chords, rolling, rippling
        sustained chords: long chords, held chords, drones, swelling chords
        chord stabs: stabs, stab
        ostinato: repeated figure, motif
        """,
    ),
    *_terms(
        "harmony",
        """
        modal: modes
        drone: pedal point, pedal tone, one chord
        seventh chords: jazz chords, extended chords, jazzy chords, seventh chord
        power chords: fifths
        key change: modulation, modulates, modulating, key changes
        chromatic: dissonant, dissonance
        pentatonic: pentatonic scale
        slow changes: slow harmony, static harmony
        quick changes: fast changes, quick harmony
        """,
    ),
    *_terms(
        "melody",
        """
        melody: tune, melodic, theme, hook, lead melody, melodie, melodia, lead
        no melody: underscore, bed, background bed, backing, music bed, backing track
        lyrical > melody: singing melody, singable, cantabile, long melody, expressive
        lively melody > melody: fast melody, running melody, virtuosic
        counter-melody: countermelody, counterpoint, second voice
        """,
    ),
    *_terms(
        "register",
        """
        high register: high notes, treble, high-pitched
        low register: low notes, low end, low-pitched
        deep bass: deep, heavy bass, bass-heavy, bass heavy, boomy, low bass
        """,
    ),
    *_terms(
        "ensemble",
        """
        solo: one instrument, unaccompanied
        duo: duet, two instruments
        small ensemble: trio, quartet, small band, small group, combo
        full band > drums + bass + melody: whole band, full ensemble, tutti, full orchestra
        electronic: electronica, synthetic, elektronisch, electronique, electronico, electro
        acoustic: unplugged, organic, akustisch, acoustique, acustico
        hybrid: electronic and acoustic, electro-acoustic
        string ensemble: string quartet, strings alone, string orchestra
        wind ensemble: woodwinds, woodwind, winds, wind quintet
        """,
    ),
    *_terms(
        "bass",
        """
        bass: bassline, bass line, basslines
        no bass: bassless
        """,
    ),
    *_terms(
        "opening",
        """
        starts quiet: quiet intro, soft intro, sparse intro, slow intro, gentle intro, intro, quiet start, soft start, gentle start, quiet opening, soft opening
        starts big: big intro, big start, loud intro, strong opening, straight in, immediate
        """,  # noqa: E501
    ),
    *_terms(
        "ending",
        """
        ends big: big ending, big finish, big finale, huge ending, grand finale, epic ending, finale, strong ending, loud ending, powerful ending, climax, climactic
        ends quiet: quiet ending, soft ending, gentle ending, sparse ending, calm ending, peaceful ending
        fades out: fade out, fade-out, fadeout, fading out, fading, fade, fading away
        final chord: last chord, hard ending, clean ending, button, button ending, sting ending, definite ending
        open ending: no ending, cuts off
        """,  # noqa: E501
    ),
    *_terms(
        "moment",
        """
        drop: beat drop, drops, the drop
        breakdown: break, break down, breather
        stops: stop, pauses, stop-time, hits and stops, stop and go, silences
        swells: swell, swelling, risers, riser
        """,
    ),
)

TERMS: Final[tuple[Term, ...]] = (*_FIRST_TERMS, *_LATER_TERMS)

TERM_INDEX: Final[dict[str, int]] = {term.name: index for index, term in enumerate(TERMS)}
CATEGORY_OF: Final[dict[str, Category]] = {term.name: term.category for term in TERMS}
IMPLIED: Final[dict[str, tuple[str, ...]]] = {term.name: term.implies for term in TERMS}
