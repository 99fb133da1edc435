"""Composed sound of any length is kept on disk, and laid on the hits reel by reel without a seam."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr

from tests.v2m.plain_backbone import analysis_of, programme
from tests.v2m.toy_sound import GRID, ToySound
from v2m.audio import read_wav
from v2m.backbones.sound.decoding import decode
from v2m.backbones.sound.model import LatentGrid
from v2m.errors import OutputWriteError
from v2m.score import ScoreSettings, score
from v2m.sound_take import reels
from v2m.sound_take.spool import Joined, Spool, StoredSound, at_programme_rate, rendered
from v2m.stages import never_cancel
from v2m.take.shelf import Shelf
from v2m.timebase import samples_covering

CUTS = [96, 145, 256, 318, 436, 541, 610, 700, 790, 871]


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 2)).astype(np.float32)


def no_report(fraction: float) -> None:
    pass


def test_sound_on_disk_reads_like_an_array(tmp_path: Path) -> None:
    whole = noise(1000)
    with Spool(tmp_path) as spool:
        for first in range(0, 1000, 300):
            spool.write(whole[first : first + 300])
        assert len(spool) == 1000
        assert spool.peak == np.abs(whole).max()
        for span in (slice(0, 10), slice(250, 700), slice(990, 2000), slice(400, 100), slice(None)):
            np.testing.assert_array_equal(spool[span], whole[span])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputWriteError, match="could not be kept"):
        Spool(tmp_path / "gone")


def test_joined_sound_reads_like_the_whole() -> None:
    one, other = noise(100, 1), noise(50, 2)
    whole = np.concatenate([one[10:90], other, one[95:]])
    sound = Joined(((one, 10, 90), (other, 0, 50), (one, 95, 100)))
    assert len(sound) == len(whole)
    for span in (slice(None), slice(70, 90), slice(0, 5), slice(120, 500), slice(60, 60)):
        np.testing.assert_array_equal(sound[span], whole[span])


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 22_050])
def test_a_rate_is_changed_piece_by_piece_as_if_at_once(rate_hz: int) -> None:
    grid = LatentGrid(rate_hz, 100, 4, 64)
    sound = noise(100 * 441)
    pieces = [sound[first : first + 7001] for first in range(0, len(sound), 7001)]
    found = np.concatenate(list(at_programme_rate(iter(pieces), grid, 441)))
    whole = sound if rate_hz == 48_000 else soxr.resample(sound, rate_hz, 48_000, quality="VHQ")
    assert len(found) == round(len(sound) * 48_000 / rate_hz)
    np.testing.assert_array_equal(found[: len(whole)], whole[: len(found)])


def test_latents_of_any_length_become_the_sound_that_they_are_at_once(tmp_path: Path) -> None:
    small = LatentGrid(48_000, 4096, 4, 64)
    latents = np.abs(noise(250)[:, [0, 1, 0, 1]]) * 0.3
    model = ToySound(grid=small)
    with rendered(model, latents, no_report, never_cancel, tmp_path) as sound:
        np.testing.assert_array_equal(sound[:], decode(model, latents, no_report, never_cancel))


@pytest.mark.slow
def test_reels_go_on_where_the_last_one_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = analysis_of(programme(CUTS, 960))
    settings = ScoreSettings(prompt="rock, 118 BPM", backbone="stable-audio-3-small", seed=3)
    found = {}
    for name, longest_s in (("whole", 600.0), ("reels", 21.0)):
        monkeypatch.setattr(reels, "LONGEST_REEL_S", longest_s)
        with Shelf(tmp_path / name) as shelf:
            (found[name],) = score(analysis, settings, shelf=shelf, stem="film", model=ToySound(grid=GRID))
    for take in found.values():
        record = take.record
        assert record.sound is not None
        places, times = np.array(record.sound.laid.knots).T
        assert times[0] == 0
        assert times[-1] == pytest.approx(float(analysis.timeline.duration_s), abs=1e-5)
        pace = np.diff(places) / np.diff(times)
        assert pace.min() > 1 / 1.07  # nothing is repeated
        assert pace.max() < 1.07  # nor left out
        steps = [later - earlier for earlier, later in pairwise(record.tempo_map.beats_s)]
        assert min(steps) / max(steps) > 0.8  # none is lost, none is there twice
        assert len(read_wav(take.wav)) == samples_covering(analysis.timeline.duration_s)
        assert not [note for note in record.notes if "Laid as it was composed" in note]
    whole, split = (take.record.metrics for take in found.values())
    assert split["sch"]["value"] >= whole["sch"]["value"] - 0.25
    assert split["hits_heard"] >= whole["hits_heard"] - 0.25


class Murmur(ToySound):
    """Noise, in which no beat can be made out."""

    def decode(self, latents: np.ndarray) -> np.ndarray:
        return noise(len(latents) * self.grid.hop_samples) / 10


@pytest.mark.slow
def test_reels_without_a_beat_keep_the_click_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reels, "LONGEST_REEL_S", 15.0)
    analysis = analysis_of(programme(CUTS, 960))
    settings = ScoreSettings(prompt="drone, 118 BPM", backbone="stable-audio-3-small", seed=3)
    with Shelf(tmp_path) as shelf:
        (take,) = score(analysis, settings, shelf=shelf, stem="film", model=Murmur(), with_report=False)
    assert len([note for note in take.record.notes if "Laid as it was composed, not on" in note]) == 1
    np.testing.assert_allclose(np.diff(take.record.tempo_map.beats_s), 60 / 118, atol=2e-6)
    assert take.record.sound is not None
    places, times = np.array(take.record.sound.laid.knots).T
    np.testing.assert_allclose(places, times, atol=1e-5)
    assert times[-1] == pytest.approx(40.0)
    assert len(read_wav(take.wav)) == samples_covering(analysis.timeline.duration_s)


@pytest.mark.slow
def test_a_stored_file_is_open_only_while_it_is_read(tmp_path: Path) -> None:
    analysis = analysis_of(programme([48], 96))
    settings = ScoreSettings(prompt="rock, 118 BPM", backbone="stable-audio-3-small", seed=3)
    with Shelf(tmp_path / "out") as shelf:
        (take,) = score(analysis, settings, shelf=shelf, stem="film", model=ToySound(), with_report=False)
    path = take.folder / "composed.wav"
    sound = StoredSound(path)
    np.testing.assert_array_equal(sound[1000:2000], read_wav(path)[1000:2000])
    path.unlink()  # on Windows an open file cannot be removed
