"""The official encoders at the size of tiny checkpoints, from checkouts that are no part of the project.

Checkouts: minzwon+musicfm, facebookresearch+dinov2, facebookresearch+vjepa2, facebookresearch+co-tracker and
GenjiB+AVSiam. They call torchaudio and einops: unpack the wheels of both into FOLDER/libs; torchaudio's
compiled part is not needed, and is not loaded.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn


def dinov2(official: Path, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - their class
    """The vision transformer with the weights of a tiny `Dinov2Model`."""
    _package("dinov2", _checkout(official, "facebookresearch", "dinov2") / "dinov2")
    vision: Any = _official("dinov2.models.vision_transformer")
    model = vision.DinoVisionTransformer(
        img_size=70, patch_size=14, embed_dim=32, depth=2, num_heads=2, init_values=1.0, block_chunks=0,
        interpolate_offset=0.0,  # 0.1 of a patch, in some of their files, makes up for a rounding of old
    )  # fmt: skip
    places = (("embeddings.position_embeddings", "pos_embed"), ("attention.attention", "attn"),
              ("embeddings.patch_embeddings.projection", "patch_embed.proj"), ("embeddings.", ""),
              ("attention.output.dense", "attn.proj"), ("encoder.layer.", "blocks."), ("layernorm", "norm"),
              ("layer_scale", "ls"), ("lambda1", "gamma"))  # fmt: skip
    model.load_state_dict(_joined(tensors, places))
    return model.eval()


def vjepa2(official: Path, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - their class
    """The video transformer with the weights of a tiny `VJEPA2Model`, without its predictor."""
    _libraries(official)
    _package("src", _checkout(official, "facebookresearch", "vjepa2") / "src")
    for name in ("timm", "timm.models", "timm.models.layers"):
        sys.modules[name] = _Anything(name)  # their drop path, which only learning uses
    model = _official("src.models.vision_transformer").VisionTransformer(
        img_size=(32, 32), patch_size=16, num_frames=64, tubelet_size=2, embed_dim=48, depth=2, num_heads=2,
        use_rope=True, norm_layer=functools.partial(nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    places = (("encoder.embeddings.patch_embeddings", "patch_embed"), ("encoder.layernorm", "norm"),
              ("encoder.layer.", "blocks."), ("attention.", "attn."))  # fmt: skip
    own = {name: value for name, value in tensors.items() if name.startswith("encoder.")}
    model.load_state_dict(_joined(own, places))
    return model.eval()


def cotracker(official: Path, tensors: dict[str, Tensor] | None) -> Any:  # noqa: ANN401 - their class
    """The offline model, at the widths of a tiny checkpoint or, without one, as published and random."""
    _package("cotracker", _checkout(official, "facebookresearch", "co-tracker") / "cotracker")
    name = "cotracker.models.core.cotracker"
    model: Any = _official(f"{name}.cotracker3_offline").CoTrackerThreeOffline(
        stride=4, corr_radius=3, window_len=60
    )
    if tensors is None:
        return model.eval()
    blocks: Any = _official(f"{name}.blocks")
    updating: Any = _official(f"{name}.cotracker")
    embeddings: Any = _official("cotracker.models.core.embeddings")
    model.latent_dim, model.input_dim = 16, 2 + 4 * 16 + 84
    model.fnet = blocks.BasicEncoder(input_dim=3, output_dim=16, stride=4)
    wide = updating.Attention
    updating.Attention = functools.partial(wide, dim_head=4)
    model.updateformer = updating.EfficientUpdateFormer(
        space_depth=2, time_depth=2, input_dim=model.input_dim, hidden_size=32, output_dim=4, mlp_ratio=1.5,
        num_virtual_tracks=4, linear_layer_for_vis_conf=True,
    )  # fmt: skip
    updating.Attention = wide
    model.corr_mlp = blocks.Mlp(in_features=49 * 49, hidden_features=24, out_features=16)
    model.time_emb = embeddings.get_1d_sincos_pos_embed_from_grid(
        model.input_dim, torch.arange(60.0)[:, None]
    )
    model.load_state_dict({**tensors, "time_emb": model.time_emb})
    return model.eval()


def musicfm(official: Path, tensors: dict[str, Tensor], layers: int, folder: Path) -> Any:  # noqa: ANN401
    """MusicFM with the weights of a tiny checkpoint."""
    _libraries(official)
    model = _empty_musicfm(_checkout(official, "minzwon", "musicfm"), layers, folder)
    _take(model, {name.removeprefix("model."): value for name, value in tensors.items()})
    return model.eval()


def _empty_musicfm(checkout: Path, layers: int, folder: Path) -> Any:  # noqa: ANN401 - their class
    """Their model with a tiny conformer; what they take from an older transformers is stood in for."""
    import transformers

    older: Any = ModuleType("transformers.deepspeed")
    older.is_deepspeed_zero3_enabled = lambda: False
    sys.modules["transformers.deepspeed"] = older
    for name in ("add_code_sample_docstrings", "add_start_docstrings", "replace_return_docstrings",
                 "add_start_docstrings_to_model_forward"):  # fmt: skip
        if not hasattr(transformers.utils, name):
            setattr(transformers.utils, name, lambda *_, **__: lambda function: function)
    torch.backends.cuda.sdp_kernel = lambda **_: contextlib.nullcontext()  # their kernel runs on GPUs alone
    _package("musicfm", checkout)
    _package("modules", checkout / "modules")
    config = transformers.Wav2Vec2ConformerConfig(
        hidden_act="swish",
        intermediate_size=48,
        num_attention_heads=16,
        position_embeddings_type="rotary",
        attention_dropout=0.0,  # their kernel drops even in evaluation
    )
    transformers.Wav2Vec2ConformerConfig.from_pretrained = classmethod(lambda _, __: config)
    statistics = folder / "stats.json"
    statistics.write_text(
        json.dumps({"melspec_2048_mean": 6.768444971712967, "melspec_2048_std": 18.417922652295623})
    )
    official: Any = _official("musicfm.model.musicfm_25hz").MusicFM25Hz
    model: Any = official(
        conv_dim=4,
        encoder_dim=32,
        encoder_depth=layers,
        is_flash=True,
        stat_path=str(statistics),
        model_path=None,
    )
    return model


def avsiam(official: Path, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - their class
    """Their fine-tuning model with tiny blocks of theirs; timm, for its first weights, is stood in for."""
    for name in ("timm", "timm.models", "timm.models.layers", "timm.models.vision_transformer", "timm.layers",
                 "ipdb", "tome", "tome.merge", "avsiam.yb_tome"):  # fmt: skip
        sys.modules[name] = _Anything(name)
    sys.modules["timm.layers"].use_fused_attn = lambda: True  # type: ignore[attr-defined]
    sys.modules["timm.models.layers"].to_2tuple = lambda side: (side, side)  # type: ignore[attr-defined]
    _libraries(official)
    _package("avsiam", _checkout(official, "GenjiB", "AVSiam") / "src" / "models")
    module: Any = _official("avsiam.cav_mae_base")
    own = {
        name.removeprefix("module.vit_base."): value for name, value in tensors.items() if "vit_base." in name
    }
    width = own["pos_embed"].shape[-1]

    class FeedForward(nn.Module):
        def __init__(self, in_features: int, hidden_features: int, act_layer: Any, drop: float) -> None:  # noqa: ANN401
            super().__init__()
            self.fc1, self.act = nn.Linear(in_features, hidden_features), act_layer()
            self.fc2 = nn.Linear(hidden_features, in_features)

        def forward(self, states: Tensor) -> Tensor:
            result: Tensor = self.fc2(self.act(self.fc1(states)))
            return result

    base = nn.Module()
    base.blocks = nn.Sequential(
        *[module.Block(width, 12, mlp_ratio=2.0, qkv_bias=True, mlp_layer=FeedForward) for _ in range(2)]
    )
    base.patch_embed, base.patch_embed_a = (module.PatchEmbed(in_chans=n, embed_dim=width) for n in (3, 1))
    base.norm, base.norm_a = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))  # as timm makes them
    base.norm_pre, base.norm_pre_a = nn.Identity(), nn.Identity()  # likewise
    base.pos_embed, base.pos_embed_a = (nn.Parameter(own[name]) for name in ("pos_embed", "pos_embed_a"))
    _take(base, own)
    model = module.CAVMAEFT_BASE.__new__(module.CAVMAEFT_BASE)
    nn.Module.__init__(model)
    model.vit_base = base
    return model.eval()


def kaldi_bands(official: Path, sound: Tensor) -> Tensor:
    """Log bands of sound (1, s) as AVSiam's loader has them."""
    _libraries(official)
    kaldi: Any = _official("torchaudio.compliance.kaldi")
    bands: Tensor = kaldi.fbank(
        sound - sound.mean(), htk_compat=True, sample_frequency=16_000, use_energy=False,
        window_type="hanning", num_mel_bins=128, dither=0.0, frame_shift=10,
    )  # fmt: skip
    return bands


