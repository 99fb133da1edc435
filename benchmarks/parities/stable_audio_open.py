"""Stable Audio Open and its ControlNet against the official code, and against diffusers.

Needs checkouts of Stability-AI/stable-audio-tools, crowsonkb/k-diffusion, EmilianPostolache/
stable-audio-controlnet and arogozhnikov/einops. What they import for training or resampling and do not call
here is stood in for by empty modules. The weights are the tiny ones of `tests/tiny_models`, loaded by the
official code strictly, key for key; the noise is counted on both sides.
"""

from __future__ import annotations

import copy
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from parities.row import Row, row_as_used
from tests.tiny_models import stable_audio_open as TINY
from v2m.backbones.sound.model import SoundWindow
from v2m.backbones.stable_audio_open.envelope import envelope_of_curve
from v2m.backbones.stable_audio_open.guided import Control, Guidance, GuidedVelocity
from v2m.backbones.stable_audio_open.model import StableAudioOpen
from v2m.model.noise import latent_noise

TOOLS, KDIFF, CONTROL, EINOPS = (
    "Stability-AI+stable-audio-tools",
    "crowsonkb+k-diffusion",
    "EmilianPostolache+stable-audio-controlnet",
    "arogozhnikov+einops",
)
TOOLS_PACKAGE, CONTROL_PACKAGE = "stable_audio_tools", "main"
NOT_CALLED = {
    "alias_free_torch", "einops_exts", "plotly", "pytorch_lightning", "torchaudio", "torchdiffeq", "torchsde",
    "torchvision", "wandb", "x_transformers",
}  # fmt: skip
BAR, CODEC_BAR = 1e-6, 1e-5

KEPT = {
    "SA-Open: DPM-Solver++(3M) SDE": "open",
    "SA-Open: DPM-Solver++(3M) SDE, negative": "negative",
    "SA-Open small: ping-pong": "small",
    "SA-Open ControlNet: DPM-Solver++(3M) SDE": "controlnet",
    "SA-Open: VAE encoder": "encoded",
    "SA-Open: VAE decoder, 2 tiles": "decoded",
}
"""Rows whose official numbers lie in `tests/golden/stable_audio_open.safetensors`, and their names there."""

KEPT_NUMBERS = 8192
"""Of each, from its start."""

Pair = tuple[Row, list[Tensor]]
"""A row, and what the official code gave."""


def rows(official: Path) -> Iterator[Row]:
    """The table's rows.

    Raises:
        FileNotFoundError: a checkout is not there.
    """
    for row, _ in _pairs(official):
        yield row


def write_golden(official: Path, target: Path) -> None:
    """What the tests hold our modules to where the official code is not at hand."""
    found = {KEPT[row.module]: theirs[0] for row, theirs in _pairs(official) if row.module in KEPT}
    save_file({name: value.flatten()[:KEPT_NUMBERS].contiguous() for name, value in found.items()}, target)


FRAMES = TINY.WINDOW_FRAMES
TIME = torch.tensor(0.37)


def _pairs(official: Path) -> Iterator[Pair]:
    packages = _checkouts(official)
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        folders = {
            small: TINY.write(Path(scratch) / f"small {small}", small=small) for small in (False, True)
        }
        yield from _against_diffusers(TINY.write(Path(scratch) / "diffusers", diffusers=True))
        with _importable(packages):  # transformers and diffusers are loaded by now, and see no empty modules
            for small, folder in folders.items():
                with _working_in(folder):
                    theirs = _official_model(folder, small)
                    yield from _compared("SA-Open small" if small else "SA-Open", folder, theirs)
            yield from _controlled(TINY.write(Path(scratch) / "controlnet", controlnet=True))


