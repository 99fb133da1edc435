"""The checkpoint as a model of sound: windows, seeds, known frames, adapters, words, memory."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.backbones.sound.head import HeadConfig, LatentHead, Steering
from v2m.backbones.sound.model import SoundModel, SoundWindow
from v2m.backbones.stable_audio_3 import model as model_module
from v2m.backbones.stable_audio_3.model import StableAudio3
from v2m.errors import (
    CancelledError,
    CheckpointError,
    InputError,
    MissingPartError,
    OutOfMemoryError,
    UsageError,
)
from v2m.stages import never_cancel

Models = Callable[..., StableAudio3]
Windows = Callable[..., SoundWindow]
NAMES = pytest.mark.parametrize("name", ["small", "medium-base"])


def composed(model: StableAudio3, window: SoundWindow) -> NDArray[np.float32]:
    return model.compose(window, lambda fraction: None, never_cancel)


@NAMES
def test_words_become_sound(model: Models, window: Windows, name: str) -> None:
    ours: SoundModel = model(name)
    assert ours.arithmetic == "cpu float32"
    latents = composed(model(name), window())
    assert (latents.shape, latents.dtype) == ((1, 20, 8), np.float32)
    sound = ours.decode(latents[0])
    assert (sound.shape, sound.dtype) == ((20 * 4096, 2), np.float32)
    assert sound.std() > 0.01
    assert ours.encode(sound[:-5]).shape == (20, 8)


@pytest.mark.slow
@NAMES
def test_the_same_window_is_the_same_music_and_words_and_seeds_change_it(
    model: Models, window: Windows, name: str
) -> None:
    first = composed(model(name), window())
    assert np.array_equal(first, composed(model(name), window()))
    for change in ({"prompt": "rock"}, {"seeds": (2,)}, {"total_s": 60.0}, {"steps": 4}, {"text_scale": 2.5}):
        assert not np.array_equal(first, composed(model(name), window(**change))), change


@pytest.mark.slow
@NAMES
def test_takes_are_the_same_alone_and_among_others(model: Models, window: Windows, name: str) -> None:
    ours = model(name)
    batch = composed(ours, window(seeds=tuple(range(8))))
    for seed in (0, 7):
        assert np.array_equal(composed(ours, window(seeds=(seed,)))[0], batch[seed])


@NAMES
def test_known_frames_come_back_as_they_were_and_lead_the_others(
    model: Models, window: Windows, name: str
) -> None:
    ours, plain = model(name), window()
    known = np.zeros(20, bool)
    known[2:7] = known[15:18] = True
    latents = np.random.default_rng(0).normal(size=(1, 20, 8)).astype(np.float32)
    made = composed(ours, window(known=known, known_latents=latents))
    assert np.array_equal(made[:, known], latents[:, known])
    free = composed(ours, plain)
    assert np.abs(made - free)[:, ~known].max() > 1e-3
    # what lies where nothing is known is not looked at
    other = np.where(known[:, None], latents, np.nan).astype(np.float32)
    assert np.array_equal(made, composed(ours, window(known=known, known_latents=other)))
    none = composed(ours, window(known=np.zeros(20, bool), known_latents=latents))
    assert np.array_equal(none, free)


def test_noise_belongs_to_the_frame_of_the_programme(model: Models, window: Windows) -> None:
    ours = model("small")
    noises: list[np.ndarray] = []
    for first in (100, 103):
        noises.append(ours._noise(window(first_frame=first), 30, 2).numpy())
    assert np.array_equal(noises[0][:, 3:], noises[1][:, :-3])
    assert not np.array_equal(noises[0], ours._noise(window(), 30, 3).numpy())  # another step


def test_six_seconds_more_are_composed_and_cut_off(
    model: Models, window: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, seen = model("small"), []

    def sampled(*arguments: Any) -> torch.Tensor:
        noise: torch.Tensor = arguments[3]
        seen.append(noise.shape[1])
        return noise

    monkeypatch.setattr(model_module, "sample", sampled)
    assert composed(ours, window()).shape == (1, 20, 8)
    assert seen == [20 + 64]  # 6 s at 10.77 frames a second
    composed(ours, window(frame_count=100))
    assert seen[-1] == 140  # the model reaches no further


def test_plain_text_to_music_tells_that_nothing_is_known(
    model: Models, window: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, seen = model("medium"), []
    real = model_module.sample

    def watched(*arguments: Any) -> torch.Tensor:
        seen.append(arguments[2].local)
        return real(*arguments)

    monkeypatch.setattr(model_module, "sample", watched)
    composed(ours, window())
    (local,) = seen
    assert local is not None
    assert local.shape[-1] == 1 + 8
    assert not local.any()


def test_windows_that_do_not_fit_are_refused_with_the_numbers(model: Models, window: Windows) -> None:
    ours = model("small")
    with pytest.raises(InputError, match=r"141 latent frames .* 1 to 140 at once \(13\.0 s\)"):
        composed(ours, window(frame_count=141))
    wrong: list[dict[str, Any]] = [
        {"frame_count": 0},
        {"seeds": ()},
        {"curve": np.zeros(3, np.float32)},
        {"known": np.zeros(3, bool), "known_latents": np.zeros((1, 20, 8), np.float32)},
        {"known": np.zeros(20, bool), "known_latents": np.zeros((2, 20, 8), np.float32)},
        {"known": np.zeros(20, bool)},
        {"steps": 0},
    ]
    for change in wrong:
        with pytest.raises(InputError):
            composed(ours, window(**change))


def test_cancelling_stops_it(model: Models, window: Windows) -> None:
    def cancel() -> None:
        raise CancelledError("Stop.")

    with pytest.raises(CancelledError):
        model("small").compose(window(), lambda fraction: None, cancel)


@pytest.mark.slow
def test_unloading_gives_the_weights_back_and_changes_nothing(model: Models, window: Windows) -> None:
    ours = model("small")
    first = composed(ours, window())
    ours.unload()
    assert ours._parts is None
    assert ours._text_encoder is None
    assert np.array_equal(first, composed(ours, window()))


def test_nothing_is_read_but_the_configuration_until_it_is_asked(tiny: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "model_config.json").write_text(json.dumps(tiny.config("small")))
    ours = StableAudio3(tmp_path, name="x", device="cpu")
    assert ours.grid.longest_frames == 140
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        ours.decode(np.zeros((2, 8), np.float32))
    with pytest.raises(UsageError, match="float8"):
        StableAudio3(tmp_path, name="x", dtype="float8")
    with pytest.raises(InputError, match="cannot be read"):
        StableAudio3(tmp_path / "nowhere", name="x")


def test_memory_that_does_not_suffice_is_told_with_numbers(
    model: Models, window: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(model_module, "sample", full)
    with pytest.raises(OutOfMemoryError, match="84 latent frames of 1 takes"):
        composed(model("small"), window())


@pytest.fixture
def adapter(model: Models, tmp_path: Path, tiny: ModuleType) -> Callable[..., Path]:
    def written(name: str, scale: float = 1.0, **changes: Any) -> Path:
        column = scale * tiny.draw("column", tiny.WIDTH).numpy()
        values = EventAdapter(column, model(name).weights_sha256, Fraction(44100, 4096), {"encoder": "pixel"})
        path = tmp_path / f"{name}.safetensors"
        save_adapter(path, replace(values, **changes))
        return path

    return written


@NAMES
def test_an_adapter_of_zeros_changes_nothing(
    model: Models, window: Windows, adapter: Callable[..., Path], name: str
) -> None:
    base = composed(model(name), window())
    silent, loud = (composed(model(name, adapter=adapter(name, s)), window()) for s in (0.0, 1.0))
    assert np.abs(silent - base).max() == 0.0
    assert np.abs(loud - base).max() > 0.01
    deaf = composed(model(name, adapter=adapter(name, 1.0)), window(adherence=0.0))
    assert np.array_equal(deaf, base)


def test_adapters_of_other_models_are_refused(
    model: Models, window: Windows, adapter: Callable[..., Path]
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"base_sha256": "0" * 64}, "trained on weights"),
        ({"latent_rate_hz": Fraction(25)}, "latent frames a second"),
        ({"column": np.zeros(8, np.float32)}, "wide"),
        ({"column": np.zeros((64, 2), np.float32)}, "single frames"),
    ]
    for change, told in wrong:
        with pytest.raises(CheckpointError, match=told):
            composed(model("small", adapter=adapter("small", **change)), window())


def test_the_hash_knows_weights_words_styles_and_adapter(
    model: Models, adapter: Callable[..., Path], whole_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(whole_checkpoint("small"), folder)

    def told(**settings: Any) -> str:
        return StableAudio3(folder, name="x", device="cpu", **settings).weights_sha256

    hashes = [told(), told(adapter=adapter("small"))]
    assert hashes[0] == model("small").weights_sha256
    (folder / "lora").mkdir()
    golden = Path(__file__).parents[3] / "golden" / "stable_audio_3_dora-rows.safetensors"
    shutil.copy(golden, folder / "lora")
    hashes.append(told())
    config = json.loads((folder / "t5gemma-b-b-ul2" / "config.json").read_text())
    (folder / "t5gemma-b-b-ul2" / "config.json").write_text(json.dumps({**config, "dropout_rate": 0.1}))
    hashes.append(told())
    assert len(set(hashes)) == 4


def test_lora_files_in_the_folder_are_merged_as_strongly_as_is_asked(
    window: Windows, whole_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(whole_checkpoint("medium-base"), folder)
    settings = {"name": "x", "device": "cpu", "dtype": "float32"}
    plain = composed(StableAudio3(folder, **settings), window())
    (folder / "lora").mkdir()
    golden = Path(__file__).parents[3] / "golden" / "stable_audio_3_dora-rows.safetensors"
    shutil.copy(golden, folder / "lora")
    merged = StableAudio3(folder, **settings)
    full = composed(merged, window())
    assert np.abs(full - plain).max() > 1e-3
    half = StableAudio3(folder, **settings, lora_strength=0.5)
    halved = composed(half, window())
    assert np.abs(halved - plain).max() > 1e-3
    assert np.abs(halved - full).max() > 1e-3
    none = StableAudio3(folder, **settings, lora_strength=0.0)
    np.testing.assert_array_equal(composed(none, window()), plain)
    assert len({each.weights_sha256 for each in (merged, half, none)}) == 3
    (folder / "lora").rename(folder / "elsewhere")
    bare = StableAudio3(folder, **settings)
    assert none.weights_sha256 == bare.base_sha256  # an adapter for the bare model fits it


def test_half_formats_compose_nearly_the_same(model: Models, window: Windows) -> None:
    whole, half = (composed(model("small", dtype=kind), window()) for kind in ("float32", "bfloat16"))
    assert 0 < np.abs(half - whole).max() < 0.2


def test_without_a_text_encoder_it_says_what_to_add(
    checkpoint: Callable[[str], Path], window: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(checkpoint("small"), tmp_path / "x", ignore=shutil.ignore_patterns("t5gemma*"))
    monkeypatch.setenv("V2M_HOME", str(tmp_path))
    ours = StableAudio3(tmp_path / "x", name="x", device="cpu", dtype="float32")
    with pytest.raises(MissingPartError) as told:
        composed(ours, window())
    assert "v2m models add t5gemma-b-b-ul2" in told.value.hint


def test_what_composing_takes_grows_with_the_work_and_shrinks_once_it_is_loaded(
    model: Models, window: Windows, whole_checkpoint: Callable[[str], Path]
) -> None:
    ours = model("medium")
    before = ours.needed_bytes(20, 1)
    assert before > (whole_checkpoint("medium") / "model.safetensors").stat().st_size
    composed(ours, window())
    loaded = ours.needed_bytes(20, 1)
    assert 0 < loaded < before / 2
    assert loaded < ours.needed_bytes(60, 1)
    assert loaded == ours.needed_bytes(20, 8)  # on a CPU takes are solved one after the other


@NAMES
def test_a_head_steers_it(model: Models, window: Windows, name: str) -> None:
    torch.manual_seed(0)
    head = LatentHead(HeadConfig(8, width=16, depth=2)).eval()
    ours, wished = model(name), torch.from_numpy(window().curve)
    plain = composed(ours, window())
    assert np.array_equal(plain, composed(ours, window(steering=Steering(head, wished, strength=0.0))))
    steered = composed(ours, window(steering=Steering(head, wished, levels=(0.0, 1.0))))
    assert np.abs(steered - plain).max() > 1e-2
