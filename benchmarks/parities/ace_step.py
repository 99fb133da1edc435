"""ACE-Step 1.5 against its official code: transformer, conditions, samplers, repainting, autoencoder, text.

The checkout needs `acestep/models`, which the repository has since March 2026. Of what it imports, residual
quantisation and its logger are replaced by stand-ins: audio tokens are made for cover songs alone, and here
are made and thrown away. Its autoencoder is the one of diffusers.
"""

from __future__ import annotations

import copy
import json
import logging
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from parities.row import Row, row_as_used
from tests.tiny_models.oobleck import new_oobleck
from v2m.backbones.ace_step.layers import load_encoder, load_transformer
from v2m.backbones.ace_step.layout import AceStepFolder
from v2m.backbones.ace_step.sampler import Painting, Solving, solve
from v2m.backbones.ace_step.transformer import Velocity
from v2m.backbones.ace_step.words import COMPOSE, REPAINT, text_of
from v2m.backbones.sound.oobleck_folder import Oobleck, OobleckConfig
from v2m.model.packed import pack_linears

REPOSITORY = "ace-step/ACE-Step-1.5"
PACKAGE = "acestep"
FRAMES = 41  # odd, so that the last token is filled up
SHAPE = {
    "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 12, "text_hidden_dim": 16, "timbre_hidden_dim": 64,
    "num_lyric_encoder_hidden_layers": 2, "num_timbre_encoder_hidden_layers": 2,
    "num_attention_pooler_hidden_layers": 2, "sliding_window": 5, "fsq_dim": 48,
}  # fmt: skip


def rows(official: Path) -> Iterator[Row]:
    """One row a module.

    Raises:
        FileNotFoundError: the checkout is not there.
    """
    checkout = _checkout(official)
    for variant in ("base", "turbo"):
        peer = _peer(checkout, variant)
        with tempfile.TemporaryDirectory() as folder:
            ask, used, encoder = _ours(Path(folder), peer)
            yield from _modules(variant, peer, ask, used, encoder)
            yield from _samplers(variant, peer, ask, encoder)
    yield _autoencoder((2, 4, 4, 6, 10), 48_000)
    yield _text(checkout)


def _checkout(official: Path) -> Path:
    owner, name = REPOSITORY.split("/")
    for place in (official / f"{owner}+{name}", official / owner / name):
        if (place / "acestep" / "models" / "base").is_dir():
            return place
    raise FileNotFoundError(REPOSITORY)


class _NoQuantiser(nn.Module):
    def __init__(self, **_shape: object) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return x, None


def _peer(checkout: Path, variant: str) -> Any:  # noqa: ANN401 - the official model
    """The official model with random weights, its norms too."""
    for name, value in (("vector_quantize_pytorch", {"ResidualFSQ": _NoQuantiser}),
                        ("loguru", {"logger": logging.getLogger("acestep")})):  # fmt: skip
        sys.modules.setdefault(name, types.ModuleType(name))
        vars(sys.modules[name]).update(value)
    for place in (checkout, *checkout.parent.glob("packages")):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = import_module(f"{PACKAGE}.models.{variant}.modeling_acestep_v15_{variant}")
        config = module.AceStepConfig(**SHAPE)
        config.rope_parameters = {"rope_type": "default", "rope_theta": 1_000_000.0}
        config._attn_implementation = "sdpa"
        torch.manual_seed(7)
        model = module.AceStepConditionGenerationModel(config).eval()
    for parameter in model.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter, 0.7, 0.3)
        else:
            nn.init.normal_(parameter, std=0.08)  # velocities of about 1, as those of music are
    return model


