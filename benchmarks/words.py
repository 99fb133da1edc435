"""Does the music do what the words say? Genre, instruments asked for and denied, tempo and key.

    python benchmarks/words.py [--genre 4] [--directives 64] [--heard 32] [--workers N] [--seed N] [--steps N]

Programmes cut at random are scored as `v2m score` does it (`programmes.py`): first with a style alone, so
many of each, then with a style and directives together, as "funk in E minor, 104 bpm, with cello, no organ".
Every share stands with its 95 % interval, its number of cases and what it is read against:

    genre       taken for the style that was asked for by a classifier that learned on composed pieces
                (`genre.py`); read against its accuracy on composed pieces that it has not seen
    present     an instrument that was asked for plays: four notes or more, in an eighth of the bars or more
    absent      what was denied plays not one note
    tempo       the tempo map's mean within 3 % of what was asked for; and as heard by librosa's beat tracker,
                exactly, or by an octave (Gouyon 2006: accuracy 1 and 2)
    key         tonic and mode by Krumhansl and Schmuckler, read against the share of right keys in composed
                pieces that stay in one major or minor key; and with profiles learned on such pieces

`chance`: genre, one of the styles; instruments, what the style alone brings; tempo as heard, another case's
wish; key, one of 24. `model alone`: as the model wrote it, before the words are carried out for certain.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import librosa
import numpy as np
from genre import CHANCE, GenreJudge, accuracy, from_downbeat, learned_judges
from keys import MODES, SAME, known_keys, learned_profiles, relations
from programmes import Job, Scored, arguments_of, each, score_job
from shares import share
from v2m_training.compose import STYLE_NAMES
from v2m_training.compose.styles import STYLES

from v2m.audio import mix
from v2m.codecs.arrangement import PARTS, Arrangement, Part
from v2m.codecs.programs import PROGRAM_TABLES
from v2m.codecs.synth import ScoreSynth
from v2m.metrics.key import KRUMHANSL_KESSLER, KeyMode
from v2m.prompt.instruments import PARTS_NAMED, instrument_words
from v2m.prompt.words import STYLE_BPM, read_prompt
from v2m.timebase import SAMPLE_RATE_HZ

TOLERANCE = 0.03
LISTENED_HZ = 22_050
NOTE_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

_FEWEST_NOTES = 4
_FEWEST_BARS = 1 / 8


@dataclass(frozen=True)
class Directions:
    """What one prompt asks for beside its style."""

    style: str
    tonic: int
    mode: KeyMode
    bpm: int
    wanted: str
    denied: str

    @property
    def prompt(self) -> str:
        """As an editor may write it."""
        key = f"{NOTE_NAMES[self.tonic]} {self.mode}"
        return f"{self.style} in {key}, {self.bpm} bpm, with {self.wanted}, no {self.denied}"


INSTRUMENTS = tuple(
    sorted(
        {word for part in PARTS for p in PROGRAM_TABLES[part] for word in instrument_words(part, p)}
        - {"drums"}
    )
)


def draw_directions(index: int, seed: int) -> Directions:
    """Styles take turns; any instrument is asked for, and one that is usual in the style is denied."""
    rng = random.Random(f"{seed} {index}")  # noqa: S311 - a benchmark wants the same cases again
    style = STYLE_NAMES[index % len(STYLE_NAMES)]
    usual = sorted(usual_words(style))
    while True:
        drawn = Directions(
            style, rng.randrange(12), rng.choice(MODES), rng.randint(*map(round, STYLE_BPM[style])),
            rng.choice(INSTRUMENTS), rng.choice(usual),
        )  # fmt: skip
        brief = read_prompt(drawn.prompt)
        if drawn.wanted in brief.asked and drawn.wanted not in brief.excluded:  # no "cello" without "strings"
            return drawn


def usual_words(style: str) -> set[str]:
    """Instruments and parts that a style is apt to have."""
    played = {
        word for part, programs in STYLES[style].programs.items() for p in programs
        for word in instrument_words(part, p)
    }  # fmt: skip
    return played | {"bass", "melody"} - (set() if "drums" in played else {"drums"})


def plays(
    music: Arrangement, word: str, fewest_notes: int = _FEWEST_NOTES, bars: float = _FEWEST_BARS
) -> bool:
    """Whether what a word names is heard in a piece."""
    return any(
        len(starts) >= fewest_notes
        and len({int(start // music.beats_per_bar) for start in starts}) * music.beats_per_bar
        >= bars * music.beat_count
        for part in PARTS
        if PARTS_NAMED.get(word) == part or word in _words_of(music, part)
        for starts in ([note.start_beat for note in music.notes if note.part == part],)
    )


def _words_of(music: Arrangement, part: Part) -> tuple[str, ...]:
    return instrument_words(part, music.programs[part]) if part in music.programs else ()


def plays_any(music: Arrangement, words: Sequence[str]) -> bool:
    """Whether one note of any of them sounds."""
    return any(plays(music, word, fewest_notes=1, bars=0.0) for word in words)


def heard_bpm(scored: Scored) -> float:
    """The tempo that librosa's beat tracker finds in the sound: of the middle one of its beats."""
    end_s = scored.tempo_map.beats_s[-1]
    stems = ScoreSynth().render(scored.played, scored.tempo_map, sample_count=int(end_s * SAMPLE_RATE_HZ))
    mono = librosa.resample(mix(stems).mean(axis=1), orig_sr=SAMPLE_RATE_HZ, target_sr=LISTENED_HZ)
    _, beats_s = librosa.beat.beat_track(y=mono, sr=LISTENED_HZ, units="time")
    return 60 / float(np.median(np.diff(beats_s))) if len(beats_s) > 2 else float("nan")


