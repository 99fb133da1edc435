"""The encoders of picture and music against their official code.

Checkouts: minzwon+musicfm, facebookresearch+dinov2, facebookresearch+vjepa2, facebookresearch+co-tracker and
GenjiB+AVSiam. MusicFM and AVSiam call torchaudio and einops: unpack their wheels into FOLDER/libs (torchaudio's
compiled part is not needed, and is left out of the way).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from parities.row import Row
from safetensors.torch import load_file
from torch import Tensor, nn

BAR = 1e-6


def rows(official: Path) -> Iterator[Row]:
    """Each encoder in turn."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        for part in (_musicfm,):
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
    for name in ("add_code_sample_docstrings", "add_start_docstrings", "add_start_docstrings_to_model_forward",
                 "replace_return_docstrings"):  # fmt: skip
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
