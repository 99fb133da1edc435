"""FAD: VGGish as its published implementation computes it, and distances that say what they stand on."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.v2m.metrics import vggish_weights
from v2m.errors import CheckpointError, InputError, MissingPartError
from v2m.metrics.fad import Body, audio_distance, embed_files
from v2m.metrics.vggish import VGGish
from v2m.metrics.vggish_input import LEAST_SAMPLES, patches

GOLDEN = json.loads(
    (Path(__file__).resolve().parents[2] / "golden" / "vggish.json").read_text(encoding="utf-8")
)
"""Made with harritaylor/torchvggish and the weights and sound of `vggish_weights`."""


def test_patches_equal_the_published_preprocessing() -> None:
    assert patches(vggish_weights.sound())[:, ::12, ::4] == pytest.approx(
        np.array(GOLDEN["patches"]), abs=1e-4
    )


def test_sound_shorter_than_a_patch_has_none() -> None:
    assert patches(np.zeros(LEAST_SAMPLES - 1)).shape == (0, 96, 64)
    assert patches(np.zeros(LEAST_SAMPLES)).shape == (1, 96, 64)
    with pytest.raises(InputError):
        patches(np.zeros((4, 2)))


@pytest.mark.slow
def test_embeddings_equal_the_published_network(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(vggish_weights.drawn_weights(), tmp_path / "vggish.safetensors")
    found = VGGish(tmp_path / "vggish.safetensors").embed(vggish_weights.sound())
    assert found == pytest.approx(np.array(GOLDEN["embeddings"]), abs=2e-4)


def test_weights_that_are_missing_or_another_networks_are_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    with pytest.raises(MissingPartError) as missing:
        VGGish(tmp_path / "none.safetensors")
    assert "--weights" in missing.value.hint
    save_file({"features.0.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="of VGGish"):
        VGGish(tmp_path / "other.safetensors").embed(np.zeros(LEAST_SAMPLES))
    (tmp_path / "pickle.safetensors").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(CheckpointError):
        VGGish(tmp_path / "pickle.safetensors").embed(np.zeros(LEAST_SAMPLES))


class Loudness:
    """A stand-in network whose vectors are level and brightness of each half second."""

    def embed(self, mono: NDArray[np.floating]) -> NDArray[np.float32]:
        pieces = mono[: len(mono) // 8000 * 8000].reshape(-1, 8000)
        return np.stack([pieces.std(axis=1), np.abs(np.diff(pieces)).mean(axis=1)], axis=1).astype(np.float32)


def write_noise(folder: Path, count: int, level: float) -> list[Path]:
    drawn = np.random.default_rng(count)
    folder.mkdir()
    for index in range(count):
        soundfile.write(folder / f"{index}.wav", drawn.normal(0, level, (88_200, 2)), 44_100)
    return sorted(folder.iterdir())


def test_nearer_music_has_a_lower_distance_and_its_numbers_are_told(tmp_path: Path) -> None:
    reference, near, far = (
        embed_files(write_noise(tmp_path / name, 8, level), Loudness())
        for name, level in (("reference", 0.1), ("near", 0.1), ("far", 0.3))
    )
    close, distant = audio_distance(reference, near), audio_distance(reference, far)
    assert distant.value > 100 * close.value
    assert (close.patches, close.files, close.reference_files, close.too_short) == (32, 8, 8, 0)
    assert close.infinity is not None


def test_files_without_a_patch_are_counted(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", np.zeros(100), 16_000)
    body = embed_files([tmp_path / "short.wav"], Loudness())
    assert (body.files, body.too_short) == (1, 1)
    with pytest.raises(InputError):
        audio_distance(body, Body(np.ones((3, 2), np.float32), 1, 0))
    with pytest.raises(InputError):
        embed_files([], Loudness())