def mean_bpm(scored: Scored) -> float:
    """Over the whole tempo map."""
    beats = scored.tempo_map.beats_s
    return 60 * (len(beats) - 1) / (beats[-1] - beats[0])


def near(bpm: float, wish: float, *, octaves: bool = False) -> bool:
    """Whether a tempo is the one wished for."""
    factors = (0.5, 1.0, 2.0) if octaves else (1.0,)
    return any(abs(bpm / (factor * wish) - 1) <= TOLERANCE for factor in factors)


def main() -> None:
    """Compose, judge and print."""
    parser = arguments_of(__doc__)
    parser.add_argument("--genre", type=int, default=4, help="programmes of each style")
    parser.add_argument("--directives", type=int, default=64, help="programmes with directives")
    parser.add_argument("--heard", type=int, default=32, help="of them whose sound is listened to")
    options = parser.parse_args()
    plain = [
        Job(style, options.seed * 10_000 + i * len(STYLE_NAMES) + k, steps=options.steps)
        for i in range(options.genre)
        for k, style in enumerate(STYLE_NAMES)
    ]
    directions = [draw_directions(index, options.seed) for index in range(options.directives)]
    told = [
        Job(asked.prompt, options.seed * 10_000 + 5000 + i, steps=options.steps)
        for i, asked in enumerate(directions)
    ]
    scored = each(score_job, [*plain, *told], options.workers)
    styled, directed = scored[: len(plain)], scored[len(plain) :]
    print_genre(styled, options.seed, options.workers)
    print_instruments(directed, directions, styled)
    heard = each(heard_bpm, directed[: options.heard], options.workers)
    print_tempo(directed, directions, heard)
    print_key(directed, directions)


def print_genre(styled: Sequence[Scored], seed: int, workers: int) -> None:
    """The judge's own accuracy, what it says of the music, and what it takes for what."""
    judges = learned_judges(seed, workers)
    unseen = judges[2]
    asked = [scored.job.prompt for scored in styled]
    print(f"genre, {len(STYLE_NAMES)} styles, chance {CHANCE:.3f}; bar 0.85 recovered")
    for name, judge in zip(("with tempo", "without tempo"), judges[:2], strict=True):
        right = accuracy(judge, unseen)
        found = _genres(judge, styled)
        recovered = [a == b for a, b in zip(found, asked, strict=True)]
        print(f"  {name:14} composed, unseen {share(right)}   recovered {share(recovered)}")
        if judge.with_tempo:
            _print_confusion("composed", [style for *_, style in unseen], _names(judge, unseen))
            _print_confusion("recovered", asked, found)


