"""The corpus in memory: pieces of music as latents, with what is true of each.

Conventions: a corpus folder holds shards `NNNN.safetensors` with `latents_k` (t, c) float16 and, where the
music was rendered, `curve_k` (t,) float16 for piece k, and `NNNN.json`, a list of {"terms", "beats_per_bar",
"bpm", "frames"}. Frame 0 of a piece is a downbeat and its beginning; the last frame is its end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from v2m.codecs.layout import CHANNEL_COUNT
from v2m.errors import InputError
from v2m.prompt.vocabulary import TERM_INDEX


@dataclass(frozen=True)
class CorpusPiece:
    """One piece of the corpus."""

    latents: NDArray[np.float16]  # (t, c)
    curve: NDArray[np.float16] | None  # (t,)
    term_ids: tuple[int, ...]
    beats_per_bar: int
    tempo_bpm: float


@dataclass(frozen=True)
class Corpus:
    """The pieces to learn from and those to validate on."""

    training: tuple[CorpusPiece, ...]
    validation: tuple[CorpusPiece, ...]


def read_corpus(folder: Path, validation_pieces: int, shortest_frames: int) -> Corpus:
    """Read all shards of a folder, in order of name; the last pieces are held back for validation.

    Args:
        folder: of the shards.
        validation_pieces: how many to hold back; at most a quarter of the corpus is.
        shortest_frames: pieces with fewer frames are left out.

    Raises:
        InputError: no shards, a shard that is damaged or does not belong to this codec and vocabulary.
    """
    shards = sorted(folder.glob("[0-9]*.safetensors"))
    pieces = [piece for shard in shards for piece in _read_shard(shard)]
    pieces = [piece for piece in pieces if len(piece.latents) >= shortest_frames]
    if len(pieces) < 2:
        raise InputError(
            f"The corpus {folder} holds {len(pieces)} pieces of at least {shortest_frames} frames.",
            hint="Compose one with `v2m-train corpus`.",
        )
    held_back = max(1, min(validation_pieces, len(pieces) // 4))
    return Corpus(tuple(pieces[:-held_back]), tuple(pieces[-held_back:]))


def _read_shard(shard: Path) -> list[CorpusPiece]:
    try:
        facts = json.loads(shard.with_suffix(".json").read_text("utf-8"))
        tensors = load_file(shard)
        return [_piece(tensors, k, fact) for k, fact in enumerate(facts)]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(
            f"The corpus shard {shard} cannot be used: {error!r}.", hint="Delete it and compose it again."
        ) from error


def _piece(tensors: Mapping[str, NDArray[Any]], k: int, fact: Mapping[str, Any]) -> CorpusPiece:
    latents, curve = tensors[f"latents_{k}"].astype(np.float16), tensors.get(f"curve_{k}")
    if latents.shape != (fact["frames"], CHANNEL_COUNT):
        raise ValueError(f"latents {k} have shape {latents.shape}, not ({fact['frames']}, {CHANNEL_COUNT})")
    if curve is not None and curve.shape != latents.shape[:1]:
        raise ValueError(f"curve {k} has shape {curve.shape}, not ({len(latents)},)")
    if not np.isfinite(latents).all() or not (curve is None or np.isfinite(curve).all()):
        raise ValueError(f"piece {k} holds numbers that are not finite")
    ids = tuple(TERM_INDEX[name] for name in fact["terms"])
    return CorpusPiece(latents, curve, ids, int(fact["beats_per_bar"]), float(fact["bpm"]))
