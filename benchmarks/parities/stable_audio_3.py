"""Stable Audio 3 against Stability-AI/stable-audio-3, module by module and from prompt to latents.

The official code needs einops: where it is not installed, `pip install --target FOLDER/packages einops`.
Its use of torchaudio, which only resamples files, is left out; its sliding window takes its own way of
masked attention in chunks, which needs no GPU.

What the tests in tests/golden compare with is made by

    PYTHONPATH=benchmarks python -m parities.stable_audio_3 FOLDER tests/golden
"""

from __future__ import annotations

import copy
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "tiny_models"))
tiny = import_module("stable_audio_3")

from parities.row import Row, row_as_used  # noqa: E402
from v2m.backbones.stable_audio_3.config_file import config_from_dict  # noqa: E402
from v2m.backbones.stable_audio_3.lora import merge, read_lora  # noqa: E402
from v2m.backbones.stable_audio_3.sampler import Guidance, Prompted, sample  # noqa: E402
from v2m.backbones.stable_audio_3.schedule import noise_levels  # noqa: E402
from v2m.backbones.stable_audio_3.text import TextEncoder  # noqa: E402
from v2m.backbones.stable_audio_3.transformer import Condition, DiffusionTransformer  # noqa: E402
from v2m.backbones.stable_audio_3.weights import Parts, load_parts  # noqa: E402
from v2m.model.packed import pack_linears  # noqa: E402
from v2m.stages import never_cancel  # noqa: E402

REPOSITORY = "Stability-AI/stable-audio-3"
MODULE_BAR = 1e-6
SOUND_BAR = 1e-5
FRAMES = 40
TAKES = 4
LORA_KINDS = ("lora", "dora-rows", "dora-cols", "bora", "lora-xs", "dora-rows-xs", "dora-cols-xs", "bora-xs")


class Official:
    """The official code, imported from its checkout."""

    def __init__(self, folder: Path) -> None:
        checkouts = [folder / REPOSITORY.replace("/", "+"), folder / REPOSITORY]
        found = next((path for path in checkouts if (path / "stable_audio_3").is_dir()), None)
        if found is None:
            raise FileNotFoundError(checkouts[0])
        self._paths = [str(found), str(folder / "packages")]
        with self._imports():
            self.factory = import_module("stable_audio_3.factory")
            self.loading = import_module("stable_audio_3.loading_utils")
            self.sampling = import_module("stable_audio_3.inference.sampling")
            self.conditioners = import_module("stable_audio_3.models.conditioners")
            self.transformer = import_module("stable_audio_3.models.transformer")
            self.lora = import_module("stable_audio_3.models.lora")
            self.diffusion = import_module("stable_audio_3.models.diffusion")
            shifts = import_module("stable_audio_3.inference.distribution_shift")
        self.transformer.flex_attention_available = False
        self.shift = shifts.LogSNRShift(rate=0, anchor_logsnr=-6.2, logsnr_end=2.0)

    @contextmanager
    def _imports(self) -> Iterator[None]:
        own = sys.modules.pop("stable_audio_3", None)  # the tiny checkpoints' module has the same name
        stand_ins = _no_torchaudio()
        sys.modules.update(stand_ins)
        sys.path[:0] = self._paths
        try:
            with redirect_stdout(StringIO()):
                yield
        finally:
            for path in self._paths:
                sys.path.remove(path)
            for name in stand_ins:
                del sys.modules[name]
            if own is not None:
                sys.modules["stable_audio_3"] = own

    def model(self, values: dict[str, Any], tensors: dict[str, Tensor], text: Path | None = None) -> Any:  # noqa: ANN401
        """The whole official model with given weights."""
        self.conditioners.T5GemmaConditioner.T5GEMMA_MODEL_DIMS = {"google/t5gemma-b-b-ul2": tiny.TEXT_WIDTH}
        conditioning = values["model"]["conditioning"]
        if text is not None:
            conditioning["configs"][0]["config"]["model_path"] = str(text)
        else:
            del conditioning["configs"][0]
        with redirect_stdout(StringIO()) as told:
            model = self.factory.create_diffusion_cond_from_config(values)
            self.loading.copy_state_dict(model, tensors)
        passed_over = [line for line in told.getvalue().splitlines() if "not found" in line]
        if text is not None and passed_over:
            raise AssertionError(passed_over)
        return model.eval().requires_grad_(False)


