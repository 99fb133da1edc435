"""Stable Audio Open and its ControlNet against the official code, and against diffusers.

Needs checkouts of Stability-AI/stable-audio-tools, crowsonkb/k-diffusion, EmilianPostolache/
stable-audio-controlnet and arogozhnikov/einops. What they import for training or resampling and do not call
here is stood in for by empty modules. The weights are the tiny ones of `tests/tiny_models`, loaded by the
official code strictly, key for key.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
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
from torch import Tensor

from parities.row import Row
from v2m.backbones.sound.model import SoundWindow
from v2m.backbones.stable_audio_open.envelope import envelope_of_curve
from v2m.backbones.stable_audio_open.guided import Conditions, Control, Guidance, GuidedVelocity
from v2m.backbones.stable_audio_open.loaded import Loaded
from v2m.backbones.stable_audio_open.model import StableAudioOpen
from v2m.model.noise import latent_noise

TOOLS, KDIFF, CONTROL, EINOPS = (
    "Stability-AI+stable-audio-tools",
    "crowsonkb+k-diffusion",
    "EmilianPostolache+stable-audio-controlnet",
    "arogozhnikov+einops",
)
NOT_CALLED = {
    "alias_free_torch", "einops_exts", "plotly", "pytorch_lightning", "torchaudio", "torchdiffeq", "torchsde",
    "torchvision", "wandb", "x_transformers",
}  # fmt: skip
TOOLS_PACKAGE, CONTROL_PACKAGE = "stable_audio_tools", "main"
BAR, CODEC_BAR = 1e-6, 1e-5
FRAMES, STEPS, SEED, FIRST = 128, 12, 5, 40
PROMPT, NEGATIVE = "calm piano", "fast drums"


def rows(official: Path) -> Iterator[Row]:
    """The table's rows.

    Raises:
        FileNotFoundError: a checkout is not there.
    """
    tiny, packages = _tiny_models(), _checkouts(official)
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        folders = {
            small: tiny.write(Path(scratch) / f"small {small}", small=small) for small in (False, True)
        }
        yield from _against_diffusers(tiny, Path(scratch))
        with _importable(packages):  # transformers and diffusers are loaded by now, and see no empty modules
            for small, folder in folders.items():
                with _working_in(folder):
                    theirs = _official_model(tiny, folder, small)
                    yield from _compared(folder, theirs, small)
            yield from _controlled(tiny, tiny.write(Path(scratch) / "controlnet", controlnet=True))


def _compared(folder: Path, theirs: Any, small: bool) -> Iterator[Row]:  # noqa: ANN401 - official
    name = "SA-Open small" if small else "SA-Open"
    model = StableAudioOpen(folder, name="tiny", device="cpu", dtype="float32")
    ours = model._loaded
    tools = f"{TOOLS.partition('+')[2]} "
    told = {"seconds_start": 1.0, "seconds_total": 7.0}
    asked = [{"prompt": PROMPT, **told}], [{"prompt": NEGATIVE, **told}]
    given = theirs.get_conditioning_inputs(theirs.conditioner(asked[0], "cpu"))
    against = theirs.get_conditioning_inputs(theirs.conditioner(asked[1], "cpu"), negative=True)
    window = _window(model)
    conditions = model._conditions(window)
    seen = [conditions.words, conditions.seconds]
    yield _row(f"{name}: text and seconds", tools + "conditioners.py", seen,
               [given["cross_attn_cond"], given["global_cond"]])  # fmt: skip
    x, time = _drawn(1, FRAMES, model.grid.channels), torch.tensor(0.37)
    for scale, others, label in (
        (1.0, {}, "no guidance"),
        (7.0, {}, "guided"),
        (7.0, against, "negative prompt"),
    ):
        velocity = _velocity(ours, model, window if others else _window(model, negative=""), scale)
        expected = theirs.model(_first(x), time[None], **given, **others, cfg_scale=scale)
        yield _row(f"{name}: DiT, {label}", tools + "dit.py", [velocity(x, time)], [_first(expected)])
    yield from _codec(name, ours, theirs.pretransform.model, tools + "autoencoders.py")
    yield _sampled(name, model, theirs, given, small)


def _codec(name: str, ours: Loaded, theirs: Any, official: str) -> Iterator[Row]:  # noqa: ANN401
    sound = _drawn(1, 2, 40 * 2048) / 5
    mean, spread = ours.autoencoder.distribution(sound)
    expected = theirs.encoder(sound).chunk(2, dim=1)
    scale = torch.nn.functional.softplus(expected[1]) + 1e-4
    yield _row(f"{name}: VAE encoder", official, [mean, spread], [expected[0], scale], CODEC_BAR)
    latents = _drawn(1, ours.config.grid.channels, 300)
    expected = theirs.decode(latents)
    yield _row(f"{name}: VAE decoder, 2 tiles", official, [ours.autoencoder.decode(latents)], [expected],
               CODEC_BAR)  # fmt: skip


def _sampled(name: str, model: StableAudioOpen, theirs: Any, given: Any, small: bool) -> Row:  # noqa: ANN401
    """A whole window through `SoundModel.compose`, with the same noise drawn on both sides."""
    sampling = _official(TOOLS_PACKAGE, "inference.sampling")
    noise = _CountedNoise(model.grid.channels)
    with (
        _replaced(sampling.torch, "randn_like", lambda _x: noise()),
        _replaced(sampling.K.sampling, "BrownianTreeNoiseSampler", lambda *_: lambda *_: noise()),
    ):
        kind = {"sampler_type": "pingpong"} if small else {
            "sampler_type": "dpmpp-3m-sde", "sigma_min": 0.3, "sigma_max": 500,
        }  # fmt: skip
        run = sampling.sample_rf if small else sampling.sample_k
        start = _first(torch.from_numpy(latent_noise(SEED, FIRST, FRAMES, model.grid.channels))[None])
        expected = run(theirs.model, start, steps=STEPS, device="cpu", cfg_scale=1.0 if small else 7.0,
                       **kind, **given)  # fmt: skip
    made = model.compose(_window(model, negative=""), lambda _: None, lambda: None)
    label = "ping-pong" if small else "DPM-Solver++(3M) SDE"
    return _row(f"{name}: {label}, {STEPS} steps", "stable-audio-tools sampling.py, k-diffusion",
                [torch.from_numpy(made)], [_first(expected)],
                note="whole window; noise counted on both sides")  # fmt: skip


def _controlled(tiny: Any, folder: Path) -> Iterator[Row]:  # noqa: ANN401
    """The ControlNet's residuals, and the frozen transformer with them, guided."""
    diffusion = _official(CONTROL_PACKAGE, "controlnet.diffusion")
    block = _official(TOOLS_PACKAGE, "models.transformer").TransformerBlock
    block.forward = _without_masks(block.forward)
    shape = tiny.official_config()["model"]["diffusion"]["config"]
    theirs = diffusion.DiTControlNetWrapper(controlnet_depth_factor=0.7, **shape).eval()
    tensors = {**tiny.official_tensors(), **tiny.controlnet_tensors()}
    frozen = {f"model.{name}": value for name, value in tiny.below(tensors, "model.model.").items()
              if not name.startswith("controlnet.")}  # fmt: skip
    added = {name.removeprefix("model.model."): value for name, value in tiny.controlnet_tensors().items()}
    missing, unexpected = theirs.load_state_dict({**frozen, **added}, strict=False)
    if missing or unexpected:
        raise RuntimeError(f"the official ControlNet has other keys: {missing[:3]}, {unexpected[:3]}")
    model = StableAudioOpen(folder, name="tiny", device="cpu", dtype="float32")
    window = _window(model, negative="")
    conditions = model._conditions(window)
    envelope = envelope_of_curve(model._whole_curve(window), 2048, FRAMES * 2048)
    control = model._loaded.autoencoder.encode(torch.from_numpy(np.stack([envelope] * 2))[None])
    net = model._loaded.controlnet
    x, time = _drawn(1, FRAMES, model.grid.channels), torch.tensor(0.37)
    for scale in (1.0, 7.0):
        velocity = GuidedVelocity(
            model._loaded.transformer, conditions, Guidance(scale), FRAMES, lambda: None,
            Control(net, control.transpose(1, 2), 0.8),
        )  # fmt: skip
        expected = theirs(
            _first(x), time[None], controlnet_cond=control, cross_attn_cond=conditions.words,
            global_cond=conditions.seconds, cfg_scale=scale, scale_controlnet_embeds=0.8,
        )  # fmt: skip
        yield _row(f"ControlNet on SA-Open, guidance {scale:g}",
                   "stable-audio-controlnet controlnet.py, dit.py",
                   [velocity(x, time)], [_first(expected)])  # fmt: skip


