"""Event adapters are small, say what they are for, and are refused by any other model."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from v2m.backbones.sound.adapter import EventAdapter, load_adapter, save_adapter
from v2m.backbones.sound.model import LatentGrid
from v2m.errors import InputError

GRID = LatentGrid(44100, 4096, 256, 1292)
ADAPTER = EventAdapter(
    column=np.linspace(-1, 1, 64, dtype=np.float32),
    base_sha256="ab" * 32,
    latent_rate_hz=Fraction(44100, 4096),
    recipe={"encoder": "musicfm", "layer": 7, "kernel_s": 1.03},
    trained_range=(-2.5, 6.0),
)


def load(path: Path, **changes: object) -> EventAdapter:
    wanted = {"base_sha256": "ab" * 32, "grid": GRID, "width": 64, **changes}
    return load_adapter(path, **wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(64,), (64, 2)])
def test_what_is_saved_comes_back(tmp_path: Path, shape: tuple[int, ...]) -> None:
    adapter = replace(ADAPTER, column=np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    save_adapter(tmp_path / "a.safetensors", adapter)
    back = load(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(back.column, adapter.column)
    assert replace(back, column=ADAPTER.column) == ADAPTER or back.recipe == ADAPTER.recipe
    assert (back.base_sha256, back.latent_rate_hz) == (ADAPTER.base_sha256, ADAPTER.latent_rate_hz)
    assert back.trained_range == ADAPTER.trained_range
    assert (tmp_path / "a.safetensors").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"base_sha256": "cd" * 32}, "abababababab"),
        ({"grid": LatentGrid(48000, 4096, 256, 1292)}, "latent frames a second"),
        ({"width": 128}, "128 wide"),
    ],
)
def test_another_model_refuses_it(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    save_adapter(tmp_path / "a.safetensors", ADAPTER)
    with pytest.raises(InputError, match=told):
        load(tmp_path / "a.safetensors", **changes)


def test_broken_files_are_refused(tmp_path: Path) -> None:
    whole = tmp_path / "a.safetensors"
    save_adapter(whole, ADAPTER)
    content = whole.read_bytes()
    broken = {
        "cut.safetensors": content[:-8],
        "short.safetensors": content[:5],
        "pickle.safetensors": b"\x80\x04" + content,
        "format.safetensors": content.replace(b"v2m-event-adapter-1", b"v2m-event-adapter-9"),
        "nan.safetensors": content[:-4] + np.float32(np.nan).tobytes(),
        "large.safetensors": content + bytes(1_000_000),
        "recipe.safetensors": content.replace(b'\\"encoder\\"', b'\\"encoder  '),
    }
    for name, damaged in broken.items():
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(InputError, match=name):
            load(tmp_path / name)
    save_file({"row": np.zeros(64, np.float32)}, tmp_path / "row.safetensors")
    with pytest.raises(InputError, match="column"):
        load(tmp_path / "row.safetensors")
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "absent.safetensors")


def test_what_is_too_large_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1000000"):
        save_adapter(tmp_path / "a", replace(ADAPTER, column=np.zeros((4096, 80), np.float32)))
    assert not list(tmp_path.iterdir())
