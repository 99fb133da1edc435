"""A worker keeps the last model of sound loaded, and only that one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from v2m_daemon.worker.attempt import Studio

from v2m.backbones.sound.adapter import EventAdapter, save_adapter
from v2m.codecs.soundfont import models_folder
from v2m.errors import MissingPartError, UsageError


@dataclass
class Loaded:
    name: str
    adapter: Path | None
    unloaded: int = 0

    def unload(self) -> None:
        self.unloaded += 1


@dataclass
class Loads:
    made: list[Loaded] = field(default_factory=list)

    def __call__(self, name: str, adapter: Path | None = None) -> Any:
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
