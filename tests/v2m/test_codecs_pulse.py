"""The music leans on the beats: strokes and notes there are harder, and a groove marks every beat."""

from hypothesis import given
from hypothesis import strategies as st

from v2m.codecs.arrangement import DRUM_VOICES, Arrangement, Note
from v2m.codecs.pulse import FEATHERED_VELOCITY, OFF_BEAT_SHARE, ON_BEAT_VELOCITY, mark_beats

KICK, SNARE, HAT = (DRUM_VOICES[name] for name in ("kick", "snare", "closed hat"))

strokes = st.builds(
    Note,
    st.just("drums"),
    st.integers(0, 63).map(lambda step: step / 4),
    st.just(0.25),
    st.sampled_from(sorted(DRUM_VOICES.values())),
    st.integers(1, 127),
)
tones = st.builds(
    Note,
    st.sampled_from(["bass", "lead"]),
    st.integers(0, 63).map(lambda step: step / 4),
    st.just(0.5),
    st.integers(40, 80),
    st.integers(1, 127),
)


@given(st.lists(strokes | tones, max_size=30))
def test_what_is_on_the_beat_is_harder_and_all_else_lighter(notes: list[Note]) -> None:
    def places(played: list[Note]) -> list[tuple[float, str, int]]:
        return sorted((note.start_beat, note.part, note.pitch) for note in played)

    marked = mark_beats(Arrangement(16, tuple(notes)))
    assert list(marked.notes) == sorted(marked.notes, key=lambda n: (n.start_beat, n.part, n.pitch))
    feathered = len(marked.notes) - len(notes)
    added = [n for n in marked.notes if (n.pitch, n.velocity) == (KICK, FEATHERED_VELOCITY)]
    assert feathered <= len(added)
    assert set(places(notes)) <= set(places(list(marked.notes)))
    for note in notes:
        expected = mark_beats(Arrangement(16, (note,))).notes[0]
        assert expected in marked.notes
        if note.part != "drums":
            assert (expected.velocity >= note.velocity) == (note.start_beat % 1 == 0 or note.velocity <= 2)
        elif note.start_beat % 1 == 0:
            assert expected.velocity == max(note.velocity, ON_BEAT_VELOCITY)
        else:
            assert expected.velocity == max(1, round(note.velocity * OFF_BEAT_SHARE))


def test_a_groove_that_leaves_a_beat_to_itself_gets_a_soft_kick_there() -> None:
    hats = [Note("drums", step / 2, 0.25, HAT, 80) for step in range(32)]
    backbeat = [Note("drums", beat, 0.25, KICK if beat % 4 == 0 else SNARE, 90) for beat in range(0, 16, 2)]
    marked = mark_beats(Arrangement(16, tuple(hats + backbeat)))
    kicks = {note.start_beat: note.velocity for note in marked.notes if note.pitch == KICK}
    assert {beat for beat, velocity in kicks.items() if velocity == FEATHERED_VELOCITY} == set(
        range(1, 16, 2)
    )
    assert all(kicks[beat] == 90 for beat in range(0, 16, 4))


def test_single_strokes_and_music_without_drums_get_none() -> None:
    effects = [Note("drums", beat, 0.25, DRUM_VOICES["crash"], 90) for beat in (0, 8)]
    strings = [Note("harmony", beat, 4, 60, 80) for beat in (0, 4, 8)]
    marked = mark_beats(Arrangement(16, tuple(effects + strings)))
    assert not [note for note in marked.notes if note.pitch == KICK and note.part == "drums"]
    assert len(marked.notes) == 5