def _official(name: str) -> Any:  # noqa: ANN401 - a module without types
    """A module of a checkout."""
    return importlib.import_module(name)


def _take(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put those tensors in that have a place; what stands for parts of the training has another shape."""
    known = model.state_dict()
    model.load_state_dict(
        known
        | {
            name: value
            for name, value in tensors.items()
            if name in known and known[name].shape == value.shape
        }
    )


def _joined(tensors: dict[str, Tensor], places: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    """Tensors under the official names, queries, keys and values in one."""
    renamed = {}
    for name, value in tensors.items():
        for ours, theirs in places:
            name = name.replace(ours, theirs)
        renamed[name] = value
    for name in [name for name in renamed if ".query." in name]:
        parts = [renamed.pop(name.replace("query", part)) for part in ("query", "key", "value")]
        renamed[name.replace("query", "qkv")] = torch.cat(parts)
    return renamed


def _checkout(official: Path, owner: str, name: str) -> Path:
    for path in (official / f"{owner}+{name}", official / owner / name):
        if path.is_dir():
            return path
    raise FileNotFoundError(official / f"{owner}+{name}")


def _package(name: str, path: Path) -> None:
    """Let a folder be imported under a name."""
    package = ModuleType(name)
    package.__path__ = [str(path)]
    sys.modules[name] = package


def _libraries(official: Path) -> None:
    """Torchaudio without its compiled part, and einops."""
    if not (official / "libs" / "torchaudio").is_dir():
        raise FileNotFoundError(official / "libs" / "torchaudio")
    if "torchaudio" in sys.modules:
        return
    sys.path.insert(0, str(official / "libs"))
    compiled: Any = ModuleType("torchaudio._extension")
    compiled.fail_if_no_align = compiled._check_cuda_version = lambda function=None: function
    compiled._IS_RNNT_AVAILABLE = compiled._IS_ALIGN_AVAILABLE = False
    compiled._IS_TORCHAUDIO_EXT_AVAILABLE = False
    sys.modules["torchaudio._extension"] = compiled


class _Anything(ModuleType):
    """A module that has every name, for imports that are not used."""

    __path__: list[str] = []  # noqa: RUF012 - what makes a module a package

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (nn.Module,), {})