def _compared(name: str, folder: Path, theirs: Any) -> Iterator[Pair]:  # noqa: ANN401
    model, small = _ours(folder), "small" in name
    told = {"seconds_start": 1.0, "seconds_total": TINY.TOTAL_S}
    words = theirs.conditioner([{"prompt": TINY.PROMPT, **told}], "cpu")
    others = theirs.conditioner([{"prompt": TINY.NEGATIVE, **told}], "cpu")
    given = theirs.get_conditioning_inputs(words)
    against = theirs.get_conditioning_inputs(others, negative=True)
    conditions = model._conditions(TINY.window())
    mine, official = [conditions.words, conditions.seconds], "stable-audio-tools conditioners.py"
    yield _row(f"{name}: text and seconds", official, mine, [given["cross_attn_cond"], given["global_cond"]])
    x = _drawn(1, FRAMES, TINY.CHANNELS)
    cases = (("plain", 1.0, "", {}), ("guided", 7.0, "", {}), ("negative", 7.0, TINY.NEGATIVE, against))
    used, exact = _as_used(folder), copy.deepcopy(theirs.model).double()
    for label, scale, negative, more in cases:
        window, told = TINY.window(negative=negative), {**given, **more}
        expected = _turned(theirs.model(_turned(x), TIME[None], **told, cfg_scale=scale))
        found = _velocity(model, window, scale)(x, TIME)
        yield _row(f"{name}: DiT, {label}", "stable-audio-tools dit.py", [found], [expected])
        wide = {key: _widened(value) for key, value in told.items()}
        best = _turned(exact(_turned(x).double(), TIME[None].double(), **wide, cfg_scale=scale))
        found = _velocity(used, window, scale)(x, TIME)
        row = row_as_used(f"{name}: DiT, {label}", "stable-audio-tools dit.py", found, expected, best)
        yield row, [expected]
    yield from _codec(name, model, theirs.pretransform.model)
    sampler = f"{name}: {'ping-pong' if small else 'DPM-Solver++(3M) SDE'}"
    yield _sampled(sampler, model, TINY.window(), theirs.model, given)
    if not small:
        window = TINY.window(negative=TINY.NEGATIVE)
        yield _sampled(f"{sampler}, negative", model, window, theirs.model, {**given, **against})


def _codec(name: str, model: StableAudioOpen, theirs: Any) -> Iterator[Pair]:  # noqa: ANN401
    official, ours = "stable-audio-tools autoencoders.py", model._loaded.autoencoder
    sound = _drawn(1, 2, 40 * TINY.HOP) / 5
    mean, scale = theirs.encoder(sound).chunk(2, dim=1)
    spread = torch.nn.functional.softplus(scale) + 1e-4
    yield _row(f"{name}: VAE encoder", official, list(ours.distribution(sound)), [mean, spread], CODEC_BAR)
    latents = _drawn(1, TINY.CHANNELS, 300)
    yield _row(f"{name}: VAE decoder, 2 tiles", official, [ours.decode(latents)], [theirs.decode(latents)],
               CODEC_BAR)  # fmt: skip


def _sampled(
    name: str,
    model: StableAudioOpen,
    window: SoundWindow,
    theirs: Any,  # noqa: ANN401
    given: dict[str, Any],
) -> Pair:
    """A whole window through `SoundModel.compose`."""
    sampling = _official(TOOLS_PACKAGE, "inference.sampling")
    noise, small = _CountedNoise(), "small" in name
    with (
        _replaced(sampling.torch, "randn_like", lambda _x: noise()),
        _replaced(sampling.K.sampling, "BrownianTreeNoiseSampler", lambda *_: lambda *_: noise()),
    ):
        start, shared = noise(), {"steps": TINY.STEPS, "device": "cpu", **given}
        if small:
            expected = sampling.sample_rf(theirs, start, sampler_type="pingpong", cfg_scale=1.0, **shared)
        else:
            shared |= {"sampler_type": "dpmpp-3m-sde", "sigma_min": 0.3, "sigma_max": 500}
            expected = sampling.sample_k(theirs, start, cfg_scale=7.0, **shared)
    made = torch.from_numpy(model.compose(window, lambda _: None, lambda: None))
    return _row(name, "stable-audio-tools sampling.py, k-diffusion", [made], [_turned(expected)],
                note=f"a window, {TINY.STEPS} steps")  # fmt: skip


