"""A worker keeps what looks, listens and writes from job to job, and lets go of it where memory is short."""

import os
import weakref
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.worker.attempt import Studio
from v2m_daemon.worker.executor import Done, Work

import v2m.encoders.weights as encoder_weights
from v2m.added_models import models_folder
from v2m.backbones.sound.model import SoundWindow
from v2m.errors import OutOfMemoryError
from v2m.model import warm
from v2m.model.warm import WarmModels
from v2m.prompt.watching import instructions, loading
from v2m.stages import never_cancel, no_progress

pytestmark = pytest.mark.slow  # transformers takes seconds to import


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models that look, listen and write."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    folder = tmp_path_factory.mktemp("store")
    from tests.tiny_models import encoders, readers

    encoders.write_dinov2(folder / "dinov2-small")
    encoders.write_vjepa2(folder / "vjepa2")
    readers.write_gemma(folder / "gemma-3-4b-it")
    readers.write_whisper(folder / "whisper")
    return folder


@pytest.fixture
def loads(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often weights were read, by the folder of the model; in a worker that keeps what it loads."""
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    models_folder().parent.mkdir(parents=True)
    models_folder().symlink_to(store, target_is_directory=True)
    for name in ("CAPTION_TOKENS", "SUMMARY_TOKENS", "PROMPT_TOKENS"):
        monkeypatch.setattr(instructions, name, 4)
    monkeypatch.setattr(warm.WARM, "keeps", True)
    counted: Counter[str] = Counter()
    read, load = encoder_weights.read_safetensors, loading.LocalModel._load

    def reading(path: Path) -> Any:
        counted[path.parent.name] += 1
        return read(path)

    def loaded(self: loading.LocalModel, kind: Any) -> Any:
        counted[self.name] += 1
        return load(self, kind)

    monkeypatch.setattr(encoder_weights, "read_safetensors", reading)
    monkeypatch.setattr(loading.LocalModel, "_load", loaded)
    yield counted
    warm.WARM.make_room(2**62, "cpu")


def film(path: Path, shade: int) -> Path:
    """Two seconds of a square that moves, and a tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=24)
        video.width, video.height, video.pix_fmt = 96, 54, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=24_000, layout="mono")
        for index in range(48):
            picture = np.full((54, 96, 3), shade, np.uint8)
            picture[10:20, index : index + 10] = 255
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        tone = (np.sin(np.arange(48_000) * shade / 100) * 9000).astype(np.int16)[None]
        sound = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        sound.sample_rate, sound.pts = 24_000, 0
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    return path


def do(studio: Studio, tmp_path: Path, shade: int, kind: JobKind = JobKind.ANALYZE, **asked: Any) -> Done:
    document = film(tmp_path / f"film{shade}.mov", shade)
    spec = JobSpec(document=str(document), kind=kind, **asked)
    folder = tmp_path / f"job{shade}"
    return studio.do(Work(f"01JOB{shade}", spec, folder, roots=(str(tmp_path),)), no_progress, never_cancel)


@pytest.mark.parametrize("encoder", ["dinov2-small", "vjepa2"])
def test_an_encoder_stays_from_job_to_job(encoder: str, loads: Counter[str], tmp_path: Path) -> None:
    studio = Studio()
    curves = [do(studio, tmp_path, shade, encoder=encoder).result["curve"] for shade in (40, 90)]
    assert [curve["encoder"] for curve in curves] == [encoder, encoder]
    assert loads == {encoder: 1}


def test_what_listens_and_looks_stays_from_job_to_job(loads: Counter[str], tmp_path: Path) -> None:
    studio = Studio()
    for shade in (40, 90):
        done = do(studio, tmp_path, shade, JobKind.SCORE, seed=1, encoder="pixel")
        assert any("gemma-3-4b-it" in note for note in done.result["notes"])
    assert loads == {"whisper": 1, "gemma-3-4b-it": 1}


def test_where_memory_is_short_each_is_loaded_again_and_goes_for_the_next(
    loads: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, together = Studio(), []

    def free(device: str) -> int:
        together.append(len(warm.WARM._kept))
        return 10 * 10**6 * (len(warm.WARM._kept) == 0)

    monkeypatch.setattr(warm, "free_bytes", free)
    monkeypatch.setattr(warm, "_BESIDE_WEIGHTS", 0.001)
    for shade in (40, 90):
        do(studio, tmp_path, shade, encoder="dinov2-small")
        do(studio, tmp_path, shade + 1, encoder="vjepa2")
    assert loads == {"dinov2-small": 2, "vjepa2": 2}
    assert max(together) == 1


def test_what_composed_gives_its_memory_to_what_looks_and_takes_it_again(
    loads: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (models_folder() / "paper").exists():
        import_module("tests.tiny_models.paper").write(models_folder() / "paper")
    studio, networks = Studio(), []
    model: Any = studio.sound_model("paper")

    def composed() -> np.ndarray:
        window = SoundWindow("piano", 0, 20, np.zeros(20, np.float32), (3,), steps=2)
        made: np.ndarray = studio.sound_model("paper").compose(window, lambda fraction: None, never_cancel)
        return made

    first = composed()
    networks.append(weakref.ref(model._network))
    needed = model.needed_bytes(20, 1)

    def free(device: str) -> int:
        return 10**12 * all(network() is None for network in networks)  # what composed takes all there is

    monkeypatch.setattr(warm, "free_bytes", free)
    do(studio, tmp_path, 40, encoder="dinov2-small")
    assert loads == {"dinov2-small": 1}
    assert networks[0]() is None  # its weights are gone, not only out of sight
    assert model.needed_bytes(20, 1) > needed
    np.testing.assert_array_equal(composed(), first)
    studio.sound_model("paper").unload()


def test_an_encoder_that_does_not_fit_is_refused_with_the_numbers(
    loads: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "free_bytes", lambda device: 1000)
    with pytest.raises(OutOfMemoryError, match=r"encoder dinov2-small needs about .*, 0\.0 GB are free"):
        do(Studio(), tmp_path, 40, encoder="dinov2-small")
    assert not loads


def test_a_process_that_ends_keeps_nothing() -> None:
    assert not WarmModels().keeps
    assert not warm.WARM.keeps
