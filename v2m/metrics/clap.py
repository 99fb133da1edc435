"""CLAP score: cosine between what CLAP makes of a piece of music and of the words it was asked with.

The score depends on the checkpoint, on fusion (long sound as four crops, or one crop of 10 s), and on the
level the sound is brought to; papers rarely say which. So a result names all three.

    loudness rule   "peak-1dB-int16": peak to -1 dBFS, then through 16-bit integers, as stable-audio-metrics
                    does before laion-clap; "as-is": untouched

Conventions: mono at 48 kHz; a cosine in -1..1; the mean is over files. Checkpoints are folders in the layout
of transformers (`laion/clap-htsat-fused`, `laion/larger_clap_music` …); nothing is fetched here. Long sound
without fusion is cut by CLAP's own processor at a random place; here at the middle, so that a score repeats.
Sources: Wu et al. 2023 (laion-clap); Stability-AI/stable-audio-metrics.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from v2m.errors import CheckpointError, InputError, MissingPartError
from v2m.metrics.cosine import cosine

RATE_HZ: Final = 48_000
LoudnessRule = Literal["peak-1dB-int16", "as-is"]

_PEAK: Final = 10 ** (-1 / 20)
_INT16: Final = 32767.0


@dataclass(frozen=True)
class CLAPScore:
    """A score and what it was made with."""

    mean: float
    scores: tuple[float, ...]
    """One for each file, in the order given."""

    checkpoint: str
    """The folder's name."""

    weights_sha256: str
    fusion: bool
    loudness: LoudnessRule


def prepare(mono: NDArray[np.floating], loudness: LoudnessRule) -> NDArray[np.float32]:
    """Bring sound to the level that a rule asks for.

    Raises:
        InputError: the sound is not mono, empty or not finite.
    """
    sound = np.asarray(mono, np.float32)
    if sound.ndim != 1 or not len(sound) or not np.isfinite(sound).all():
        raise InputError(f"Sound of shape {sound.shape} is given, expected finite mono samples.")
    peak = float(np.abs(sound).max())
    if loudness == "as-is" or peak == 0:
        return sound
    level = np.clip(sound * (_PEAK / peak), -1.0, 1.0)
    # truncated, not rounded, as the original's cast does
    return np.asarray((level * _INT16).astype(np.int16) / _INT16, np.float32)


class CLAP:
    """A checkpoint of CLAP in a local folder."""

    def __init__(self, folder: Path, device: str = "cpu", loudness: LoudnessRule = "peak-1dB-int16") -> None:
        self.folder, self.device, self.loudness = folder, device, loudness
        if not (folder / "config.json").is_file():
            raise MissingPartError(
                f"There is no CLAP checkpoint in {folder}: no config.json.",
                hint="Download laion/larger_clap_music or laion/clap-htsat-fused, and give its folder.",
            )

    @cached_property
    def fusion(self) -> bool:
        """Whether the checkpoint hears long sound as several crops."""
        return bool(self._model.config.audio_config.enable_fusion)

    @cached_property
    def weights_sha256(self) -> str:
        """Of the weights file."""
        with (self.folder / "model.safetensors").open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def _model(self) -> Any:  # noqa: ANN401 - a foreign class that is loaded late
        return self._loaded("ClapModel", use_safetensors=True).to(self.device).eval()

    @cached_property
    def _processor(self) -> Any:  # noqa: ANN401 - a foreign class that is loaded late
        return self._loaded("ClapProcessor")

    def _loaded(self, name: str, **options: Any) -> Any:  # noqa: ANN401 - a foreign class
        if not (self.folder / "model.safetensors").is_file():
            raise CheckpointError(
                f"{self.folder.name} has no model.safetensors, and pickles are not opened.",
                hint="Take a revision of the checkpoint that has safetensors.",
            )
        try:
            import transformers
        except ImportError as error:
            raise MissingPartError(
                "transformers, which runs CLAP, is not installed.", hint='Run `pip install "v2m[models]"`.'
            ) from error
        try:
            return getattr(transformers, name).from_pretrained(self.folder, local_files_only=True, **options)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise CheckpointError(
                f"{self.folder.name} is no whole checkpoint of CLAP.",
                hint="Download all its files again.",
                detail=repr(error),
            ) from error

    def score(self, sounds: Sequence[NDArray[np.floating]], prompts: Sequence[str]) -> CLAPScore:
        """The score of some pieces, each with the words that it was asked with.

        Args:
            sounds: mono at 48 kHz.
            prompts: as many.

        Raises:
            InputError: there are none, or not as many prompts as pieces.
            CheckpointError: the folder holds no whole checkpoint.
            MissingPartError: transformers is not installed.
        """
        if not sounds or len(sounds) != len(prompts):
            raise InputError(f"{len(prompts)} prompts are given for {len(sounds)} pieces, expected one each.")
        heard = np.concatenate([self.embed_sound(sound) for sound in sounds])
        scores = cosine(heard, self.embed_words(prompts))
        return CLAPScore(
            float(scores.mean()), tuple(scores.tolist()), self.folder.name, self.weights_sha256, self.fusion,
            self.loudness,
        )  # fmt: skip

    def embed_sound(self, mono: NDArray[np.floating]) -> NDArray[np.float32]:
        """(1, d) of one piece."""
        import torch

        sound = self._cropped(prepare(mono, self.loudness))
        extract = self._processor.feature_extractor
        # four crops of long sound are drawn with numpy's global state: held still, so that a score repeats
        state = np.random.get_state()
        np.random.seed(0)
        try:
            inputs = extract(sound, sampling_rate=RATE_HZ, return_tensors="pt")
        finally:
            np.random.set_state(state)
        with torch.inference_mode():
            found = self._model.get_audio_features(**{name: x.to(self.device) for name, x in inputs.items()})
        return _array(found)

    def embed_words(self, prompts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) of some prompts."""
        import torch

        inputs = self._processor.tokenizer(list(prompts), padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            found = self._model.get_text_features(**{name: x.to(self.device) for name, x in inputs.items()})
        return _array(found)

    def _cropped(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        longest = int(self._processor.feature_extractor.nb_max_samples)
        if self.fusion or len(sound) <= longest:
            return sound
        start = (len(sound) - longest) // 2
        return sound[start : start + longest]


def _array(found: Any) -> NDArray[np.float32]:  # noqa: ANN401 - a tensor, or an output that holds one
    tensor = getattr(found, "pooler_output", found)  # newer transformers wrap it
    embedded: NDArray[np.float32] = tensor.float().cpu().numpy()
    return embedded
