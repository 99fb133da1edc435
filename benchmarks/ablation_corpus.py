"""The music that the ablation learns from: the corpus' own pieces, with curves of any smoothing.

A corpus holds its curves smoothed. Its pieces are composed again from their seeds, their sound is made and
its sharp curve kept, once for all arms; a piece that the composing program of today writes otherwise is left
out. Beside are vectors of what the sound is like, a second each: what generated music is compared with.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from ablation_closeness import Likeness, heard, written
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from v2m_training.compose import compose
from v2m_training.quick_sound import RATE_HZ, QuickPlayer

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.codecs.latents import encode
from v2m.curves import FINE_RATE_HZ, event_curve, resample, smooth_hann
from v2m.encoders import spectral


def sharp_corpus(corpus: Path, out: Path, pieces: int) -> int:
    """Make the sound of the corpus' first pieces again; how many there are. Goes on where it was stopped."""
    out.mkdir(parents=True, exist_ok=True)
    player, count = None, 0
    for listing in sorted(corpus.glob("[0-9]*.json")):
        if count >= pieces:
            break
        made = out / f"{listing.stem}.safetensors"
        if not made.is_file():
            player = player or QuickPlayer()
            _make(listing, made, player)
        count += len(json.loads(made.with_suffix(".json").read_text("utf-8")))
        print(f"\r{count} pieces ", end="", flush=True)
    print()
    return count


def _make(listing: Path, made: Path, player: QuickPlayer) -> None:
    stored, facts, tensors = load_file(listing.with_suffix(".safetensors")), [], {}
    for k, fact in enumerate(json.loads(listing.read_text("utf-8"))):
        piece = compose(fact["seed"], fact["style"])
        latents = encode(piece.arrangement).astype(np.float16)
        if not np.array_equal(latents, stored[f"latents_{k}"]):
            continue
        sound = player.play(piece.arrangement, piece.bpm)
        features = spectral.encode(sound, RATE_HZ)
        sharp = event_curve(features, len(sound) / RATE_HZ, rate_hz=FINE_RATE_HZ, kernel_s=0.0)
        i = len(facts)
        tensors |= {f"latents_{i}": latents, f"sharp_{i}": sharp.values.astype(np.float32)}
        tensors[f"heard_{i}"] = heard(features.values)
        facts.append(fact)
    save_file(tensors, made.with_suffix(".part"))
    made.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
    os.replace(made.with_suffix(".part"), made)


def smoothed_corpus(sharp: Path, out: Path, kernel_s: float) -> None:
    """A corpus as `v2m-train curve` reads it, with curves of one smoothing; what is there stays."""
    out.mkdir(parents=True, exist_ok=True)
    for made in sorted(sharp.glob("[0-9]*.safetensors")):
        listing = out / f"{made.stem}.json"
        if listing.is_file():
            continue
        tensors, facts = load_file(made), json.loads(made.with_suffix(".json").read_text("utf-8"))
        shard: dict[str, NDArray[np.float16]] = {}
        for k, fact in enumerate(facts):
            smooth = smooth_hann(tensors[f"sharp_{k}"], FINE_RATE_HZ, kernel_s)
            at_s = np.arange(fact["frames"]) * 60 / fact["bpm"] / STEPS_PER_BEAT
            curve = resample(np.arange(len(smooth)) / FINE_RATE_HZ, smooth, at_s)
            shard |= {f"latents_{k}": tensors[f"latents_{k}"], f"curve_{k}": curve.astype(np.float16)}
        save_file(shard, out / made.name)
        listing.write_text(json.dumps(facts), encoding="utf-8")


def learned_curves(corpus: Path) -> NDArray[np.float64]:
    """The values of all curves of a corpus, at its sixteenths."""
    values = []
    for shard in sorted(corpus.glob("[0-9]*.safetensors")):
        with safe_open(shard, "numpy") as tensors:
            values += [tensors.get_tensor(name) for name in tensors.keys() if name.startswith("curve_")]  # noqa: SIM118
    return np.concatenate(values).astype(np.float64)


def reference(sharp: Path) -> list[Likeness]:
    """What the training music is like, piece by piece."""
    pieces = []
    for made in sorted(sharp.glob("[0-9]*.safetensors")):
        tensors, facts = load_file(made), json.loads(made.with_suffix(".json").read_text("utf-8"))
        pieces += [
            Likeness(tensors[f"heard_{k}"], written(tensors[f"latents_{k}"])) for k in range(len(facts))
        ]
    return pieces
