"""The training corpus: composed pieces as score latents, each with the event curve of its own sound.

A folder holds `corpus.json` (how it was made) and shards: `NNNN.safetensors` with `latents_k` (t, c) float16
and, where sound was made, `curve_k` (t,) float16 for the shard's k-th piece; `NNNN.json` lists for each piece
its terms, beats_per_bar, bpm, frames (t), seed, style and events ([beat, strength]). Music out of a user's
MIDI files has shards of its own, `0-midi-DIGEST-NN`, which come first: what is held back are composed pieces.

Conventions: a frame is a sixteenth; the curve is in z-scores (`v2m.curves`, kernel of 0.7 s), sampled when
the frames begin. A shard is written whole or not at all, its JSON last; building again skips what is there.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.codecs.latents import encode
from v2m.codecs.layout import LAYOUT_VERSION
from v2m.curves import FINE_RATE_HZ, event_curve
from v2m.encoders import spectral
from v2m.errors import InputError
from v2m_training.compose import STYLE_NAMES, Piece, compose
from v2m_training.midi import read_folder
from v2m_training.quick_sound import RATE_HZ, QuickPlayer

PIECES_PER_SHARD: Final = 50
"""Some 20 s of work a shard: little is lost when a build is stopped."""

_MIDI_SHARDS: Final = "0-midi-"  # sorts before 0000

_SEED_STRIDE: Final = 1_000_003  # a prime above any corpus' size: two corpora share no piece's seed


@dataclass(frozen=True)
class Recipe:
    """What a corpus was made with."""

    pieces: int
    seed: int
    render: bool
    """Whether the pieces have curves."""

    layout: int = LAYOUT_VERSION
    """Of the score latents."""

    def __post_init__(self) -> None:
        """Refuse an empty corpus.

        Raises:
            InputError: fewer than one piece.
        """
        if self.pieces < 1:
            raise InputError(f"A corpus of {self.pieces} pieces is asked for, expected one or more.")

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return -(-self.pieces // PIECES_PER_SHARD)

    def piece_numbers(self, shard: int) -> range:
        """The numbers of the pieces in a shard."""
        return range(shard * PIECES_PER_SHARD, min(self.pieces, (shard + 1) * PIECES_PER_SHARD))


def build(out: Path, pieces: int, seed: int, workers: int = 2, *, render: bool = True) -> None:
    """Compose a corpus, or what is missing of it.

    Args:
        out: the folder.
        pieces: how many; styles take turns, so each has its share.
        seed: of the corpus.
        workers: processes.
        render: whether to make sound and curves (some 0.4 s a piece; without, 0.05 s).

    Raises:
        InputError: the folder holds a corpus of another recipe, or no piece is asked for.
        MissingPartError: sound is wanted and there is no SoundFont.
    """
    recipe = Recipe(pieces, seed, render)
    out.mkdir(parents=True, exist_ok=True)
    _keep_recipe(out, recipe)
    missing = [(out, recipe, shard) for shard in range(recipe.shards) if not _json_path(out, shard).exists()]
    if workers <= 1 or len(missing) <= 1:
        for job in missing:
            _build_shard(job)
        return
    with multiprocessing.get_context("spawn").Pool(min(workers, len(missing))) as pool:
        for _ in pool.imap_unordered(_build_shard, missing):
            pass


def add_midi(out: Path, folder: Path, *, render: bool = True) -> list[str]:
    """Add the music of a folder of MIDI files to a corpus; what other MIDI files had left there goes.

    Args:
        out: the corpus' folder.
        folder: with the MIDI files, in subfolders too.
        render: as of `build`.

    Returns:
        A sentence for each file that was passed over.

    Raises:
        InputError: there is no usable MIDI file.
        MissingPartError: sound is wanted and there is no SoundFont.
    """
    pieces, passed_over = read_folder(folder)
    latents = [encode(piece.arrangement).tobytes() for piece in pieces]
    digest = hashlib.sha256(
        b"".join(latents) + repr([render, *(p.terms for p in pieces)]).encode()
    ).hexdigest()
    shards = {
        f"{_MIDI_SHARDS}{digest[:12]}-{first // PIECES_PER_SHARD:02d}": pieces[
            first : first + PIECES_PER_SHARD
        ]
        for first in range(0, len(pieces), PIECES_PER_SHARD)
    }
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob(f"{_MIDI_SHARDS}*"):
        if stale.stem not in shards:
            stale.unlink()
    missing = {name: some for name, some in shards.items() if not (out / f"{name}.json").exists()}
    player = QuickPlayer() if render and missing else None
    for name, some in missing.items():
        _write_shard(out, name, ((piece, 0) for piece in some), player)
    return passed_over


def event_curve_of(piece: Piece, player: QuickPlayer) -> NDArray[np.float64]:
    """The event curve of a piece's sound at the beginnings of its sixteenths, (t,)."""
    sound = player.play(piece.arrangement, piece.bpm)
    duration_s = len(sound) / RATE_HZ
    curve = event_curve(spectral.encode(sound, RATE_HZ), duration_s, rate_hz=FINE_RATE_HZ)
    frames = piece.arrangement.beat_count * STEPS_PER_BEAT
    return curve.at(np.arange(frames) * 60 / piece.bpm / STEPS_PER_BEAT)


