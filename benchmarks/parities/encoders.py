"""The encoders of picture and music against their official code.

Checkouts: minzwon+musicfm, facebookresearch+dinov2, facebookresearch+vjepa2, facebookresearch+co-tracker and
GenjiB+AVSiam. They call torchaudio and einops: unpack the wheels of both into FOLDER/libs; torchaudio's
compiled part is not needed, and is not loaded.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from parities.row import Row

BAR = 1e-6


def rows(official: Path) -> Iterator[Row]:
    """Each encoder in turn."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        for part in (_dinov2, _vjepa2, _cotracker, _avsiam, _musicfm):
            yield from part(official, Path(folder))


def tiny() -> ModuleType:
    """The writers of tiny checkpoints that the tests use."""
    path = Path(__file__).parents[2] / "tests" / "tiny_models" / "encoders.py"
    spec = importlib.util.spec_from_file_location("tiny_encoders", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def _worst(ours: Tensor, theirs: Tensor) -> tuple[float, float]:
    if ours.shape != theirs.shape:
        raise ValueError(f"shapes {tuple(ours.shape)} and {tuple(theirs.shape)}")
    return float((ours - theirs).abs().max()), float(theirs.abs().max())


def _dinov2(official: Path, folder: Path) -> Iterator[Row]:
    """Whole frames and the crop, through our encoder from files as on the hub."""
    from v2m.encoders.dinov2 import Dinov2Encoder
    from v2m.encoders.vision import normalised

    checkout = _checkout(official, "facebookresearch", "dinov2")
    _package("dinov2", checkout / "dinov2")
    path = tiny().write_dinov2(folder / "dinov2")
    vision: Any = importlib.import_module("dinov2.models.vision_transformer")
    theirs = vision.DinoVisionTransformer(
        img_size=70, patch_size=14, embed_dim=32, depth=2, num_heads=2, init_values=1.0, block_chunks=0,
        interpolate_offset=0.0,
    )  # fmt: skip
    places = (("embeddings.position_embeddings", "pos_embed"), ("attention.attention", "attn"),
              ("embeddings.patch_embeddings.projection", "patch_embed.proj"), ("embeddings.", ""),
              ("attention.output.dense", "attn.proj"), ("encoder.layer.", "blocks."), ("layernorm", "norm"),
              ("layer_scale", "ls"), ("lambda1", "gamma"))  # fmt: skip
    theirs.load_state_dict(_joined(load_file(path / "model.safetensors"), places))
    encoder = Dinov2Encoder(
        path, name="dinov2-small", device="cpu", dtype=torch.float32, cache=folder / "cache"
    )
    for what, size in (("trained size", (70, 70)), ("whole frame", encoder.size(16 / 9))):
        pictures = torch.randint(0, 256, (3, size[1], size[0], 3), dtype=torch.uint8).numpy()
        encoder.push(np.arange(3.0), pictures)
        with torch.no_grad():
            inside = normalised(pictures, torch.device("cpu"), torch.float32)
            tokens = theirs.eval().forward_features(inside)["x_norm_patchtokens"]
        ours = torch.from_numpy(encoder.features().values[-3:])
        where = "facebookresearch/dinov2 vision_transformer.py"
        yield Row(
            f"DINOv2 pooled, {what} {size[0]} x {size[1]}", where, *_worst(ours, tokens.mean(dim=1)), BAR
        )
        encoder = Dinov2Encoder(
            path, name="dinov2-small", device="cpu", dtype=torch.float32, cache=folder / "cache"
        )


def _vjepa2(official: Path, folder: Path) -> Iterator[Row]:
    """Clips of the trained length and a shorter one, through our encoder from files as on the hub."""
    from v2m.encoders.vision import normalised
    from v2m.encoders.vjepa2 import VJepa2Encoder

    checkout = _checkout(official, "facebookresearch", "vjepa2")
    _libraries(official)
    _package("src", checkout / "src")
    for name in ("timm", "timm.models", "timm.models.layers"):
        sys.modules[name] = _Anything(name)  # their drop path, which only learning uses
    path = tiny().write_vjepa2(folder / "vjepa2")
    theirs = importlib.import_module("src.models.vision_transformer").VisionTransformer(
        img_size=(32, 32), patch_size=16, num_frames=64, tubelet_size=2, embed_dim=48, depth=2, num_heads=2,
        use_rope=True, norm_layer=functools.partial(nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    tensors = load_file(path / "model.safetensors")
    places = (("encoder.embeddings.patch_embeddings", "patch_embed"), ("encoder.layernorm", "norm"),
              ("encoder.layer.", "blocks."), ("attention.", "attn."))  # fmt: skip
    own = {name: value for name, value in tensors.items() if name.startswith("encoder.")}
    theirs.load_state_dict(_joined(own, places))
    for count in (64, 22):
        clip = torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8).numpy()
        encoder = VJepa2Encoder(path, device="cpu", dtype=torch.float32, cache=folder / "cache")
        encoder.push(np.arange(count) / 25, clip)
        inside = normalised(clip, torch.device("cpu"), torch.float32).transpose(0, 1)[None]  # (1, c, t, h, w)
        with torch.no_grad():
            moments = theirs.eval()(inside)[0].unflatten(0, (count // 2, -1)).mean(dim=1)
        ours = torch.from_numpy(encoder.features().values)
        where = "facebookresearch/vjepa2 vision_transformer.py"
        yield Row(f"V-JEPA 2 pooled, {count} pictures", where, *_worst(ours, moments), BAR)


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


def _musicfm(official: Path, folder: Path) -> Iterator[Row]:
    from v2m.encoders.musicfm.mel import mel_spectrogram
    from v2m.encoders.musicfm.network import MusicFM

    checkout = _checkout(official, "minzwon", "musicfm")
    _libraries(official)
    theirs = _official_musicfm(checkout, folder)
    where = "minzwon/musicfm"
    sound = torch.randn(2, 24_000 * 3) * 0.1
    mel = theirs.preprocessing(sound, features=["melspec_2048"])["melspec_2048"]
    yield Row(
        "MusicFM spectrogram", f"{where} modules/features.py", *_worst(mel_spectrogram(sound), mel), BAR
    )
    for old_norm in (False, True):
        target = tiny().write_musicfm(folder / f"musicfm_{old_norm}", layers=3, old_norm=old_norm)
        tensors = load_file(target / "pretrained_msd.safetensors")
        known = theirs.state_dict()
        wanted = {name[6:]: value for name, value in tensors.items()}
        theirs.load_state_dict(
            known
            | {
                name: wanted[name]
                for name in wanted
                if name in known and known[name].shape == wanted[name].shape
            }
        )
        with torch.no_grad():
            hidden = theirs.get_predictions(sound)[1]
            ours = MusicFM.of(tensors, 3).eval()(
                (mel_spectrogram(sound) - 6.768444971712967) / 18.417922652295623
            )
        assert len(hidden) == len(ours)  # noqa: S101
        worst, scale = _worst(torch.stack(ours), torch.stack(hidden))
        norm = "weight_g, weight_v" if old_norm else "parametrizations"
        yield Row(
            f"MusicFM hidden states 0-{len(ours) - 1}",
            f"{where} model/musicfm_25hz.py",
            worst,
            scale,
            BAR,
            norm,
        )


def _official_musicfm(checkout: Path, folder: Path) -> Any:  # noqa: ANN401 - their class
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
    official: Any = importlib.import_module("musicfm.model.musicfm_25hz").MusicFM25Hz
    model: nn.Module = official(
        conv_dim=4, encoder_dim=32, encoder_depth=3, is_flash=True, stat_path=str(statistics), model_path=None
    )
    return model.eval()


def _avsiam(official: Path, folder: Path) -> Iterator[Row]:
    from v2m.encoders.avsiam.network import AVSiam
    from v2m.encoders.avsiam.spectrogram import DEVIATION, MEAN, spectrogram

    checkout = _checkout(official, "GenjiB", "AVSiam")
    _libraries(official)
    kaldi: Any = importlib.import_module("torchaudio.compliance.kaldi")
    sound = torch.randn(1, 16_000 * 9) * 0.1
    bands = kaldi.fbank(
        sound - sound.mean(), htk_compat=True, sample_frequency=16_000, use_energy=False,
        window_type="hanning", num_mel_bins=128, dither=0.0, frame_shift=10,
    )  # fmt: skip
    ours = spectrogram(sound[0])
    known, where = (bands - MEAN) / DEVIATION, "GenjiB/AVSiam src"
    yield Row("AVSiam spectrogram", f"{where}/dataloader.py", *_worst(ours[: len(known)], known), BAR)
    tensors = load_file(tiny().write_avsiam(folder / "avsiam") / "as2m_pretrained.20.safetensors")
    theirs = _official_avsiam(checkout, tensors)
    pictures = torch.randn(1, 6, 3, 224, 224)
    with torch.no_grad():
        sounded, seen = theirs(ours[None], pictures, "retrieval")
        network = AVSiam.of(tensors).eval()
        yield Row(
            "AVSiam pictures",
            f"{where}/models/cav_mae_base.py",
            *_worst(network(pictures[:, 5], "v"), seen),
            BAR,
        )
        yield Row(
            "AVSiam sound", f"{where}/models/cav_mae_base.py", *_worst(network(ours[None], "a"), sounded), BAR
        )


def _official_avsiam(checkout: Path, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - their class
    """Their fine-tuning model with tiny blocks of theirs; timm, for its first weights, is stood in for."""
    for name in ("timm", "timm.models", "timm.models.layers", "timm.models.vision_transformer", "timm.layers",
                 "ipdb", "tome", "tome.merge", "avsiam.yb_tome"):  # fmt: skip
        sys.modules[name] = _Anything(name)
    sys.modules["timm.layers"].use_fused_attn = lambda: True  # type: ignore[attr-defined]
    sys.modules["timm.models.layers"].to_2tuple = lambda side: (side, side)  # type: ignore[attr-defined]
    _package("avsiam", checkout / "src" / "models")
    module: Any = importlib.import_module("avsiam.cav_mae_base")
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
    known = base.state_dict()
    base.load_state_dict(
        known | {name: own[name] for name in known if name in own and own[name].shape == known[name].shape}
    )
    model = module.CAVMAEFT_BASE.__new__(module.CAVMAEFT_BASE)
    nn.Module.__init__(model)
    model.vit_base = base
    return model.eval()


def _cotracker(official: Path, folder: Path) -> Iterator[Row]:
    """At the published size, whose widths their code has fixed, on small pictures."""
    from v2m.encoders.cotracker.tracker import CoTracker

    checkout = _checkout(official, "facebookresearch", "co-tracker")
    _package("cotracker", checkout / "cotracker")
    name = "cotracker.models.core.cotracker.cotracker3_offline"
    theirs: Any = importlib.import_module(name).CoTrackerThreeOffline(stride=4, corr_radius=3, window_len=60)
    tiny().scattered(theirs.eval())
    theirs.time_emb = type(theirs)(stride=4, corr_radius=3, window_len=60).time_emb  # not a weight
    with torch.no_grad():
        for head in (theirs.updateformer.flow_head, theirs.updateformer.vis_conf_head):
            head.weight *= 0.05  # points move by pixels, and visibility stays off its ends
            head.bias *= 0.05
    ours = CoTracker.of(dict(theirs.state_dict())).eval()
    clip = torch.rand(12, 3, 64, 96) * 255
    points = torch.cat([torch.randint(0, 12, (9, 1)), torch.rand(9, 2) * torch.tensor([95, 63])], dim=1)
    with torch.no_grad():
        places, visibility, confidence, _ = theirs(clip[None], points[None], iters=6)
        tracks = ours(clip, points)
    where = "facebookresearch/co-tracker cotracker3_offline.py"
    # a step of float32 is 8e-6 where a place is at 100 pixels
    yield Row("CoTracker tracks, pixels", where, *_worst(tracks.places, places[0]), 2e-5)
    yield Row("CoTracker visibility", where, *_worst(tracks.visibility, visibility[0]), BAR)
    yield Row("CoTracker confidence", where, *_worst(tracks.confidence, confidence[0]), BAR)


class _Anything(ModuleType):
    """A module that has every name, for imports that are not used."""

    __path__: list[str] = []  # noqa: RUF012 - what makes a module a package

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (nn.Module,), {})
