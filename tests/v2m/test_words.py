"""Prompts as editors write them: what is understood, what is obeyed exactly, and what is not known."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v2m.prompt.tempo_words import STYLE_BPM
from v2m.prompt.words import read_prompt

GUITARS = ("electric guitar", "acoustic guitar", "distorted guitar")

# each prompt with fields of its brief; `has` are terms among others, `terms` are all
GOLDEN: list[tuple[str, dict[str, Any]]] = [
    ("warm lofi with Rhodes, no drums", {"terms": {"lo-fi", "romantic", "electric piano", "no drums"},
                                         "excluded": ("drums", "timpani")}),
    ("Epic TRAILER; strings & brass", {"terms": {"trailer", "epic", "strings", "brass"},
                                       "asked": ("strings", "brass")}),
    ("a waltz for solo piano", {"has": {"piano solo", "3/4"}, "only": ("piano",), "beats_per_bar": 3}),
    ("something nice", {"terms": {"cinematic"}}),
    ("", {"terms": {"cinematic"}}),
    ("piano only, slow, D minor", {"has": {"piano solo", "slow", "minor"}, "tonic": 2, "only": ("piano",)}),
    ("only piano", {"only": ("piano",), "asked": ("piano",)}),
    ("just piano and cello, tender", {"only": ("piano", "cello"), "has": {"tender", "romantic"}}),
    ("nothing but strings", {"has": {"strings", "string ensemble"},
                             "only": ("strings", "violin", "viola", "cello", "pizzicato")}),
    ("strings and harp only", {"only": ("strings", "violin", "viola", "cello", "pizzicato", "harp")}),
    ("guitar only", {"only": GUITARS}),
    ("solo cello, mournful", {"only": ("cello",), "has": {"cello", "solo", "sad", "mournful"}}),
    ("cello solo", {"only": ("cello",)}),
    ("strings, drums, sax solo", {"only": (), "asked": ("strings", "drums", "saxophone", "melody")}),
    ("rock with a guitar solo and drums", {"only": (), "has": {"rock", "electric guitar", "melody"}}),
    ("just drums and bass", {"only": ("drums", "timpani", "bass"), "asked": ("drums", "bass")}),
    ("ambient without drums or bass", {"has": {"ambient", "no drums", "no bass"},
                                       "excluded": ("drums", "timpani", "bass")}),
    ("no piano, guitar or vocals; happy folk", {"excluded": ("piano", *GUITARS, "choir"), "asked": ()}),
    ("without drums, piano", {"asked": ("piano",), "has": {"piano", "no drums"}}),
    ("no drums and bass, pads", {"excluded": ("drums", "timpani", "bass"), "asked": ("synth pad",)}),
    ("upbeat corporate, no vocals", {"has": {"corporate", "fast"}, "unknown": ()}),
    ("pop vocals", {"unknown": ("pop", "vocals")}),
    ("techno without melody", {"has": {"techno", "no melody"}, "excluded": ("melody",)}),
    ("orchestral, no brass", {"excluded": ("brass", "trumpet", "french horn", "synth brass")}),
    ("cinematic but not too dark", {"excluded": ("dark",), "terms": {"cinematic"}}),
    ("rock, w/o guitars", {"excluded": GUITARS}),
    ("house minus claps", {"excluded": ("claps",)}),
    ("less drums, more energy", {"has": {"light drums", "drums", "high energy"}}),
    ("less busy jazz", {"has": {"jazz", "sparse"}}),
    ("not fast, jazz", {"excluded": ("fast",), "bpm_range": (100, 139.6)}),
    ("trailer in D minor, 118 BPM", {"tonic": 2, "bpm": 118.0, "has": {"minor", "trailer", "mid-tempo"}}),
    ("in Bb major at 92.5 bpm", {"tonic": 10, "bpm": 92.5, "has": {"major"}}),
    ("synthwave in F#m", {"tonic": 6, "has": {"minor", "synthwave"}}),
    ("key of E flat major", {"tonic": 3, "has": {"major"}}),
    ("in a club", {"tonic": None, "has": {"house"}}),
    ("in a minor key, slow", {"tonic": None, "has": {"minor", "slow"}}),
    ("ballad in A minor", {"tonic": 9, "has": {"ballad", "minor", "slow", "melody"}}),
    ("Am, 90 bpm, sad piano", {"tonic": 9, "bpm": 90.0, "has": {"minor", "sad", "piano"}}),
    ("C major, cheerful", {"tonic": 0, "has": {"major", "happy", "cheerful"}}),
    ("Gmaj happy folk", {"tonic": 7, "has": {"major", "folk"}}),
    ("D dorian funk", {"tonic": 2, "has": {"dorian", "funk"}}),
    ("dorian in G", {"tonic": 7, "has": {"dorian"}}),
    ("f-sharp minor nocturne", {"tonic": 6, "unknown": ("nocturne",)}),
    ("lydian, dreamy, bells", {"tonic": None, "has": {"lydian", "dreamy", "bells"}}),
    ("drum and bass, 174 bpm", {"bpm": 174.0, "has": {"drum and bass", "very fast"}}),
    ("200 beats per minute", {"bpm": 100.0}),
    ("tempo 96, hip hop", {"bpm": 96.0, "has": {"hip-hop"}}),
    ("techno at 132", {"bpm": 132.0, "has": {"techno"}}),
    ("120BPM house", {"bpm": 120.0, "has": {"house"}}),
    ("jazz, 120-130 bpm, walking bass", {"bpm_range": (120, 130), "has": {"jazz", "walking bass"}}),
    ("between 90 to 100 bpm", {"bpm_range": (90, 100)}),
    ("9000 bpm", {"bpm": None}),
    ("allegro, strings", {"bpm_range": (120, 156), "has": {"strings"}}),
    ("andante cantabile", {"bpm_range": (76, 106), "has": {"lyrical", "melody"}}),
    ("presto!", {"bpm_range": (168, 180)}),
    ("folk in 6/8", {"beats_per_bar": 2, "has": {"folk", "6/8"}}),
    ("3/4 waltz, orchestral", {"beats_per_bar": 3, "has": {"3/4", "orchestral"}}),
    ("12/8 blues", {"beats_per_bar": 2, "has": {"6/8"}, "unknown": ("blues",)}),
    ("7/8 prog", {"beats_per_bar": 4, "unknown": ("7/8", "prog")}),
    ("starts quiet, builds, big ending", {"terms": {"cinematic", "starts quiet", "building", "ends big"}}),
    ("quiet intro then a huge drop and fade out", {"has": {"starts quiet", "drop", "fades out"}}),
    ("sparse intro, grand finale", {"has": {"starts quiet", "ends big"}}),
    ("no ending, loopable", {"has": {"open ending", "steady form"}}),
    ("horror soundscape", {"has": {"horror", "dark", "ambient"}}),
    ("heavy metal", {"has": {"hard rock", "rock", "distorted guitar"}}),
    ("four-on-the-floor disco", {"has": {"four on the floor", "disco", "funk", "drums"}}),
    ("brushed drums, upright bass, jazz trio", {"has": {"brushes", "acoustic bass", "small ensemble"}}),
    ("drumless trap", {"has": {"no drums", "trap"}, "excluded": ("drums", "timpani")}),
    ("vibraphone and music box lullaby", {"has": {"vibraphone", "marimba", "music box", "bells", "lullaby"}}),
    ("car chase, taiko", {"has": {"action", "high energy", "orchestral percussion", "drums"}}),
    ("Klavier, langsam, traurig, d-Moll, ohne Schlagzeug",
     {"tonic": 2, "has": {"piano", "slow", "sad", "minor", "no drums"}, "unknown": ()}),
    ("nur Streicher, h-Moll", {"tonic": 11, "has": {"strings", "minor"}}),
    ("Filmmusik in Es-Dur", {"tonic": 3, "has": {"cinematic", "major"}}),
    ("musique triste en ré mineur, sans batterie", {"tonic": 2, "has": {"sad", "no drums"}, "unknown": ()}),
    ("música épica con cuerdas, sin batería", {"has": {"strings", "no drums"}}),
    ("fröhlicher Walzer", {"has": {"3/4"}}),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "expected"), GOLDEN, ids=[prompt for prompt, _ in GOLDEN])
def test_prompts_of_editors_are_understood(prompt: str, expected: dict[str, Any]) -> None:
    brief = read_prompt(prompt)
    for field, value in expected.items():
        if field == "terms":
            assert set(brief.terms) == value
        elif field == "has":
            assert value <= set(brief.terms)
        elif field == "bpm_range":
            assert brief.bpm_range == pytest.approx(value)
        else:
            assert getattr(brief, field) == value, field


def test_unknown_words_are_named_once_with_what_was_perhaps_meant() -> None:
    brief = read_prompt("glorfindel jaz, Glorfindel, cinematc!")
    assert brief.unknown == ("glorfindel", "jaz", "cinematc")
    assert brief.suggestions == (("jaz", "jazz"), ("cinematc", "cinematic"))


def test_what_was_understood_is_told_phrase_by_phrase() -> None:
    understood = read_prompt("Rhodes, no drums, 84 BPM, in A minor").understood
    assert set(understood) == {
        ("rhodes", "electric piano"), ("no drums", "no drums"), ("tempo", "84 BPM"), ("key", "A minor"),
    }  # fmt: skip


def test_tempo_words_move_the_range_within_the_style() -> None:
    slow, fast = read_prompt("slow rock").bpm_range, read_prompt("fast rock").bpm_range
    assert STYLE_BPM["rock"][0] <= slow[0] < slow[1] < fast[0] < fast[1] <= STYLE_BPM["rock"][1]


@given(st.text(max_size=120))
def test_any_text_is_read(text: str) -> None:
    brief = read_prompt(text)
    assert brief.terms
    low, high = brief.bpm_range
    assert 60 <= low <= high <= 180
    assert not set(brief.asked) & set(brief.excluded)
    assert brief.beats_per_bar in (2, 3, 4)


@given(st.floats(60, 180), st.integers(0, 11), st.sampled_from(("major", "minor", "dorian")))
def test_directives_survive_any_company(bpm: float, tonic: int, mode: str) -> None:
    key = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")[tonic]
    brief = read_prompt(f"tense trailer, {bpm:.1f} BPM, in {key} {mode}, no drums")
    assert brief.bpm == pytest.approx(bpm, abs=0.051)
    assert (brief.tonic, brief.named("mode")) == (tonic, (mode,))
    assert brief.unknown == ()
