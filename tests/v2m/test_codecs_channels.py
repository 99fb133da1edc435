"""Models made for an earlier layout still speak, and a list of channels is checked."""

import json

import numpy as np
import pytest

from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.channels import FIRST_CHANNELS, NOTE, channels_note, channels_of, to_layout
from v2m.codecs.latents import decode, encode
from v2m.codecs.layout import CHANNEL_COUNT, CHANNEL_NAMES, NEUTRAL
from v2m.errors import CheckpointError


def test_todays_model_names_todays_channels() -> None:
    assert channels_of({NOTE: channels_note()}, CHANNEL_COUNT) == CHANNEL_NAMES
    latents = np.zeros((8, CHANNEL_COUNT), np.float32)
    assert to_layout(latents, CHANNEL_NAMES) is latents


def test_a_model_without_a_list_has_the_first_layout() -> None:
    names = channels_of({}, 126)
    latents = np.full((8, 126), -1.0, np.float32)
    for name, value in {
        "drums.strike.kick": 1.0, "drums.timing": 0.4, "lead.pitch class.4": 1.0, "lead.hold": 1.0,
        "lead.attack": 0.6, "lead.timing": 0.0, "harmony.roll.60": 1.0, "harmony.attack": 1.0,
        "harmony.timing": 0.2,
    }.items():  # fmt: skip
        latents[0, names.index(name)] = value
    notes = decode(to_layout(latents, names), 0).notes
    assert [(n.part, n.pitch, n.velocity) for n in notes] == [
        ("lead", 40, round(0.5 * 127)), ("harmony", 60, 127), ("drums", 36, 127),
    ]  # fmt: skip
    # in the first layout a timing of 1 was half a sixteenth
    assert [n.start_beat * 4 for n in notes] == pytest.approx([0, 0.1, 0.2], abs=1e-6)


def test_a_missing_channel_is_neutral() -> None:
    piece = Arrangement(2, (Note("lead", 0, 1, 72, 80), Note("lead", 0, 1, 69, 80)))
    names = tuple(name for name in CHANNEL_NAMES if name != "lead.doubled")
    known = [CHANNEL_NAMES.index(name) for name in names]
    full = to_layout(encode(piece)[:, known], names)
    assert (
        full[:, CHANNEL_NAMES.index("lead.doubled")] == NEUTRAL[CHANNEL_NAMES.index("lead.doubled")]
    ).all()
    assert [n.pitch for n in decode(full, 0).notes] == [72]


@pytest.mark.parametrize(
    ("notes", "count"),
    [
        ({}, 125),
        ({NOTE: "not a list"}, 3),
        ({NOTE: json.dumps({"lead.hold": 1})}, 1),
        ({NOTE: json.dumps(["lead.colour"])}, 1),
        ({NOTE: json.dumps(list(FIRST_CHANNELS))}, 5),
    ],
)
def test_other_lists_are_refused(notes: dict[str, str], count: int) -> None:
    with pytest.raises(CheckpointError):
        channels_of(notes, count)
