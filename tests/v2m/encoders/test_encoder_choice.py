"""Which encoder a name means, and what is said where one cannot look."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from v2m.encoders import choosing
from v2m.encoders.choosing import ENCODERS, choose_encoder, new_encoder
from v2m.errors import MissingPartError, UsageError


def test_without_weights_auto_is_the_embedded_one_and_says_nothing() -> None:
    assert choose_encoder("auto") == choosing.Choice("pixel")


@pytest.mark.parametrize(
    ("present", "has_gpu", "chosen", "why"),
    [
        (("small",), False, "dinov2-small", "no GPU"),
        (("small", "base", "large"), False, "dinov2-small", "no GPU"),
        (("small", "base", "large"), True, "dinov2-large", "a GPU are here"),
        (("small", "base"), True, "dinov2-base", "a GPU are here"),
        (("large",), False, "pixel", "--encoder dinov2-large uses it all the same"),
        (("base", "large"), False, "pixel", "without a GPU"),
    ],
)
def test_auto_takes_the_best_that_is_here_and_bearable_and_says_why(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    present: tuple[str, ...],
    has_gpu: bool,
    chosen: str,
    why: str,
) -> None:
    for size in present:
        folder = home / "data" / "models" / f"dinov2-{size}"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(choosing, "_has_gpu", lambda: has_gpu)
    choice = choose_encoder("auto")
    assert choice.name == chosen
    assert choice.reason.startswith(f"{chosen} looks at the picture: ")
    assert why in choice.reason


def test_auto_without_the_library_says_how_to_get_it(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "transformers" else found(name, *rest),
    )
    choice = choose_encoder("auto")
    assert choice.name == "pixel"
    assert 'pip install "v2m[models]"' in choice.reason


@pytest.mark.parametrize(("has_gpu", "best"), [(True, "dinov2-large"), (False, "dinov2-small")])
def test_dinov2_is_large_with_a_gpu_and_small_without(
    monkeypatch: pytest.MonkeyPatch, has_gpu: bool, best: str
) -> None:
    monkeypatch.setattr(choosing, "_has_gpu", lambda: has_gpu)
    assert choose_encoder("dinov2").name == best
    assert choose_encoder("dinov2:crop").name == f"{best}:crop"
    assert best in choose_encoder("dinov2").reason


def test_an_encoder_that_is_named_is_taken_without_a_word() -> None:
    for name in set(ENCODERS) - {"auto", "dinov2"}:
        assert choose_encoder(name) == choosing.Choice(name)


@pytest.mark.parametrize("name", ["eyes", "", "pixel:crop", "vjepa2:crop", "dinov2-huge", "auto:crop"])
def test_another_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UsageError, match="expected one of pixel, auto, flow, dinov2"):
        choose_encoder(name)


@pytest.mark.parametrize("name", sorted(set(ENCODERS) - {"auto", "pixel", "flow", "dinov2"}))
def test_without_its_weights_it_says_what_brings_them(name: str) -> None:
    with pytest.raises(MissingPartError) as raised:
        new_encoder(name)
    assert f"v2m models add {name}" in raised.value.hint


@pytest.mark.parametrize("name", sorted(set(ENCODERS) - {"auto", "dinov2-base", "dinov2-large"}))
def test_each_encoder_is_known_by_its_name_and_wants_pictures_of_the_programme_s_shape(
    models: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(choosing, "_has_gpu", lambda: False)
    encoder = new_encoder(name)
    assert encoder.name == ("dinov2-small" if name == "dinov2" else name)
    assert (encoder.weights_sha256 == "") == (name in ("pixel", "flow"))
    for aspect in (16 / 9, 1.0, 9 / 16, 2.39):
        width, height = encoder.size(aspect)
        assert min(width, height) >= 24
        assert max(width, height) <= 640


def test_without_transformers_the_exact_line_is_given(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    for name in ("dinov2-small", "vjepa2"):
        with pytest.raises(MissingPartError) as raised:
            new_encoder(name)
        assert 'pip install "v2m[models]"' in raised.value.hint


def test_the_names_are_known_without_anything_heavy() -> None:
    code = "import sys, v2m.encoders.choosing; print({'torch', 'transformers', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