def _ours(folder: Path, peer: Any) -> tuple[Velocity, Velocity, Any]:  # noqa: ANN401 - the official model
    """The same weights through official files: the transformer, the same as used, and the encoder."""
    tensors = {name: value.clone() for name, value in peer.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    save_file({"silence": _silence().transpose(1, 2).contiguous()}, folder / "silence_latent.safetensors")
    (folder / "config.json").write_text(json.dumps({**SHAPE, "rope_theta": 1_000_000.0}), encoding="utf-8")
    layout = AceStepFolder(folder, folder, folder, folder, is_official=True)
    transformer, encoder = layout.tensors()
    # products of one row round by where their numbers lie in memory: ours would lie as in the file
    network = copy.deepcopy(load_transformer(layout.transformer_config(), transformer)).eval()
    used, column = copy.deepcopy(network), torch.zeros(SHAPE["hidden_size"], 2)
    pack_linears(used.layers)
    told = load_encoder(layout.encoder_config(), encoder).eval()
    return Velocity(network, column), Velocity(used, column), told


def _silence() -> Tensor:
    return torch.randn(1, 60, 64, generator=torch.Generator().manual_seed(5))


def _inputs() -> dict[str, Tensor]:
    torch.manual_seed(11)
    return {
        "text_hidden_states": torch.randn(1, 9, 16),
        "text_attention_mask": torch.ones(1, 9, dtype=torch.bool),
        "lyric_hidden_states": torch.randn(1, 6, 16),
        "lyric_attention_mask": torch.ones(1, 6, dtype=torch.bool),
        "refer_audio_acoustic_hidden_states_packed": _silence()[:, :30],
        "refer_audio_order_mask": torch.zeros(1, dtype=torch.long),
    }


def _modules(
    variant: str,
    peer: Any,  # noqa: ANN401 - the official model
    ask: Velocity,
    used: Velocity,
    encoder: Any,  # noqa: ANN401 - of diffusers
) -> Iterator[Row]:
    file = f"{REPOSITORY} acestep/models/{variant}/modeling_acestep_v15_{variant}.py"
    with torch.no_grad():
        theirs, _ = peer.encoder(**_inputs())
        ours, _ = encoder(**_inputs())
        yield _row(f"ace-step {variant} conditions", file, ours, theirs)
        x, context = torch.randn(1, FRAMES, 64), torch.randn(1, FRAMES, 128)
        worst, scale = 0.0, 0.0
        ask.begin([theirs])
        used.begin([theirs])
        exact = copy.deepcopy(peer.decoder).double()
        for time in (1.0, 0.6428, 0.03):
            now = torch.full((1,), time)
            given = {
                "hidden_states": x, "timestep": now, "timestep_r": now, "context_latents": context,
                "encoder_hidden_states": theirs,
            }  # fmt: skip
            masks = {"attention_mask": None, "encoder_attention_mask": None}
            expected = peer.decoder(**given, **masks)[0]
            for curve in (None, torch.randn(1, FRAMES)):  # the hook's column is zeros
                found = ask(x, time, context, curve)
                worst = max(worst, float((found - expected).abs().max()))
            scale = max(scale, float(expected.abs().max()))
        yield Row(f"ace-step {variant} DiT, adapter at zero", file, worst, scale, 1e-6, "kept words, 3 times")
        best = exact(**{name: value.double() for name, value in given.items()}, **masks)[0]
        found = used(x, time, context, None)
        yield row_as_used(f"ace-step {variant} DiT", file, found, expected, best)


def _samplers(
    variant: str,
    peer: Any,  # noqa: ANN401 - the official model
    ask: Velocity,
    encoder: Any,  # noqa: ANN401 - of diffusers
) -> Iterator[Row]:
    file = f"{REPOSITORY} acestep/models/{variant}/modeling_acestep_v15_{variant}.py"
    with torch.no_grad():
        words, _ = encoder(**_inputs())
    nothing = encoder.null_condition_emb.detach().expand_as(words)
    silence = _silence()[:, :FRAMES]
    noise, source = torch.randn(1, FRAMES, 64), torch.randn(1, FRAMES, 64)
    kept = torch.ones(FRAMES, dtype=torch.bool)
    kept[12:27] = False
    peer.prepare_noise = lambda context, seed=None: noise
    plain = Painting(noise, silence, None)
    repaint = Painting(noise, silence, None, kept, source)
    steps = 8 if variant == "turbo" else 7
    for what, painting in (("sampler", plain), ("repaint", repaint)):
        solving = Solving(steps, 1.0 if variant == "turbo" else 7.0, 0.0, kept_share=0.5)
        ours = solve(ask, words, nothing, painting, solving)
        context = painting.context
        theirs = peer.generate_audio(
            **_inputs(), src_latents=context[..., :64], chunk_masks=context[..., 64:],
            is_covers=torch.zeros(1), silence_latent=_silence(), infer_steps=steps, shift=3.0,
            diffusion_guidance_scale=7.0, use_progress_bar=False, repaint_crossfade_frames=0,
            repaint_mask=None if painting is plain else ~kept[None],
            clean_src_latents=None if painting is plain else source,
        )["target_latents"]  # fmt: skip
        made = slice(None) if painting is plain else ~kept
        guidance = "8 steps, shift 3" if variant == "turbo" else f"{steps} steps, APG"
        yield _row(f"ace-step {variant} {what}", file, ours[:, made], theirs[:, made], note=guidance)


def _autoencoder(strides: tuple[int, ...], rate_hz: int) -> Row:
    """Folded norms and pieces against the plain layers on the whole."""
    torch.manual_seed(3)
    config = OobleckConfig(16, strides, (1, 1, 2, 2, 4)[: len(strides)], 8, 8, 2, rate_hz)
    plain = new_oobleck(config).eval()
    with tempfile.TemporaryDirectory() as folder:
        plain.save_pretrained(folder)
        ours = Oobleck(Path(folder), torch.device("cpu"))
    latents = torch.randn(1, 8, 300)  # more than a piece
    with torch.no_grad():
        sound = plain.decode(latents).sample[0].T
        back = plain.encode(sound.T[None]).latent_dist.mode()[0].T
    decoded = torch.from_numpy(ours.decode(latents[0].T.numpy()))
    encoded = torch.from_numpy(ours.encode(np.ascontiguousarray(sound.numpy())))
    worst = max(float((decoded - sound).abs().max()), float((encoded - back).abs().max()))
    scale = max(float(sound.abs().max()), float(back.abs().max()))
    return Row("Oobleck in pieces, both ways", "diffusers AutoencoderOobleck", worst, scale, 1e-5)


def _text(checkout: Path) -> Row:
    """Characters in which our text differs from what the official template gives."""
    sys.path.insert(0, str(checkout))
    constants = import_module(f"{PACKAGE}.constants")
    different = 0
    for prompt, tempo in (("warm strings", "N/A"), ("techno at 128 BPM", "128")):
        facts = f"- bpm: {tempo}\n- timesignature: N/A\n- keyscale: N/A\n- duration: 42 seconds\n"
        for instruction, task in ((COMPOSE, "text2music"), (REPAINT, "repaint")):
            theirs = constants.SFT_GEN_PROMPT.format(constants.TASK_INSTRUCTIONS[task], prompt, facts)
            ours = text_of(prompt, 42.9, instruction=instruction)
            different += abs(len(ours) - len(theirs))
            different += sum(a != b for a, b in zip(ours, theirs, strict=False))
    return Row("ace-step text, characters that differ", f"{REPOSITORY} acestep/constants.py", different, 1, 0)


def _row(module: str, file: str, ours: Tensor, theirs: Tensor, *, note: str = "") -> Row:
    worst, scale = float((ours - theirs).abs().max()), float(theirs.abs().max())
    return Row(module, file, worst, scale, 1e-6, note)
