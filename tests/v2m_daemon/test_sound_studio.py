"""A worker keeps the last model of sound loaded, and changes takes with the model that composed them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from v2m_daemon.jobs.spec import JobKind, JobSpec
from v2m_daemon.worker.attempt import Studio
from v2m_daemon.worker.executor import Done, Work

from tests.v2m.plain_backbone import analysis_of, programme
from tests.v2m.toy_sound import ToySound
from v2m.added_models import models_folder
from v2m.audio import read_wav
from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.errors import MissingPartError, UsageError
from v2m.score import ScoreSettings, score
from v2m.stages import never_cancel, no_progress
from v2m.take.shelf import Shelf


@dataclass
class Loaded:
    name: str
    adapter: Path | None
    unloaded: int = 0
    arithmetic: str = "cpu float32"

    def unload(self) -> None:
        self.unloaded += 1


@dataclass
class Loads:
    made: list[Loaded] = field(default_factory=list)

    def __call__(self, name: str, adapter: Path | None = None, lora_strength: float = 1.0) -> Any:
        self.made.append(Loaded(name, adapter))
        return self.made[-1]


def test_the_last_model_stays_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V2M_HOME", str(tmp_path))
    for name in ("paper", "ace-step"):
        (models_folder() / name).mkdir(parents=True)
    adapter = tmp_path / "event.safetensors"
    save_adapter(adapter, EventAdapter(np.zeros(4, np.float32), "0" * 64, 10))  # type: ignore[arg-type]
    loads = Loads()
    studio = Studio(load_sound=loads)
    one = studio.sound_model("paper")
    assert studio.sound_model("paper") is one
    told = studio.sound_model("paper", adapter)
    assert told is not one
    assert studio.sound_model("paper", adapter) is told
    studio.sound_model("ace-step")
    assert [(each.name, each.adapter, each.unloaded) for each in loads.made] == [
        ("paper", None, 1),
        ("paper", adapter, 1),
        ("ace-step", None, 0),
    ]
    with pytest.raises(MissingPartError, match="stable-audio-open is not here"):
        studio.sound_model("stable-audio-open")
    with pytest.raises(UsageError, match="no adapter"):
        studio.sound_model("paper", tmp_path / "absent")
    assert len(loads.made) == 3


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