@dataclass(frozen=True)
class Example:
    """One piece as it lies in a shard."""

    latents: NDArray[np.float32]  # (t, c)
    curve: NDArray[np.float32] | None  # (t,)
    facts: dict[str, Any]
    """terms, beats_per_bar, bpm, frames, seed, style, events."""


def read(folder: Path) -> Iterator[Example]:
    """All pieces of a corpus, shard by shard.

    Raises:
        InputError: the folder holds no shard.
    """
    listings = sorted(folder.glob("[0-9]*.json"))
    if not listings:
        raise InputError(f"{folder} holds no corpus.", hint="Build one with `v2m-train corpus`.")
    for listing in listings:
        tensors = load_file(listing.with_suffix(".safetensors"))
        for k, facts in enumerate(json.loads(listing.read_text(encoding="utf-8"))):
            curve = tensors.get(f"curve_{k}")
            yield Example(
                tensors[f"latents_{k}"].astype(np.float32),
                None if curve is None else curve.astype(np.float32),
                facts,
            )


def _keep_recipe(out: Path, recipe: Recipe) -> None:
    path = out / "corpus.json"
    if not path.exists():
        _write_whole(path, json.dumps(asdict(recipe)).encode())
        return
    known = json.loads(path.read_text(encoding="utf-8"))
    if known != asdict(recipe):
        raise InputError(
            f"{out} holds a corpus made with {known}, expected {asdict(recipe)}.",
            hint="Choose another folder, or remove this one.",
        )


_player: QuickPlayer | None = None
"""One a process: reading a SoundFont takes longer than playing a piece."""


def _build_shard(job: tuple[Path, Recipe, int]) -> None:
    global _player
    out, recipe, shard = job
    if recipe.render and _player is None:
        _player = QuickPlayer()
    seeds = [recipe.seed * _SEED_STRIDE + number for number in recipe.piece_numbers(shard)]
    styles = [STYLE_NAMES[number % len(STYLE_NAMES)] for number in recipe.piece_numbers(shard)]
    pieces = ((compose(seed, style), seed) for seed, style in zip(seeds, styles, strict=True))
    _write_shard(out, f"{shard:04d}", pieces, _player if recipe.render else None)


def _write_shard(
    out: Path, name: str, pieces: Iterable[tuple[Piece, int]], player: QuickPlayer | None
) -> None:
    """Pieces with their seeds as a shard, with curves where there is a player."""
    tensors: dict[str, NDArray[np.float16]] = {}
    listing = []
    for k, (piece, seed) in enumerate(pieces):
        tensors[f"latents_{k}"] = encode(piece.arrangement).astype(np.float16)
        if player is not None:
            tensors[f"curve_{k}"] = event_curve_of(piece, player).astype(np.float16)
        listing.append(_facts(piece, seed))
    part = out / f".{name}.safetensors.part"
    save_file(tensors, part)
    os.replace(part, out / f"{name}.safetensors")
    _write_whole(out / f"{name}.json", json.dumps(listing).encode())


def _facts(piece: Piece, seed: int) -> dict[str, Any]:
    return {
        "terms": list(piece.terms),
        "beats_per_bar": piece.beats_per_bar,
        "bpm": piece.bpm,
        "frames": piece.arrangement.beat_count * STEPS_PER_BEAT,
        "seed": seed,
        "style": piece.style,
        "events": [list(event) for event in piece.events],
    }


def _json_path(out: Path, shard: int) -> Path:
    return out / f"{shard:04d}.json"


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)