def _genres(judge: GenreJudge, scored: Sequence[Scored]) -> list[str]:
    music = [from_downbeat(each.played, each.tempo_map.first_downbeat) for each in scored]
    return judge.names(music, [mean_bpm(each) for each in scored])


def _names(judge: GenreJudge, examples: Sequence[tuple[Arrangement, float, str]]) -> list[str]:
    return judge.names([music for music, _, _ in examples], [bpm for _, bpm, _ in examples])


def _print_confusion(title: str, asked: Sequence[str], found: Sequence[str]) -> None:
    """A row for each style that was missed: the share of right ones and what it was taken for."""
    pairs = Counter(zip(asked, found, strict=True))
    for style in STYLE_NAMES:
        row = Counter({other: count for (own, other), count in pairs.items() if own == style})
        wrong = ", ".join(f"{other} {count}" for other, count in row.most_common() if other != style)
        if wrong:
            print(f"    {title:9} {style:14} {row[style]:3} of {row.total():3}, else {wrong}")


def print_instruments(
    directed: Sequence[Scored], directions: Sequence[Directions], styled: Sequence[Scored]
) -> None:
    """Asked for and denied, against what the styles bring by themselves."""
    pairs = list(zip(directed, directions, strict=True))
    denied = [read_prompt(scored.job.prompt).excluded for scored in directed]
    alike = [[other.played for other in styled if other.job.prompt == asked.style] for asked in directions]
    by_chance = [
        plays(music, asked.wanted) for asked, pool in zip(directions, alike, strict=True) for music in pool
    ]
    spared = [
        not plays_any(music, words) for words, pool in zip(denied, alike, strict=True) for music in pool
    ]
    silent = [(not plays_any(each.played, words), not plays_any(each.alone, words))
              for each, words in zip(directed, denied, strict=True)]  # fmt: skip
    sounds = [(plays(each.played, asked.wanted), plays(each.alone, asked.wanted)) for each, asked in pairs]
    rows = (("present", sounds, by_chance, 0.95), ("absent", silent, spared, 0.98))
    for name, both, chance, bar in rows:
        delivered, alone = zip(*both, strict=True)
        print(
            f"{name:8} {share(delivered)}; bar {bar}   model alone {share(alone)}   "
            f"chance {np.mean(chance):.3f}"
        )


def print_tempo(directed: Sequence[Scored], directions: Sequence[Directions], heard: Sequence[float]) -> None:
    """On the map and in the sound."""
    wishes = [asked.bpm for asked in directions]
    errors = [abs(mean_bpm(scored) / wish - 1) for scored, wish in zip(directed, wishes, strict=True)]
    within = share([error <= TOLERANCE for error in errors])
    print(
        f"tempo    {within} within 3 % on the map; bar 1   off by {np.median(errors):.1%} in the middle, "
        f"{max(errors):.1%} at most"
    )
    paired = list(zip(heard, wishes, strict=False))
    others = [(bpm, wish) for i, bpm in enumerate(heard) for j, wish in enumerate(wishes) if i != j]
    for name, octaves in (("exactly", False), ("by octaves", True)):
        right = [near(bpm, wish, octaves=octaves) for bpm, wish in paired]
        chance = np.mean([near(bpm, wish, octaves=octaves) for bpm, wish in others])
        print(f"  heard by librosa, {name:10} {share(right)}   chance {chance:.3f}")


def print_key(directed: Sequence[Scored], directions: Sequence[Directions]) -> None:
    """By both kinds of profiles, beside what they find in composed pieces."""
    known = known_keys()
    asked = [(each.played, wish.tonic, wish.mode) for each, wish in zip(directed, directions, strict=True)]
    for name, profiles in (
        ("Krumhansl-Kessler", KRUMHANSL_KESSLER),
        ("learned profiles", learned_profiles(known[::2])),
    ):
        found = relations(asked, profiles)
        ceiling = relations(known[1::2], profiles)
        print(
            f"key      {share([each == SAME for each in found])}; bar 0.95   {name}; "
            f"in composed pieces {share([each == SAME for each in ceiling])}   chance {1 / 24:.3f}"
        )
        if wrong := Counter(each for each in found if each != SAME):
            print("    else " + ", ".join(f"{each} {count}" for each, count in wrong.most_common()))


if __name__ == "__main__":
    main()
