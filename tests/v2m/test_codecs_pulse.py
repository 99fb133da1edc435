"""The drums lean on the beats; everything else stays as it was written."""

from hypothesis import given
from hypothesis import strategies as st

from v2m.codecs.arrangement import DRUM_VOICES, Arrangement, Note
from v2m.codecs.pulse import OFF_BEAT_SHARE, ON_BEAT_VELOCITY, mark_beats

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
    st.floats(0, 15),
    st.just(0.5),
    st.integers(40, 80),
    st.integers(1, 127),
)


@given(st.lists(strokes | tones, max_size=30))
def test_strokes_on_the_beat_are_plain_at_least_and_others_lighter(notes: list[Note]) -> None:
    marked = mark_beats(Arrangement(16, tuple(notes)))
    assert len(marked.notes) == len(notes)
    for before, after in zip(notes, marked.notes, strict=True):
        assert (after.part, after.start_beat, after.pitch) == (before.part, before.start_beat, before.pitch)
        if before.part != "drums":
            assert after == before
        elif before.start_beat == int(before.start_beat):
            assert after.velocity == max(before.velocity, ON_BEAT_VELOCITY)
        else:
            assert after.velocity == max(1, round(before.velocity * OFF_BEAT_SHARE))
