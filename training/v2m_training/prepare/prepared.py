"""A prepared set on disk: tracks with their latents and sharp event curves, ready to be learned from.

    set.json          {"format", "model", "weights_sha256", "sample_rate_hz", "hop_samples", "channels",
                      "encoders", "validation_share"}
    tracks.jsonl      a line each: {"id", "sha256", "text", "licence", "work", "split", "duration_s",
                      "frames", "latents", "curves"}; the last two are files, relative to the folder
    excluded.jsonl    a line each: {"id", "reason"}

Conventions: a latents file holds `latents` (t, c) float16; a curves file holds one (n,) float32 for each
encoder, standardised over the whole track at `FINE_RATE_HZ` and not yet smoothed, so that one computation
serves every kernel. Value i of a smoothed curve belongs to the middle of latent frame i, as at inference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from v2m.curves import FINE_RATE_HZ, resample, smooth_hann
from v2m.errors import InputError

FORMAT: Final = "v2m-prepared-1"

Split = Literal["training", "validation"]


@dataclass(frozen=True)
class SetFacts:
    """What is true of all tracks of a set."""

    model: str
    """Whose latents these are, as `--backbone` says it."""

    weights_sha256: str
    """Of the model that encoded them."""

    sample_rate_hz: int
    hop_samples: int
    channels: int
    encoders: tuple[str, ...]
    """What the curves were computed with."""

    validation_share: float
    format: str = FORMAT

    @property
    def rate_hz(self) -> Fraction:
        """Latent frames a second."""
        return Fraction(self.sample_rate_hz, self.hop_samples)


@dataclass(frozen=True)
class Track:
    """One piece of music of a set."""

    id: str
    sha256: str
    """Of the file's content."""

    text: str
    licence: str
    work: str
    """Tracks of one work are all learned from or all held out."""

    split: Split
    duration_s: float
    frames: int
    latents: str
    curves: str


class PreparedSet:
    """A prepared set, read track by track as it is asked for."""

    def __init__(self, folder: Path) -> None:
        """Read the listing.

        Raises:
            InputError: there is no set, or its listing makes no sense.
        """
        self.folder = folder
        self.facts = _read_facts(folder)
        self.tracks = tuple(_read_lines(folder / "tracks.jsonl", Track))

    def of(self, split: Split, shortest_frames: int = 1) -> tuple[Track, ...]:
        """The tracks of a split that are long enough.

        Raises:
            InputError: there are none.
        """
        found = tuple(t for t in self.tracks if t.split == split and t.frames >= shortest_frames)
        if not found:
            raise InputError(
                f"{self.folder} holds no {split} track of at least {shortest_frames} frames.",
                hint="Prepare more or longer music, or learn from shorter excerpts.",
            )
        return found

    def latents(self, track: Track, start: int, count: int) -> NDArray[np.float32]:
        """Frames of a track, (count, c); only these are read from the disk.

        Raises:
            InputError: the file is missing, damaged or of another shape.
        """
        try:
            with safe_open(self.folder / track.latents, framework="numpy") as file:
                part = file.get_slice("latents")[start : start + count]
        except (OSError, SafetensorError) as error:
            raise _damaged(self.folder / track.latents, error) from error
        if part.shape != (count, self.facts.channels):
            raise _damaged(self.folder / track.latents, f"frames of shape {part.shape}")
        return np.asarray(part, dtype=np.float32)

    def curves(self, track: Track, encoder: str, kernels_s: Sequence[float]) -> NDArray[np.float32]:
        """The event curves of a whole track, (frames, k): one for each length of the smoothing window.

        Raises:
            InputError: the file is missing or damaged, or has no curve of this encoder.
        """
        return _smoothed(
            self.folder / track.curves, encoder, tuple(kernels_s), track.frames, self.facts.rate_hz
        )


@lru_cache(maxsize=1024)
def _smoothed(
    path: Path, encoder: str, kernels_s: tuple[float, ...], frames: int, rate_hz: Fraction
) -> NDArray[np.float32]:
    try:
        with safe_open(path, framework="numpy") as file:
            if encoder not in file.keys():  # noqa: SIM118 - no mapping
                raise InputError(
                    f"{path} holds no curve of {encoder}, but of {', '.join(file.keys())}.",
                    hint=f"Prepare the set again with --encoder {encoder}.",
                )
            sharp = file.get_tensor(encoder)
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from error
    return smoothed_curves(sharp, kernels_s, frames, rate_hz)


def smoothed_curves(
    sharp: NDArray[np.floating], kernels_s: Sequence[float], frames: int, rate_hz: Fraction
) -> NDArray[np.float32]:
    """Sharp standardised values at `FINE_RATE_HZ` as curves at the middles of latent frames, (frames, k)."""
    fine_s = np.arange(len(sharp)) / FINE_RATE_HZ
    middles_s = (np.arange(frames) + 0.5) / float(rate_hz)
    columns = [resample(fine_s, smooth_hann(sharp, FINE_RATE_HZ, kernel), middles_s) for kernel in kernels_s]
    return np.stack(columns, axis=1).astype(np.float32)


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """Dataclasses as lines of JSON; the file is replaced whole."""
    part = path.with_name(f".{path.name}.part")
    part.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")
    part.replace(path)


_Row = TypeVar("_Row")


def _read_lines(path: Path, kind: type[_Row]) -> list[_Row]:
    try:
        return [kind(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(path, error) from error


def _read_facts(folder: Path) -> SetFacts:
    path = folder / "set.json"
    try:
        values = json.loads(path.read_text("utf-8"))
        known = {f.name for f in fields(SetFacts)}
        if values.get("format") != FORMAT or set(values) != known:
            raise InputError(f"{path} describes no prepared set of this version.", hint=_AGAIN)
        return SetFacts(**{**values, "encoders": tuple(values["encoders"])})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{folder} holds no prepared set: {error}.", hint=_AGAIN) from error


_AGAIN: Final = "Make one with `v2m-train prepare`."


def _damaged(path: Path, why: object) -> InputError:
    return InputError(f"{path} cannot be used: {why}.", hint="Delete it and run `v2m-train prepare` again.")
