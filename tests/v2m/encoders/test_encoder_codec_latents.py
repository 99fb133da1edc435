"""A backbone's own latents as features of music: all frames, at their times, in two channels."""

from fractions import Fraction

import numpy as np
import pytest

from v2m.backbones.sound.model import LatentGrid
from v2m.curves import novelty
from v2m.encoders import codec_latents
from v2m.encoders.codec_latents import CodecLatents
from v2m.encoders.protocol import SoundEncoder


class Meaning:
    """An autoencoder whose latents are the means of each hop's channels."""

    name = "stable-audio-3-small"
    weights_sha256 = "1234"
    arithmetic = "cpu float32"
    grid = LatentGrid(44_100, 4096, 2, 1000)

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def encode(self, samples: np.ndarray) -> np.ndarray:
        assert samples.shape[1:] == (2,)
        self.lengths.append(len(samples))
        whole = np.pad(samples, ((0, -len(samples) % 4096), (0, 0)))
        return whole.reshape(-1, 4096, 2).mean(axis=1)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_each_latent_frame_is_a_row_of_its_time(monkeypatch: pytest.MonkeyPatch, rate_hz: int) -> None:
    monkeypatch.setattr(codec_latents, "SPAN_S", 2)
    model = Meaning()
    encoder: SoundEncoder = CodecLatents(model)  # type: ignore[arg-type]
    sound = np.zeros((rate_hz * 7, 2), np.float32)
    sound[rate_hz * 3 :, 0] = 0.5
    features = encoder(sound, rate_hz)
    hop_s = float(Fraction(4096, 44_100))
    assert features.encoder == "stable-audio-3-small-latents"
    assert len(features.values) == -(-7 * 44_100 // 4096)
    np.testing.assert_allclose(np.diff(features.times_s), hop_s)
    times_s, change = novelty(features)
    assert times_s[change.argmax()] == pytest.approx(3.0, abs=hop_s)
    assert features.values[-3, 0] == pytest.approx(0.5, abs=0.01)
    assert features.values[:, 1].max() < 0.01  # left and right are kept apart
    assert max(model.lengths) < 2.3 * 44_100


def test_mono_is_heard_on_both_sides() -> None:
    model = Meaning()
    features = CodecLatents(model)(np.full(44_100, 0.25, np.float32), 44_100)  # type: ignore[arg-type]
    np.testing.assert_allclose(features.values[:10], 0.25, atol=1e-6)