def _controlled(folder: Path) -> Iterator[Pair]:
    """The ControlNet and the frozen transformer with it; the control is encoded without chance."""
    block = _official(TOOLS_PACKAGE, "models.transformer").TransformerBlock
    block.forward = _without_masks(block.forward)
    theirs, model = _official_controlnet(), _ours(folder)
    window = TINY.window(adherence=0.5)
    conditions = model._conditions(window)
    envelope = envelope_of_curve(window.curve, TINY.HOP, FRAMES * TINY.HOP)
    control = model._loaded.autoencoder.encode(torch.from_numpy(np.stack([envelope] * 2))[None])
    given = {
        "cross_attn_cond": conditions.words,
        "global_cond": conditions.seconds,
        "controlnet_cond": control,
    }
    x = _drawn(1, FRAMES, TINY.CHANNELS)
    for label, scale in (("plain", 1.0), ("guided", 7.0)):
        told = Control(model._loaded.controlnet, control.transpose(1, 2), 0.8)
        velocity = _velocity(model, window, scale, told)
        expected = theirs(_turned(x), TIME[None], **given, cfg_scale=scale, scale_controlnet_embeds=0.8)
        yield _row(f"SA-Open ControlNet: DiT, {label}", "stable-audio-controlnet controlnet.py, dit.py",
                   [velocity(x, TIME)], [_turned(expected)])  # fmt: skip
    yield _sampled("SA-Open ControlNet: DPM-Solver++(3M) SDE", model, window, theirs, given)


def _against_diffusers(folder: Path) -> Iterator[Pair]:
    """The classes of diffusers on its own layout, which we read too."""
    from diffusers import AutoencoderOobleck, StableAudioDiTModel
    from diffusers.models.embeddings import get_1d_rotary_pos_embed
    from diffusers.pipelines.stable_audio.modeling_stable_audio import StableAudioProjectionModel

    model, window = _ours(folder), TINY.window()
    conditions = model._conditions(window)
    projection = StableAudioProjectionModel.from_pretrained(folder / "projection_model")
    told = projection(start_seconds=torch.tensor([1.0]), end_seconds=torch.tensor([TINY.TOTAL_S]))
    seconds = torch.cat([told.seconds_start_hidden_states, told.seconds_end_hidden_states], dim=2)
    yield _row("SA-Open: seconds", "diffusers StableAudioProjectionModel", [conditions.seconds],
               [seconds[:, 0]])  # fmt: skip
    transformer = StableAudioDiTModel.from_pretrained(folder / "transformer").eval()
    x, head = _drawn(1, FRAMES, TINY.CHANNELS), TINY.WIDTH // TINY.HEADS
    rotary = get_1d_rotary_pos_embed(head, FRAMES + 1, use_real=True, repeat_interleave_real=False)
    expected = transformer(
        _turned(x), TIME[None], encoder_hidden_states=conditions.words,
        global_hidden_states=conditions.seconds[:, None],
        rotary_embedding=rotary,
    ).sample  # fmt: skip
    yield _row("SA-Open: DiT", "diffusers StableAudioDiTModel", [_velocity(model, window, 1.0)(x, TIME)],
               [_turned(expected)])  # fmt: skip
    vae, ours = AutoencoderOobleck.from_pretrained(folder / "vae").eval(), model._loaded.autoencoder
    sound, latents = _drawn(1, 2, 40 * TINY.HOP) / 5, _drawn(1, TINY.CHANNELS, 60)
    yield _row("SA-Open: VAE", "diffusers AutoencoderOobleck", [ours.encode(sound), ours.decode(latents)],
               [vae.encode(sound).latent_dist.mode(), vae.decode(latents).sample], CODEC_BAR)  # fmt: skip


def _ours(folder: Path) -> StableAudioOpen:
    """Its linear layers as the original has them; packed for the processor they round otherwise."""
    model = StableAudioOpen(folder, name="tiny", device="cpu", dtype="float32")
    model._loaded._made_ready = lambda layers: None
    return model


def _as_used(folder: Path) -> StableAudioOpen:
    """As it composes on a CPU."""
    return StableAudioOpen(folder, name="tiny", device="cpu", dtype="float32")


def _widened(value: Any) -> Any:  # noqa: ANN401 - whatever the official code is given
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value


def _velocity(
    model: StableAudioOpen, window: SoundWindow, scale: float, control: Control | None = None
) -> GuidedVelocity:
    conditions, transformer = model._conditions(window), model._loaded.transformer
    return GuidedVelocity(transformer, conditions, Guidance(scale), FRAMES, lambda: None, control)


