"""Tiny random models of language in a store of their own, and a film with pictures and sound."""

import os
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

from v2m.timeline import Cut, Media, Shot, Timeline


@pytest.fixture(scope="session")
def tiny_readers() -> ModuleType:
    """The writer of tiny models."""
    return import_module("tests.tiny_models.readers")


@pytest.fixture(scope="session")
def models(tiny_readers: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every model that can watch, in folders of their names."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    folder = tmp_path_factory.mktemp("models")
    tiny_readers.write_gemma(folder / "gemma-3-4b-it")
    tiny_readers.write_qwen(folder / "qwen3-vl")
    tiny_readers.write_llama(folder / "llama")
    tiny_readers.write_whisper(folder / "whisper")
    return folder


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds: two of one picture and a tone, two of another and silence."""
    path = tmp_path_factory.mktemp("film") / "film.mov"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=24)
        video.width, video.height, video.pix_fmt = 96, 54, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=24_000, layout="mono")
        for index in range(96):
            picture = np.full((54, 96, 3), (200, 120, 40) if index < 48 else (20, 40, 90), np.uint8)
            picture[10:20, index : index + 10] = 255
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        tone = np.sin(np.arange(96_000) * 2 * np.pi * 440 / 24_000) * (np.arange(96_000) < 48_000)
        sound = av.AudioFrame.from_ndarray((tone * 9000).astype(np.int16)[None], format="s16", layout="mono")
        sound.sample_rate, sound.pts = 24_000, 0
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    return path


@pytest.fixture
def timeline(film: Path) -> Timeline:
    media = Media(str(film), film)
    two = Fraction(2)
    shots = (Shot(Fraction(0), two, media), Shot(two, two, media, source_start_s=two))
    return Timeline(Fraction(24), Fraction(4), shots, (Cut(two),))