def _no_torchaudio() -> dict[str, types.ModuleType]:
    """Modules with which the official code can be imported where torchaudio is not."""
    whole, part = types.ModuleType("torchaudio"), types.ModuleType("torchaudio.transforms")
    whole.transforms, part.Resample = part, object  # type: ignore[attr-defined]
    return {"torchaudio": whole, "torchaudio.transforms": part}


class Pair:
    """One tiny checkpoint in both codes."""

    def __init__(self, official: Official, size: str, *, post_trained: bool, folder: Path) -> None:
        self.size, self.official = size, official
        self.folder = tiny.write(folder, size=size, post_trained=post_trained)
        self.values = tiny.config(size, post_trained=post_trained)
        self.tensors = tiny.tensors(self.values)
        self.config = config_from_dict(self.values)
        self.ours: Parts = load_parts(self.folder / "model.safetensors", self.config)
        self.theirs = official.model(
            tiny.config(size, post_trained=post_trained), self.tensors, folder / "t5gemma-b-b-ul2"
        )
        self.x = tiny.draw("x", TAKES, FRAMES, tiny.CHANNELS)
        self.words = tiny.draw("words", 1, tiny.TEXT_TOKENS + 1, tiny.TEXT_WIDTH)
        self.avoided = tiny.draw("avoided", 1, tiny.TEXT_TOKENS + 1, tiny.TEXT_WIDTH)
        self.length = tiny.draw("length", 1, tiny.TEXT_WIDTH)
        self.local = tiny.known_regions(TAKES, FRAMES)
        self.fresh = tiny.draw("fresh", 8, TAKES, FRAMES, tiny.CHANNELS)

    def row(self, module: str, file: str, ours: Tensor, theirs: Tensor, bar: float, note: str = "") -> Row:
        """One line of the table."""
        worst = float((ours - theirs).abs().max())
        return Row(f"SA3 {module}", f"{REPOSITORY} {file}", worst, float(theirs.abs().max()), bar, note)

    def as_used(self) -> DiffusionTransformer:
        """Ours as it composes on a CPU: its layers packed."""
        model = copy.deepcopy(self.ours.transformer)
        pack_linears(model.transformer.layers)
        return model

    def velocity(
        self, local: Tensor, noise_level: float, model: DiffusionTransformer | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Of the transformer alone: ours or another of ours, theirs, and theirs in float64."""
        model, words = model or self.ours.transformer, self._words(is_used=model is not None)
        condition = Condition(words, TAKES, self.length, local)
        level = model.levels(torch.tensor([noise_level]), self.length)
        ours = model(self.x, level, model.told(condition, FRAMES))

        def asked(dtype: torch.dtype, theirs: torch.nn.Module) -> Tensor:
            velocity: Tensor = theirs(
                self.x.mT.to(dtype),
                torch.full((TAKES,), noise_level, dtype=dtype),
                cross_attn_cond=words.expand(TAKES, -1, -1).to(dtype),
                global_cond=self.length.expand(TAKES, -1).to(dtype),
                local_add_cond=local.expand(TAKES, FRAMES, -1).mT.to(dtype),
            )
            return velocity.mT

        plain = self.theirs.model
        return ours, asked(torch.float32, plain), asked(torch.float64, copy.deepcopy(plain).double())

    def _words(self, *, is_used: bool) -> Tensor:
        """As composed, most of the words are the one that fills up."""
        if not is_used:
            return self.words
        fill = self.words[:, 3:4].expand(-1, self.words.shape[1] - 4, -1)
        return torch.cat((self.words[:, :3], fill, self.words[:, -1:]), dim=1)

    def latents(
        self,
        local: Tensor,
        guidance: Guidance,
        avoided: Tensor | None,
        steps: int,
        model: DiffusionTransformer | None = None,
    ) -> tuple[Tensor, Tensor]:
        """From noise to latents: ours or another of ours, and theirs."""
        config = self.config
        levels = noise_levels(steps, config.shift, FRAMES)
        ours = sample(
            model or self.ours.transformer,
            config.objective,
            Prompted(self.words, avoided, self.length, local, None),
            self.x,
            levels,
            guidance,
            lambda step, takes: self.fresh[step][takes],
            lambda fraction: None,
            never_cancel,
        )
        return ours, self._their_latents(local, guidance, avoided, steps, torch.float32)

    def exact_latents(self, local: Tensor, guidance: Guidance, steps: int) -> Tensor:
        """Theirs in float64."""
        return self._their_latents(local, guidance, None, steps, torch.float64)

    def _their_latents(
        self, local: Tensor, guidance: Guidance, avoided: Tensor | None, steps: int, dtype: torch.dtype
    ) -> Tensor:
        fresh = iter(self.fresh)
        told = {
            "cross_attn_cond": self.words.expand(TAKES, -1, -1),
            "global_cond": self.length.expand(TAKES, -1),
            "local_add_cond": local.expand(TAKES, FRAMES, -1).mT,
        }
        if avoided is not None:
            told["negative_cross_attn_cond"] = avoided.expand(TAKES, -1, -1)
        drawn, torch.randn_like = torch.randn_like, lambda x: next(fresh).mT  # type: ignore[assignment]
        try:
            theirs: Tensor = self.official.sampling.sample_diffusion(
                copy.deepcopy(self.theirs.model).to(dtype),
                self.x.mT.to(dtype),
                {name: value.to(dtype) for name, value in told.items()},
                self.config.objective,
                steps,
                cfg_scale=guidance.text_scale,
                apg_scale=guidance.projection,
                dist_shift=self.theirs.sampling_dist_shift,
                rescale_cfg=True,
                scale_phi=guidance.rescale,
                disable_tqdm=True,
                decode=False,
            )
        finally:
            torch.randn_like = drawn
        return theirs.mT


EULER = {
    "no guidance": (Guidance(1.0), False),
    "guided, projected": (Guidance(7.0), False),
    "half projected, rescaled": (Guidance(4.0, projection=0.5, rescale=0.7), False),
    "plain, negative prompt": (Guidance(3.0, projection=0.0), True),
}
"""Guidance, and whether there is a negative prompt."""

EULER_STEPS = 10


def rows(official: Path) -> Iterator[Row]:
    """The lines of the table."""
    code = Official(official)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for size, name in (("small", "SAME-S"), ("medium", "SAME-L")):
            base = Pair(code, size, post_trained=False, folder=Path(folder) / f"{size}-base")
            yield from _transformer_rows(base)
            yield from _autoencoder_rows(base, name)
            yield from _euler_rows(base)
            yield from _ping_pong_rows(Pair(code, size, post_trained=True, folder=Path(folder) / size))
        yield from _schedule_rows(base)
        yield from _text_rows(base)
    yield from _lora_rows(code)


def _transformer_rows(pair: Pair) -> Iterator[Row]:
    kind = "differential" if pair.size == "medium" else "standard"
    nothing = torch.zeros(1, 1, tiny.CHANNELS + 1)
    file = "models/dit.py"
    for local, level, note in ((nothing, 0.7, "nothing known"), (pair.local, 0.3, "inpainting")):
        ours, theirs, _ = pair.velocity(local, level)
        yield pair.row(f"DiT, {kind} attention", file, ours, theirs, MODULE_BAR, note)
    numbers = pair.velocity(pair.local, 0.3, pair.as_used())
    where = f"{REPOSITORY} {file}"
    yield row_as_used(f"SA3 DiT, {kind} attention", where, *numbers, "packed, words filled up")


def _autoencoder_rows(pair: Pair, name: str) -> Iterator[Row]:
    ours, theirs, file = pair.ours.autoencoder, pair.theirs.pretransform, "models/autoencoders.py"
    for frames, note in ((24, ""), (140, "in stretches")):
        sound = 0.3 * tiny.draw("sound", 2, frames * tiny.HOP)
        encoded = theirs.encode(sound[None])
        yield pair.row(f"{name} encoder", file, ours.encode(sound), encoded[0].T, SOUND_BAR, note)
        latents = tiny.draw("latents", frames, tiny.CHANNELS)
        decoded = theirs.decode(latents.T[None])[0]
        yield pair.row(f"{name} decoder", file, ours.decode(latents), decoded, SOUND_BAR, note)


def _euler_rows(pair: Pair) -> Iterator[Row]:
    nothing, file = torch.zeros(1, 1, tiny.CHANNELS + 1), "inference/sampling.py"
    for note, (guidance, avoids) in EULER.items():
        latents = pair.latents(nothing, guidance, pair.avoided if avoids else None, EULER_STEPS)
        yield pair.row(f"Euler sampler, {pair.size}", file, *latents, MODULE_BAR, note)
    guided = Guidance(7.0)
    ours, theirs = pair.latents(nothing, guided, None, EULER_STEPS, pair.as_used())
    exact, name = pair.exact_latents(nothing, guided, EULER_STEPS), f"SA3 Euler sampler, {pair.size}"
    yield row_as_used(name, f"{REPOSITORY} {file}", ours, theirs, exact, "guided, projected")
    latents = pair.latents(pair.local, guided, None, EULER_STEPS)
    yield pair.row(f"Euler sampler, {pair.size}", file, *latents, MODULE_BAR, "inpainting two regions")


def _ping_pong_rows(pair: Pair) -> Iterator[Row]:
    for local, note in ((torch.zeros(1, 1, tiny.CHANNELS + 1), "8 steps"), (pair.local, "inpainting")):
        latents = pair.latents(local, Guidance(), None, steps=8)
        yield pair.row(f"ping-pong sampler, {pair.size}", "inference/sampling.py", *latents, MODULE_BAR, note)


def _schedule_rows(pair: Pair) -> Iterator[Row]:
    from v2m.backbones.stable_audio_3.config import ShiftConfig

    file = "inference/distribution_shift.py"
    spreads: dict[str, dict[str, float]] = {
        "logsnr": {"rate": 0.0},
        "flux": {"alpha_min": 1.0, "alpha_max": 6.9},
        "full": {"base_shift": 0.5, "max_shift": 1.15},
        "none": {},
    }
    for kind, options in spreads.items():
        ours = noise_levels(50, ShiftConfig(kind, options), 900)  # type: ignore[arg-type]
        shift = pair.theirs._create_dist_shift({"type": kind, **options})
        theirs = pair.official.sampling.build_schedule(50, dist_shift=shift, effective_seq_len=900)
        yield pair.row(f"schedule, {kind}", file, ours, theirs, MODULE_BAR)


def _text_rows(pair: Pair) -> Iterator[Row]:
    encoder = TextEncoder(pair.folder / "t5gemma-b-b-ul2", pair.config.text, torch.device("cpu"))
    for prompt, seconds in (("lo-fi", 12.5), ("a prompt that is too long for it", 999.0)):
        ours = pair.ours.conditioner.prompt(*encoder([prompt]), seconds)
        told = pair.theirs.conditioner([{"prompt": prompt, "seconds_total": seconds}], "cpu")
        theirs = pair.theirs.get_conditioning_inputs(
            {**told, "inpaint_mask": [torch.zeros(1, 1, 4)], "inpaint_masked_input": [torch.zeros(1, 8, 4)]}
        )
        note, file = f"{len(prompt)} characters, {seconds} s", "models/conditioners.py"
        yield pair.row("T5Gemma and length", file, ours, theirs["cross_attn_cond"], MODULE_BAR, note)
        length = pair.ours.conditioner.length(seconds)
        yield pair.row("length, global", file, length, theirs["global_cond"], MODULE_BAR, note)


def _lora_rows(code: Official) -> Iterator[Row]:
    for kind in LORA_KINDS:
        with tempfile.TemporaryDirectory() as folder:
            yield _lora_row(code, kind, Path(folder) / "style.safetensors")


def _lora_row(code: Official, kind: str, path: Path) -> Row:
    """All weights of a model with a LoRA that the official code made, random and saved by it."""
    _write_lora(code, kind, path, exclude=["to_local_embed"])
    theirs, tensors = _merged(code, path), tiny.tensors(tiny.config("medium"))
    ours = dict(tensors)
    merge(ours, [read_lora(path)])
    changed = [name for name in ours if name in theirs and not torch.equal(ours[name], tensors[name])]
    worst = max(float((ours[name] - theirs[name]).abs().max()) for name in theirs if name in ours)
    scale = max(float(theirs[name].abs().max()) for name in changed)
    note = f"{len(changed)} layers changed"
    return Row(f"SA3 LoRA, {kind}", f"{REPOSITORY} models/lora", worst, scale, MODULE_BAR, note)


def _write_lora(code: Official, kind: str, path: Path, **chosen: list[str]) -> None:
    """What the official training saves, after some changes to the small matrices."""
    model = code.model(tiny.config("medium"), tiny.tensors(tiny.config("medium")))
    made = {
        layer: {"weight": partial(getattr(code.lora.LoRAParametrization, way), **_LORA, adapter_type=kind)}
        for layer, way in ((torch.nn.Linear, "from_linear"), (torch.nn.Conv1d, "from_conv1d"))
    }
    stored = {}
    for part in (model.model, model.conditioner):
        code.lora.add_lora(part, made, **chosen)
        for name, value in code.lora.get_lora_state_dict(part).items():
            stored[name] = value + 0.2 * tiny.draw(name, *value.shape)
    settings = {"rank": _LORA["rank"], "alpha": _LORA["lora_alpha"], "adapter_type": kind, **chosen}
    code.lora.save_lora_safetensors(stored, settings, path)


_LORA = {"rank": 4, "lora_alpha": 6}


def _merged(code: Official, path: Path) -> dict[str, Tensor]:
    """The weights as the official code computes with them."""
    plain = code.model(tiny.config("medium"), tiny.tensors(tiny.config("medium")))
    with redirect_stdout(StringIO()):
        code.lora.load_and_apply_loras(plain, [path], "diffusion_cond_inpaint")
    return {f"{name}.weight": m.weight for name, m in plain.named_modules() if hasattr(m, "weight")}


def write_golden(official: Path, folder: Path) -> None:
    """Outputs of the official code for the tests, few and small."""
    code, golden = Official(official), {}
    nothing = torch.zeros(1, 1, tiny.CHANNELS + 1)
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        for size in ("small", "medium"):
            base = Pair(code, size, post_trained=False, folder=Path(scratch) / f"{size}-base")
            golden[f"{size}.velocity"] = base.velocity(nothing, 0.7)[1]
            golden[f"{size}.velocity.inpainting"] = base.velocity(base.local, 0.3)[1]
            for note, (guidance, avoids) in EULER.items():
                avoided = base.avoided if avoids else None
                golden[f"{size}.euler.{note}"] = base.latents(nothing, guidance, avoided, EULER_STEPS)[1]
            sound = 0.3 * tiny.draw("sound", 2, 24 * tiny.HOP)
            golden[f"{size}.encoded"] = base.theirs.pretransform.encode(sound[None])[0].T
            latents = tiny.draw("latents", 24, tiny.CHANNELS)
            golden[f"{size}.decoded"] = base.theirs.pretransform.decode(latents.T[None])[0, :, ::GOLDEN_STEP]
            post_trained = Pair(code, size, post_trained=True, folder=Path(scratch) / size)
            golden[f"{size}.ping-pong"] = post_trained.latents(post_trained.local, Guidance(), None, 8)[1]
        length = base.theirs.conditioner([{"prompt": "lo-fi", "seconds_total": 12.5}], "cpu")
        golden["length"] = length["seconds_total"][0][:, 0]
    for kind in LORA_KINDS:
        path = folder / f"stable_audio_3_{kind}.safetensors"
        _write_lora(code, kind, path, include=["layers.0.cross_attn.to_out", "seconds_total"])
        golden |= {f"{kind}/{name}": _merged(code, path)[name][:8] for name in GOLDEN_LORA_WEIGHTS}
    kept = {
        name: value.detach()[: GOLDEN_TAKES if value.ndim == 3 else None] for name, value in golden.items()
    }
    kept = {name: value.contiguous().clone() for name, value in kept.items()}
    save_file(kept, folder / "stable_audio_3.safetensors")


GOLDEN_STEP = 61  # samples of the decoded sound between two that are kept: prime, so that all places count
GOLDEN_TAKES = 2
GOLDEN_LORA_WEIGHTS = (
    "model.model.transformer.layers.0.cross_attn.to_out.weight",
    "conditioner.conditioners.seconds_total.embedder.embedding.1.weight",
)

if __name__ == "__main__":
    write_golden(Path(sys.argv[1]), Path(sys.argv[2]))