class _CountedNoise:
    """What the path begins with and what its steps draw, one after the other."""

    def __init__(self) -> None:
        self._stream = -1

    def __call__(self) -> Tensor:
        self._stream += 1
        drawn = latent_noise(TINY.SEED, TINY.FIRST_FRAME, FRAMES, TINY.CHANNELS, self._stream)
        return _turned(torch.from_numpy(drawn)[None])


def _turned(x: Tensor) -> Tensor:
    """Channels first, or back."""
    return x.transpose(1, 2).contiguous()


def _drawn(*shape: int) -> Tensor:
    return TINY.noise(shape, 3)  # type: ignore[no-any-return]


def _row(
    module: str, official: str, ours: list[Tensor], theirs: list[Tensor], bar: float = BAR, note: str = ""
) -> Pair:
    worst = max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))
    scale = max(float(b.abs().max()) for b in theirs)
    return Row(module, official, worst, scale, bar, note), theirs


def _without_masks(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """It was written for tools whose layers took masks, which were all ones."""

    def patched(*args: Any, **names: Any) -> Tensor:  # noqa: ANN401
        return forward(
            *args, **{name: value for name, value in names.items() if "mask" not in name or "block" in name}
        )

    return patched


def _official_model(folder: Path, small: bool) -> Any:  # noqa: ANN401
    """Built by their factory from our configuration, with the T5 of the folder."""
    from transformers import T5EncoderModel

    conditioners = _official(TOOLS_PACKAGE, "models.conditioners")
    conditioners.T5Conditioner.T5_MODEL_DIMS["t5-base"] = TINY.TOKEN_WIDTH
    factory = _official(TOOLS_PACKAGE, "models.factory")
    model = factory.create_model_from_config(TINY.official_config(small)).eval()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    text = T5EncoderModel.from_pretrained("t5-base").eval()  # theirs is rounded to float16
    model.conditioner.conditioners["prompt"].__dict__["model"] = text
    return model


def _official_controlnet() -> Any:  # noqa: ANN401
    shape = TINY.official_config()["model"]["diffusion"]["config"]
    wrapper = _official(CONTROL_PACKAGE, "controlnet.diffusion").DiTControlNetWrapper
    theirs = wrapper(controlnet_depth_factor=0.7, **shape).eval()  # int(0.7 * 3) layers
    frozen = TINY.below(TINY.official_tensors(), "model.model.")
    tensors = {f"model.{name}": value for name, value in frozen.items()}
    theirs.load_state_dict({**tensors, **TINY.below(TINY.controlnet_tensors(), "model.model.")})
    return theirs


def _official(package: str, module: str) -> Any:  # noqa: ANN401
    return importlib.import_module(f"{package}.{module}")


def _checkouts(official: Path) -> list[Path]:
    folders = []
    for name in (TOOLS, KDIFF, CONTROL, EINOPS):
        found = [place for place in (official / name, official / name.replace("+", "/")) if place.is_dir()]
        if not found:
            raise FileNotFoundError(name)
        folders.append(found[0])
    return folders


@contextmanager
def _importable(folders: list[Path]) -> Iterator[None]:
    """The official packages on the path for as long as this lasts."""
    before, path, finder = set(sys.modules), list(sys.path), _Absent()
    sys.path[:0] = map(str, folders)
    sys.meta_path.append(finder)
    k_diffusion = types.ModuleType("k_diffusion")  # without its own start, which loads what it trains with
    k_diffusion.__path__ = [str(folders[1] / "k_diffusion")]
    sys.modules["k_diffusion"] = k_diffusion
    try:
        for part in ("utils", "sampling", "external"):
            setattr(k_diffusion, part, importlib.import_module(f"k_diffusion.{part}"))
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in {
                "k_diffusion",
                "einops",
                TOOLS_PACKAGE,
                CONTROL_PACKAGE,
                *NOT_CALLED,
            }:
                del sys.modules[name]


class _Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes an empty module of whatever is imported and not called."""

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in NOT_CALLED:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class _Empty(types.ModuleType):
    """Has every name, and nothing behind it."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@contextmanager
def _replaced(owner: Any, name: str, value: Callable[..., object]) -> Iterator[None]:  # noqa: ANN401
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """The official text encoder is named t5-base, which a folder of that name here stands for."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
