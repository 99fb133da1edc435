"""A worker keeps the last model of sound loaded, and changes takes with the model that composed them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.worker import attempt
from v2m_daemon.worker.attempt import Studio
from v2m_daemon.worker.executor import Done, Work

from tests.v2m.plain_backbone import analysis_of, programme
from tests.v2m.toy_sound import GRID, ToySound
from v2m.added_models import models_folder
from v2m.audio import read_wav
from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.backbones.sound.model import LatentGrid, SoundWindow
from v2m.errors import MissingPartError, UsageError
from v2m.model.warm import WarmModels
from v2m.score import ScoreSettings, score
from v2m.stages import never_cancel, no_progress
from v2m.take.shelf import Shelf


@dataclass
class Loaded:
    name: str
    adapter: Path | None
    weights_sha256: str
    unloaded: int = 0
    arithmetic: str = "cpu float32"

    def unload(self) -> None:
        self.unloaded += 1


@dataclass
class Loads:
    made: list[Loaded] = field(default_factory=list)

    def __call__(self, name: str, adapter: Path | None = None, lora_strength: float = 1.0) -> Any:
        weights = (models_folder() / name / "weights").read_text() + (str(adapter) if adapter else "")
        self.made.append(Loaded(name, adapter, weights))
        return self.made[-1]


def test_the_last_model_stays_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path))
    for name in ("paper", "ace-step"):
        (models_folder() / name).mkdir(parents=True)
        (models_folder() / name / "weights").write_text("first")
    adapter = tmp_path / "event.safetensors"
    save_adapter(adapter, EventAdapter(np.zeros(4, np.float32), "0" * 64, 10))  # type: ignore[arg-type]
    loads = Loads()
    studio = Studio(load_sound=loads)
    sound_model: Callable[..., Any] = studio.sound_model
    one = sound_model("paper")
    assert sound_model("paper") is one
    heard = sound_model("paper", adapter)
    assert heard is not one
    assert sound_model("paper", adapter) is heard
    ace = sound_model("ace-step")
    assert [each.unloaded for each in (one, heard, ace)] == [1, 1, 0]
    (models_folder() / "ace-step" / "weights").write_text("added anew")
    again = sound_model("ace-step")
    assert [each.unloaded for each in (ace, again)] == [1, 0]
    made = len(loads.made)
    with pytest.raises(MissingPartError, match="stable-audio-open is not here"):
        studio.sound_model("stable-audio-open")
    with pytest.raises(UsageError, match="no adapter"):
        studio.sound_model("paper", tmp_path / "absent")
    assert len(loads.made) == made


@pytest.mark.slow
def test_a_model_that_was_added_anew_composes_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write: Any = import_module("tests.tiny_models.paper").write
    studio, folder, made = Studio(), models_folder() / "paper", []
    for seed in (0, 0, 1):
        if seed:
            shutil.rmtree(folder)  # as `v2m models remove` and `add` do
        if not folder.exists():
            write(folder, seed=seed)
        model = studio.sound_model("paper")
        window = SoundWindow("piano", 0, 20, np.zeros(20, np.float32), (3,), steps=2)
        made.append(model.compose(window, lambda fraction: None, never_cancel))
    model.unload()
    np.testing.assert_array_equal(made[0], made[1])
    assert np.abs(made[0] - made[2]).max() > 0.01


@pytest.mark.slow
def test_jobs_change_takes_of_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    (models_folder() / "paper").mkdir(parents=True)
    analysis = analysis_of(programme([60, 110, 160, 215, 270, 330], 400))
    settings = ScoreSettings(prompt="rock, 120 BPM", seed=1, backbone="paper")
    with Shelf(tmp_path / "takes") as shelf:
        take = score(analysis, settings, shelf=shelf, stem="film", model=ToySound())[0]
    studio = Studio(load_sound=lambda name, **how: ToySound())

    def done(number: int, **asked: Any) -> Done:
        spec = JobSpec(document=str(take.folder), in_place=True, **asked)
        work = Work(f"01JOB{number}", spec, tmp_path / f"job{number}", roots=(str(tmp_path),))
        return studio.do(work, no_progress, never_cancel)

    nudged = done(1, kind=JobKind.RETIME, nudges=(("160f", "162f"),))
    assert nudged.result["plan"]["hits"][0]["to_s"] == 162 / 24
    assert Path(nudged.outputs["take"]) == take.folder.with_name("film-retimed.v2m")
    redone = done(2, kind=JobKind.RESTYLE, range="4..8", prompt="calm piano, 120 BPM")
    (span,) = redone.result["plan"]["spans"]
    was, now = (read_wav(folder / "music.wav") for folder in (take.folder, Path(redone.outputs["take"])))
    first = round(span["start_s"] * 48_000)
    np.testing.assert_array_equal(now[:first], was[:first])
    with pytest.raises(UsageError, match="no parts"):
        done(3, kind=JobKind.RESTYLE, prompt="calm", lock="rhythm")


SHORT = replace(GRID, longest_frames=64)


class Killed(BaseException):
    """Nobody catches it, as nobody catches a signal."""


@dataclass
class Mortal(ToySound):
    """A toy with a short window, of which it composes so many."""

    grid: LatentGrid = SHORT
    most: int = 1000

    def compose(self, *asked: Any) -> np.ndarray:
        if len(self.windows) == self.most:
            raise Killed
        return super().compose(*asked)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # who is killed closes nothing
def test_a_long_composition_that_is_interrupted_goes_on_with_its_next_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path / "home"))
    (models_folder() / "paper").mkdir(parents=True)
    timeline, track = otio.schema.Timeline("film"), otio.schema.Track("V1")
    timeline.tracks.append(track)
    for frames in (200, 300, 220):
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(frames, 24)
        )
        track.append(otio.schema.Clip("shot", otio.schema.ExternalReference("gone.mov"), span))
    film = tmp_path / "film.otio"
    otio.adapters.write_to_file(timeline, str(film), adapter_name="otio_json")

    def done(name: str, model: Mortal) -> bytes:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        spec = JobSpec(
            kind=JobKind.SCORE, document=str(film), out_dir=str(folder / "out"), backbone="paper", seed=3
        )
        monkeypatch.setattr(attempt, "WARM", WarmModels())  # a process of its own
        studio = Studio(load_sound=lambda name, **how: model)
        studio.do(Work("01JOB", spec, folder), no_progress, never_cancel)
        return (folder / "out" / "film.v2m" / "composed.wav").read_bytes()

    whole = Mortal()
    sound = done("whole", whole)
    with pytest.raises(Killed):
        done("killed", Mortal(most=4))
    rest = Mortal()
    assert done("killed", rest) == sound
    assert len(rest.windows) == len(whole.windows) - 4 > 0
    changed = Mortal(weights_sha256="8" * 64)
    with pytest.raises(Killed):
        done("other", Mortal(most=4))
    done("other", changed)
    assert len(changed.windows) == len(whole.windows)  # what other weights composed is not taken