def _without_masks(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """It was written for tools whose layers took masks, which were all ones."""

    def patched(*args: Any, **names: Any) -> Tensor:  # noqa: ANN401
        kept = {
            name: value
            for name, value in names.items()
            if name not in {"mask", "context_mask", "prepend_mask"}
        }
        return forward(*args, **kept)

    return patched


def _against_diffusers(tiny: Any, scratch: Path) -> Iterator[Row]:  # noqa: ANN401
    """The classes of diffusers on its own layout, which we read too."""
    from diffusers import AutoencoderOobleck, StableAudioDiTModel
    from diffusers.models.embeddings import get_1d_rotary_pos_embed
    from diffusers.pipelines.stable_audio.modeling_stable_audio import StableAudioProjectionModel

    folder = tiny.write(scratch / "diffusers", diffusers=True)
    model = StableAudioOpen(folder, name="tiny", device="cpu", dtype="float32")
    window = _window(model, negative="")
    conditions = model._conditions(window)
    projection = StableAudioProjectionModel.from_pretrained(folder / "projection_model")
    told = projection(start_seconds=torch.tensor([1.0]), end_seconds=torch.tensor([7.0]))
    seconds = [told.seconds_start_hidden_states, told.seconds_end_hidden_states]
    yield _row("SA-Open: seconds", "diffusers StableAudioProjectionModel", [conditions.seconds],
               [torch.cat(seconds, dim=2)[:, 0]])  # fmt: skip
    transformer = StableAudioDiTModel.from_pretrained(folder / "transformer").eval()
    rotary = get_1d_rotary_pos_embed(32, FRAMES + 1, use_real=True, repeat_interleave_real=False)
    x, time = _drawn(1, FRAMES, model.grid.channels), torch.tensor(0.37)
    expected = transformer(
        _first(x), time[None], encoder_hidden_states=conditions.words,
        global_hidden_states=conditions.seconds[:, None], rotary_embedding=rotary,
    ).sample  # fmt: skip
    velocity = _velocity(model._loaded, model, window, 1.0)
    yield _row("SA-Open: DiT", "diffusers StableAudioDiTModel", [velocity(x, time)], [_first(expected)])
    vae = AutoencoderOobleck.from_pretrained(folder / "vae").eval()
    sound, latents = _drawn(1, 2, 40 * 2048) / 5, _drawn(1, model.grid.channels, 60)
    yield _row("SA-Open: VAE", "diffusers AutoencoderOobleck",
               [model._loaded.autoencoder.encode(sound), model._loaded.autoencoder.decode(latents)],
               [vae.encode(sound).latent_dist.mode(), vae.decode(latents).sample], CODEC_BAR)  # fmt: skip


def _velocity(ours: Loaded, model: StableAudioOpen, window: SoundWindow, scale: float) -> GuidedVelocity:
    conditions: Conditions = model._conditions(window)
    return GuidedVelocity(ours.transformer, conditions, Guidance(scale), FRAMES, lambda: None)


def _window(model: StableAudioOpen, negative: str = NEGATIVE) -> SoundWindow:
    """Without adherence: a ControlNet in the folder says nothing."""
    curve = np.sin(np.arange(FRAMES) / 7).astype(np.float32)
    return SoundWindow(
        PROMPT, FIRST, FRAMES, curve, (SEED,), negative, adherence=0.0, steps=STEPS, total_s=7.0
    )


class _CountedNoise:
    """What the steps draw, one after the other."""

    def __init__(self, channels: int) -> None:
        self._channels, self._step = channels, 0

    def __call__(self) -> Tensor:
        self._step += 1
        return _first(torch.from_numpy(latent_noise(SEED, FIRST, FRAMES, self._channels, self._step))[None])


def _first(x: Tensor) -> Tensor:
    """Channels first, or back."""
    return x.transpose(1, 2).contiguous()


def _drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def _row(
    module: str, official: str, ours: list[Tensor], theirs: list[Tensor], bar: float = BAR, note: str = ""
) -> Row:
    worst = max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))
    return Row(module, official, worst, max(float(b.abs().max()) for b in theirs), bar, note)


def _official_model(tiny: Any, folder: Path, small: bool) -> Any:  # noqa: ANN401
    """Built by their factory from our configuration, its T5 from the folder and in float32."""
    conditioners = _official(TOOLS_PACKAGE, "models.conditioners")
    factory = _official(TOOLS_PACKAGE, "models.factory")
    conditioners.T5Conditioner.T5_MODEL_DIMS["t5-base"] = tiny.TOKEN_WIDTH
    model = factory.create_model_from_config(tiny.official_config(small)).eval()
    from safetensors.torch import load_file

    model.load_state_dict(load_file(folder / "model.safetensors"))
    from transformers import T5EncoderModel

    text = T5EncoderModel.from_pretrained("t5-base").eval()  # theirs is rounded to float16
    model.conditioner.conditioners["prompt"].__dict__["model"] = text
    return model


def _official(package: str, module: str) -> Any:  # noqa: ANN401
    return importlib.import_module(f"{package}.{module}")


def _tiny_models() -> Any:  # noqa: ANN401
    path = Path(__file__).parents[2] / "tests" / "tiny_models" / "stable_audio_open.py"
    spec = importlib.util.spec_from_file_location("tiny_stable_audio_open", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
