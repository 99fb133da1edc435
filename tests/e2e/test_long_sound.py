"""A long programme from a pretrained model is as exact as a short one and takes no more memory."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest
import torch
from v2m_daemon.cli import main

from v2m.added_models import models_folder
from v2m.audio import WavReader
from v2m.backbones import load_sound_model
from v2m.backbones.sound import oobleck_folder
from v2m.sound_take import reels
from v2m.sound_take.again import sound_composed_alike
from v2m.sound_take.opened import SoundTake, open_take
from v2m.stages import never_cancel
from v2m.timebase import samples_covering

RATE = 24000 / 1001
LONGEST_FRAMES = 320
REEL_S = 20.0
"""Ten minutes in the product."""

MINUTES = 6
WHOLE_SOUND_MB = MINUTES * 60 * 48_000 * 8 / 1e6
"""Were the whole anywhere in memory, it would take that much."""

pytestmark = pytest.mark.slow


def document(folder: Path, minutes: int) -> Path:
    """Cuts at random, of a film that is not there."""
    dice = random.Random(minutes)  # noqa: S311 - no secret
    left = round(minutes * 60 * RATE)
    timeline, track = otio.schema.Timeline("long"), otio.schema.Track("V1")
    timeline.tracks.append(track)
    while left:
        count = min(left, dice.randint(20, 140))
        start, length = (otio.opentime.RationalTime(frames, RATE) for frames in (0, count))
        media = otio.schema.ExternalReference("gone.mov")
        track.append(otio.schema.Clip("shot", media, otio.opentime.TimeRange(start, length)))
        left -= count
    path = folder / f"{minutes}.otio"
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of the paper's kind with 31 latent frames a second, of which it composes 10 s at once."""
    home = tmp_path_factory.mktemp("home")
    tiny: Any = import_module("tests.tiny_models.paper")
    folder = home / "data" / "models" / "paper"
    tiny.write(folder, config=replace(tiny.CONFIG, longest_frames=LONGEST_FRAMES))
    torch.manual_seed(1)
    shape = oobleck_folder.OobleckConfig(
        encoder_hidden_size=16, downsampling_ratios=(16, 16), channel_multiples=(1, 2), decoder_channels=8,
        decoder_input_channels=8, sampling_rate=8_000,
    )  # fmt: skip
    import_module("tests.tiny_models.oobleck").new_oobleck(shape).save_pretrained(folder / "autoencoder")
    return home


@pytest.fixture
def scored(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[int], tuple[int, dict[str, Any]]]:
    monkeypatch.setenv("V2M_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(reels, "LONGEST_REEL_S", REEL_S)
    flags = ("--backbone", "paper", "--steps", "1", "--seed", "5", "--prompt", "piano, 90 BPM", "--json")

    def scored(minutes: int) -> tuple[int, dict[str, Any]]:
        path = document(tmp_path, minutes)
        code = main(
            ["score", str(path), "--out", str(tmp_path / "out"), *flags, "--no-report", "--overwrite"]
        )
        return code, json.loads(capsys.readouterr().out)

    return scored


def begin_peak() -> None:
    """Have the system count the peak of memory from here."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("only Linux counts the peak of a process anew")


def peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


@pytest.mark.timeout(300)
def test_six_minutes_are_exact_and_take_the_memory_of_one(
    scored: Callable[[int], tuple[int, dict[str, Any]]],
) -> None:
    assert scored(1)[0] == 0  # what is read and compiled once is there from now on
    begin_peak()
    assert scored(1)[0] == 0
    short_mb = peak_mb()
    begin_peak()
    code, result = scored(MINUTES)
    assert code == 0, result
    assert peak_mb() - short_mb < WHOLE_SOUND_MB / 2
    take = Path(result["take"])
    record = json.loads((take / "take.json").read_text())
    with WavReader(take / "music.wav") as music, WavReader(take / "composed.wav") as composed:
        assert len(music) == samples_covering(round(MINUTES * 60 * RATE) * 1001 / 24000)  # type: ignore[arg-type]
        assert len(composed) >= len(music)
    assert load_sound_model("paper").grid.longest_frames == LONGEST_FRAMES
    places, times = np.array(record["sound"]["laid"]["knots"]).T
    np.testing.assert_allclose(np.diff(places), np.diff(times), atol=1e-5)  # as composed: it has no beat
    np.testing.assert_allclose(np.diff(result["beats_s"]), 60 / 90, atol=1e-4)
    opened = open_take(take)
    assert isinstance(opened, SoundTake)
    assert sound_composed_alike(opened, never_cancel)  # the same again, window by window


def test_stopped_while_a_long_programme_is_decoded_it_leaves_nothing(
    scored: Callable[[int], tuple[int, dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = oobleck_folder.Oobleck.decode
    asked: list[int] = []

    def stop(self: oobleck_folder.Oobleck, latents: np.ndarray) -> np.ndarray:
        asked.append(len(latents))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return decode(self, latents)

    monkeypatch.setattr(oobleck_folder.Oobleck, "decode", stop)
    code, result = scored(2)
    assert (code, result["error"]["code"]) == (130, "cancelled")
    assert max(asked) <= LONGEST_FRAMES + 128
    assert not list((tmp_path / "out").rglob("*.v2m"))
    assert not list((tmp_path / "out").rglob("*.wav"))
    assert models_folder().is_dir()
