"""What composing promises: shapes, noise, what is known, what is told, and cancelling."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from v2m.backbones.sound import oobleck
from v2m.backbones.sound.model import SoundWindow
from v2m.backbones.stable_audio_open.model import StableAudioOpen
from v2m.errors import CancelledError, InputError

ModelOf = Callable[..., StableAudioOpen]
STEPS = 3


@pytest.fixture
def short(tiny: ModuleType) -> SoundWindow:
    """The first 50 frames of a piece of 9 s, in a few steps."""
    whole: SoundWindow = tiny.window(steps=STEPS)
    return replace(whole, first_frame=0, frame_count=50, curve=whole.curve[:50])


def composed(model: StableAudioOpen, window: SoundWindow) -> NDArray[np.float32]:
    return model.compose(window, lambda fraction: None, lambda: None)


@pytest.mark.parametrize(
    "kind", ["open", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("small", "controlnet"))]
)
def test_a_take_is_the_same_alone_and_among_eight(kind: str, model_of: ModelOf, short: SoundWindow) -> None:
    model = model_of(kind)
    short = replace(short, steps=2)
    eight = composed(model, replace(short, seeds=tuple(range(8)), adherence=0.5))
    assert eight.shape == (8, 50, 8)
    alone = composed(model, replace(short, seeds=(6,), adherence=0.5))
    np.testing.assert_array_equal(alone[0], eight[6])
    assert np.abs(eight[5] - eight[6]).max() > 0.1


def test_the_window_of_the_training_is_composed_whatever_is_asked(
    model_of: ModelOf, tiny: ModuleType, short: SoundWindow
) -> None:
    model = model_of("open")
    whole = replace(tiny.window(steps=STEPS, total_s=4.0), first_frame=0)
    np.testing.assert_array_equal(
        composed(model, replace(short, total_s=4.0))[0], composed(model, whole)[0, :50]
    )


def test_what_is_known_stays_and_is_heard_by_the_rest(model_of: ModelOf, short: SoundWindow) -> None:
    for kind in ("open", "small"):
        model = model_of(kind)
        known = np.zeros(50, bool)
        known[:20] = known[40:] = True
        kept = np.full((1, 50, 8), np.nan, np.float32)
        kept[:, known] = 0.7
        made = composed(model, replace(short, known=known, known_latents=kept))
        np.testing.assert_array_equal(made[:, known], kept[:, known])
        assert np.isfinite(made).all()
        assert np.abs(made[:, ~known] - composed(model, short)[:, ~known]).max() > 1e-3


def test_nothing_known_is_as_if_nothing_was_said(model_of: ModelOf, short: SoundWindow) -> None:
    model = model_of("open")
    empty = replace(short, known=np.zeros(50, bool), known_latents=np.zeros((1, 50, 8), np.float32))
    np.testing.assert_array_equal(composed(model, empty), composed(model, short))


@pytest.mark.parametrize(("kind", "longest_s"), [("open", 512.0), ("small", 256.0)])
def test_lengths_beyond_the_training_are_told_as_its_longest(
    kind: str, longest_s: float, model_of: ModelOf, short: SoundWindow
) -> None:
    model = model_of(kind)
    longest = composed(model, replace(short, total_s=longest_s))
    np.testing.assert_array_equal(composed(model, replace(short, total_s=2 * longest_s)), longest)
    assert np.abs(composed(model, replace(short, total_s=longest_s / 2)) - longest).max() > 1e-4


def test_a_later_window_is_told_where_it_begins(model_of: ModelOf, short: SoundWindow) -> None:
    rate = 44100 / 2048
    for kind, hears in (("open", True), ("small", False)):  # small is told the length alone
        model = model_of(kind)
        later = [
            model._conditions(replace(short, first_frame=round(rate * s), total_s=60.0)) for s in (0, 30)
        ]
        assert bool((later[0].seconds != later[1].seconds).any()) is hears


@pytest.mark.slow
def test_words_negative_words_and_guidance_are_heard(model_of: ModelOf, short: SoundWindow) -> None:
    model = model_of("open")
    plain = composed(model, short)
    for other in (
        replace(short, prompt="fast drums"),
        replace(short, negative_prompt="fast drums"),
        replace(short, text_scale=1.0),
    ):
        assert np.abs(composed(model, other) - plain).max() > 1e-3


def test_progress_rises_to_one(model_of: ModelOf, short: SoundWindow) -> None:
    told: list[float] = []
    model_of("small").compose(replace(short, seeds=(1, 2)), told.append, lambda: None)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 2 * STEPS + 1


@pytest.mark.parametrize("kind", ["open", "small", "controlnet"])
def test_a_cancel_is_heard_between_layers_and_leaves_a_model_that_works(
    kind: str, model_of: ModelOf, short: SoundWindow
) -> None:
    model, asked = model_of(kind), 0
    before = composed(model, short)

    def cancel() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:  # inside the first step
            raise CancelledError("The composing was cancelled.")

    with pytest.raises(CancelledError):
        model.compose(short, lambda fraction: None, cancel)
    np.testing.assert_array_equal(composed(model, short), before)


def test_after_unloading_it_loads_again(model_of: ModelOf, short: SoundWindow) -> None:
    model = model_of("small")
    before = composed(model, short)
    model.unload()
    np.testing.assert_array_equal(composed(model, short), before)


@pytest.mark.slow
def test_bfloat16_is_close_to_float32(model_of: ModelOf, short: SoundWindow) -> None:
    exact, fast = (composed(model_of("small", dtype=name), short) for name in ("float32", "bfloat16"))
    assert model_of("small", dtype="bfloat16").arithmetic == "cpu bfloat16"
    assert 0 < np.abs(exact - fast).max() < 0.2 * np.abs(exact).max()


@pytest.mark.parametrize("frames", [1, 2, 77])
def test_sound_and_latents_have_the_lengths_of_the_grid(frames: int, model_of: ModelOf) -> None:
    model = model_of("open")
    grid = model.grid
    assert (grid.sample_rate_hz, grid.hop_samples, grid.channels, grid.longest_frames) == (
        44100,
        2048,
        8,
        128,
    )
    sound = model.decode(np.zeros((frames, 8), np.float32))
    assert sound.shape == (frames * 2048, 2)
    assert sound.dtype == np.float32
    assert model.encode(sound[:-2047]).shape == (frames, 8)


def test_nothing_is_nothing(model_of: ModelOf) -> None:
    model = model_of("open")
    assert model.decode(np.zeros((0, 8), np.float32)).shape == (0, 2)
    assert model.encode(np.zeros((0, 2), np.float32)).shape == (0, 8)


@pytest.mark.slow
def test_tiles_are_the_whole(model_of: ModelOf, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("open")
    latents = tiny.noise((45, 8), 1).numpy()
    sound = tiny.noise((45 * 2048, 2), 2).numpy() / 5
    whole = model.decode(latents), model.encode(sound)
    monkeypatch.setattr(oobleck, "TILE_SAMPLES", 16 * 2048)
    tiled = model.decode(latents), model.encode(sound)
    for one, other in zip(whole, tiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"frame_count": 129, "curve": np.zeros(129, np.float32)},
        {"frame_count": 0, "curve": np.zeros(0, np.float32)},
        {"curve": np.zeros(49, np.float32)},
        {"steps": 5000},
        {"known": np.zeros(50, bool)},
        {"known": np.zeros(49, bool), "known_latents": np.zeros((1, 50, 8), np.float32)},
        {"known": np.zeros(50, bool), "known_latents": np.zeros((2, 50, 8), np.float32)},
    ],
)
def test_a_window_that_does_not_fit_together_is_refused(
    wrong: dict[str, object], model_of: ModelOf, short: SoundWindow
) -> None:
    with pytest.raises(InputError, match=r"expected|together"):
        composed(model_of("open"), replace(short, **wrong))  # type: ignore[arg-type]


def test_what_it_needs_is_less_once_it_is_loaded(model_of: ModelOf, short: SoundWindow) -> None:
    model = model_of("small")
    before = model.needed_bytes(50, 1)
    composed(model, short)
    assert 0 < model.needed_bytes(50, 8) < before
