"""Tiny Stable Audio Open models on disk, written once, and loaded anew for each test that asks."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.tiny_models import stable_audio_open
from v2m.backbones.stable_audio_open.model import StableAudioOpen

KINDS = {
    "open": {},
    "diffusers": {"diffusers": True},
    "small": {"small": True},
    "controlnet": {"controlnet": True},
}


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The writer of tiny models."""
    return stable_audio_open


@pytest.fixture(scope="session")
def folder_of(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a kind of model; not to be written to."""
    written: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in written:
            written[kind] = tiny.write(tmp_path_factory.mktemp(kind) / kind, **KINDS[kind])
        return written[kind]

    return folder


@pytest.fixture
def model_of(folder_of: Callable[[str], Path]) -> Callable[..., StableAudioOpen]:
    """A model of a kind, on the CPU in float32; a path takes the place of a kind."""

    def model(kind: str | Path, *, dtype: str = "float32", adapter: Path | None = None) -> StableAudioOpen:
        folder = folder_of(kind) if isinstance(kind, str) else kind
        return StableAudioOpen(folder, name=f"tiny-{kind}", device="cpu", dtype=dtype, adapter=adapter)

    return model
