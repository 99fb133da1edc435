"""The encoders of picture and music against their official code; see `benchmarks/official_encoders.py`.

    python benchmarks/parities/encoders.py --official FOLDER --golden tests/golden/encoders.safetensors

writes what the official code gave, for tests that run without it.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))
import official_encoders

from parities.row import Row

BAR = 1e-6
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Pair:
    """One output, twice."""

    module: str
    official: str
    """Repository and file."""

    ours: Tensor
    theirs: Tensor
    golden: str = ""
    """Name under which theirs is kept for the tests; empty: it is not."""

    bar: float = BAR
    note: str = ""

    def row(self) -> Row:
        """As a line of the table."""
        if self.ours.shape != self.theirs.shape:
            raise ValueError(f"{self.module}: shapes {self.ours.shape} and {self.theirs.shape}")
        worst, scale = float((self.ours - self.theirs).abs().max()), float(self.theirs.abs().max())
        return Row(self.module, self.official, worst, scale, self.bar, self.note)


def rows(official: Path) -> Iterator[Row]:
    """Each encoder in turn."""
    yield from (pair.row() for pair in pairs(official))


def pairs(official: Path) -> Iterator[Pair]:
    """Outputs on the same tiny random weights."""
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        for part in (_dinov2, _vjepa2, _cotracker, _avsiam, _musicfm):
            yield from part(official, Path(folder))


def tiny() -> ModuleType:
    """The writers of tiny checkpoints and the random inputs that the tests use."""
    path = Path(__file__).parents[2] / "tests" / "tiny_models" / "encoders.py"
    spec = importlib.util.spec_from_file_location("tiny_encoders", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _dinov2(official: Path, folder: Path) -> Iterator[Pair]:
    """Through our encoder, from files as on the hub."""
    from v2m.encoders.dinov2 import Dinov2Encoder
    from v2m.encoders.vision import normalised

    path = tiny().write_dinov2(folder / "dinov2")
    theirs = official_encoders.dinov2(official, load_file(path / "model.safetensors"))
    for what, size in (("trained size", (70, 70)), ("whole frame", (294, 168))):
        encoder = Dinov2Encoder(path, name="dinov2-small", device="cpu", dtype=torch.float32, cache=folder)
        pictures = tiny().random_pictures(3, *size)
        encoder.push(np.arange(3.0), pictures)
        tokens = theirs.forward_features(normalised(pictures, CPU, torch.float32))["x_norm_patchtokens"]
        yield Pair(
            f"DINOv2 pooled, {what} {size[0]} x {size[1]}",
            "facebookresearch/dinov2 vision_transformer.py",
            torch.from_numpy(encoder.features().values),
            tokens.mean(dim=1),
            f"dinov2_{size[0]}",
        )


def _vjepa2(official: Path, folder: Path) -> Iterator[Pair]:
    """Clips of the trained length and a shorter one, through our encoder, from files as on the hub."""
    from v2m.encoders.vision import normalised
    from v2m.encoders.vjepa2 import VJepa2Encoder

    path = tiny().write_vjepa2(folder / "vjepa2")
    theirs = official_encoders.vjepa2(official, load_file(path / "model.safetensors"))
    for count in (64, 22):
        clip = tiny().random_pictures(count, 32, 32)
        encoder = VJepa2Encoder(path, device="cpu", dtype=torch.float32, cache=folder)
        encoder.push(np.arange(count) / 24, clip)
        tubes = theirs(normalised(clip, CPU, torch.float32).transpose(0, 1)[None])[0]  # of (1, c, t, h, w)
        yield Pair(
            f"V-JEPA 2 pooled, {count} pictures",
            "facebookresearch/vjepa2 vision_transformer.py",
            torch.from_numpy(encoder.features().values),
            tubes.unflatten(0, (count // 2, -1)).mean(dim=1),
            f"vjepa2_{count}",
        )


def _cotracker(official: Path, folder: Path) -> Iterator[Pair]:
    """Tiny, and as published, whose widths are read off the tensors."""
    from v2m.encoders.cotracker.tracker import CoTracker

    where = "facebookresearch/co-tracker cotracker3_offline.py"
    path = tiny().write_cotracker(folder / "cotracker") / "scaled_offline.safetensors"
    published = official_encoders.cotracker(official, None)
    tiny().scattered(published.fnet), tiny().scattered(published.corr_mlp)
    for size, theirs in (
        ("tiny", official_encoders.cotracker(official, load_file(path))),
        ("published", published),
    ):
        clip, points = tiny().random_clip(7, 96, 64), tiny().random_points(9, 7, 96, 64)
        places, visibility, confidence, _ = theirs(clip[None], points[None], iters=6)
        tracks = CoTracker.of(theirs.state_dict()).eval()(clip, points)
        kept = size == "tiny"
        # a step of float32 is 8e-6 where a place is at 100 pixels
        yield Pair(
            f"CoTracker tracks in pixels, {size}", where, tracks.places, places[0],
            "cotracker_places" if kept else "", 2e-5,
        )  # fmt: skip
        sure = (
            torch.stack([tracks.visibility, tracks.confidence]),
            torch.stack([visibility[0], confidence[0]]),
        )
        yield Pair(f"CoTracker visibility, {size}", where, *sure, "cotracker_sure" if kept else "")


def _avsiam(official: Path, folder: Path) -> Iterator[Pair]:
    """Both senses."""
    from v2m.encoders.avsiam.network import AVSiam
    from v2m.encoders.avsiam.spectrogram import DEVIATION, MEAN, spectrogram

    sound = tiny().random_sound(16_000 * 9)
    bands = (official_encoders.kaldi_bands(official, sound[None]) - MEAN) / DEVIATION
    ours = spectrogram(sound)
    yield Pair("AVSiam spectrogram", "GenjiB/AVSiam dataloader.py", ours[: len(bands)], bands)
    yield Pair("AVSiam spectrogram, shorter", "GenjiB/AVSiam dataloader.py", spectrogram(sound[:8000])[:48],
               (official_encoders.kaldi_bands(official, sound[None, :8000]) - MEAN) / DEVIATION,
               "avsiam_spectrogram")  # fmt: skip
    tensors = load_file(tiny().write_avsiam(folder / "avsiam") / "as2m_pretrained.20.safetensors")
    pictures = tiny().random_planes(6, 224, 224)
    heard, seen = official_encoders.avsiam(official, tensors)(ours[None], pictures[None], "retrieval")
    network, where = AVSiam.of(tensors).eval(), "GenjiB/AVSiam cav_mae_base.py"
    yield Pair("AVSiam pictures", where, network(pictures[5:], "v"), seen)
    yield Pair(
        "AVSiam pictures, pooled", where, network(pictures[5:], "v").mean(1), seen.mean(1), "avsiam_seen"
    )
    yield Pair("AVSiam sound", where, network(ours[None], "a"), heard)
    rows = network(ours[None], "a")[0].unflatten(0, (8, 64)).mean(0)
    yield Pair("AVSiam sound, pooled", where, rows, heard[0].unflatten(0, (8, 64)).mean(0), "avsiam_heard")


def _musicfm(official: Path, folder: Path) -> Iterator[Pair]:
    """The spectrogram, and all hidden states for both styles of weight normalisation."""
    from v2m.encoders.musicfm.mel import mel_spectrogram
    from v2m.encoders.musicfm.network import MusicFM

    sound = tiny().random_sound(24_000)[None]
    for style in ("parametrizations", "weight_g, weight_v"):
        path = tiny().write_musicfm(folder / style, old_norm=style == "weight_g, weight_v")
        tensors = load_file(path / "pretrained_msd.safetensors")
        theirs = official_encoders.musicfm(official, tensors, 8, folder)
        if style == "parametrizations":
            mel = theirs.preprocessing(sound, features=["melspec_2048"])["melspec_2048"]
            yield Pair("MusicFM spectrogram", "minzwon/musicfm features.py", mel_spectrogram(sound), mel)
            part = mel_spectrogram(sound[:, :4800])
            mel = theirs.preprocessing(sound[:, :4800], features=["melspec_2048"])["melspec_2048"]
            yield Pair(
                "MusicFM spectrogram, shorter", "minzwon/musicfm features.py", part, mel, "musicfm_mel"
            )
        hidden = torch.cat(theirs.get_predictions(sound)[1])
        ours = torch.cat(MusicFM.of(tensors, 8).eval()((mel_spectrogram(sound) - MEAN) / DEVIATION))
        golden = "musicfm_hidden" if style == "parametrizations" else ""
        yield Pair(
            "MusicFM hidden states 0-8", "minzwon/musicfm musicfm_25hz.py", ours, hidden, golden, note=style
        )


MEAN, DEVIATION = 6.768444971712967, 18.417922652295623


def main() -> None:
    """Write what the tests compare with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("--golden", type=Path, required=True)
    arguments = parser.parse_args()
    kept = {pair.golden: pair.theirs.contiguous() for pair in pairs(arguments.official) if pair.golden}
    save_file(kept, arguments.golden)


if __name__ == "__main__":
    main()
