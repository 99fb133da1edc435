"""A key that was asked for: degrees are led to the shares that they have in music of its mode."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from v2m.backbones.base import Commission
from v2m.backbones.degrees import lead_to_degrees, typical_degrees
from v2m.backbones.sketch import Sketch
from v2m.codecs.arrangement import PITCHED_PARTS, Arrangement
from v2m.codecs.layout import CHANNEL_NAMES, HARMONY, LINES, group_slices
from v2m.curves import EventCurve
from v2m.metrics.key import KRUMHANSL_KESSLER, pitch_class_beats
from v2m.prompt.words import read_prompt
from v2m.stages import never_cancel
from v2m.tempo import TempoMap

CPU = torch.device("cpu")
FRAMES = 64


def of_chord(*degrees: int) -> torch.Tensor:
    """(1, t, c) chords that hold some degrees all the time, in all octaves."""
    x = torch.full((1, FRAMES, len(CHANNEL_NAMES)), -1.0)
    for i in range(HARMONY.roll.start, HARMONY.roll.stop):
        if int(CHANNEL_NAMES[i].rpartition(".")[2]) % 12 in degrees:
            x[..., i] = 1.0
    return x


def changed(x: torch.Tensor, mode: str = "minor", time: float = 0.25) -> torch.Tensor:
    """(t, c) by how much what is foreseen changes."""
    lead = lead_to_degrees(mode, CHANNEL_NAMES, CPU, None)
    return ((1 - time) * lead(x, torch.zeros_like(x), time))[0]


def test_the_table_has_every_mode_and_part_and_rests_on_the_tonic() -> None:
    assert {"major", "minor", "dorian"} <= set(typical_degrees())
    for parts in typical_degrees().values():
        assert set(parts) == set(PITCHED_PARTS)
        assert all(sum(shares) == pytest.approx(1, abs=0.01) for shares in parts.values())
        assert max(range(12), key=lambda degree: parts["bass"][degree]) == 0


def test_what_dwells_on_the_sixth_is_led_back_to_the_tonic() -> None:
    change = changed(of_chord(8, 0, 3))  # A flat major in C minor
    by_degree = np.zeros(12)
    for i in range(HARMONY.roll.start, HARMONY.roll.stop):
        by_degree[int(CHANNEL_NAMES[i].rpartition(".")[2]) % 12] = change[0, i]
    assert by_degree[8] < by_degree[0] <= 0 < by_degree[7]
    assert by_degree[4] == by_degree[6] == 0  # what the mode has not is neither asked for nor hunted


def test_only_pitches_are_led_and_none_where_a_part_rests() -> None:
    change = changed(of_chord(0, 3, 7))
    for part in ("drums", "bass", "lead", "extras", "global"):
        assert change[:, group_slices[part]].abs().max() == 0  # type: ignore[index]
    assert change[:, HARMONY.attack].abs().max() == 0


def test_a_line_is_led_while_it_sounds() -> None:
    x = of_chord()
    bass = LINES["bass"]
    x[..., bass.hold] = 1.0
    x[..., bass.pitch_classes.start + 8] = 1.0
    change = changed(x)[0, bass.pitch_classes]
    assert change[8] < 0 < change[0]


def test_the_last_step_and_unknown_modes_are_left_alone() -> None:
    assert changed(of_chord(8), time=0.95).abs().max() == 0
    assert changed(of_chord(8), mode="locrian").abs().max() == 0


def heard(prompt: str, seed: int) -> Arrangement:
    duration_s = 32
    commission = Commission(
        brief=read_prompt(prompt),
        tempo_map=TempoMap.steady(120, duration_s),
        duration_s=Fraction(duration_s),
        curve=EventCurve(25.0, np.zeros(25 * duration_s), "pixel", 0.7),
        hits=(),
        seeds=(seed,),
    )
    return Sketch().compose(commission, lambda fraction: None, never_cancel)[0].arrangement


@pytest.mark.slow
def test_the_degrees_of_a_key_that_is_asked_for_are_those_of_its_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closeness() -> list[float]:
        pieces = [heard(f"{style} in C minor", seed) for seed, style in enumerate(("trap", "rock", "techno"))]
        return [np.corrcoef(pitch_class_beats(each), KRUMHANSL_KESSLER["minor"])[0, 1] for each in pieces]

    led = closeness()
    monkeypatch.setattr("v2m.backbones.degrees.GAIN", 0.0)
    assert np.mean(led) > np.mean(closeness())
