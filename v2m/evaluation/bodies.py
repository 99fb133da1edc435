"""FAD and CLAP of a body of music, with what the networks made of each file kept on disk.

Conventions: vectors as .npy (never pickled), named by the network's weights and the file's size and time of
change; a reference body is embedded once and serves every peer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from v2m.errors import InputError
from v2m.evaluation.clip import AUDIO_SUFFIXES, Clip, media_by_stem
from v2m.metrics.beats import read_mono
from v2m.metrics.clap import CLAP
from v2m.metrics.clap import RATE_HZ as CLAP_RATE_HZ
from v2m.metrics.cosine import cosine
from v2m.metrics.fad import Body, audio_distance
from v2m.metrics.vggish import VGGish
from v2m.metrics.vggish_input import RATE_HZ as VGGISH_RATE_HZ

Vectors = NDArray[np.float32]


class Bodies:
    """What measures bodies of music: either network may be left out."""

    def __init__(
        self,
        folder: Path,
        *,
        vggish: VGGish | None = None,
        clap: CLAP | None = None,
        reference: Path | None = None,
    ) -> None:
        self._folder = folder
        self._vggish, self._clap, self._reference = vggish, clap, reference
        folder.mkdir(parents=True, exist_ok=True)

    def fad(self, clips: Sequence[Clip], files: Mapping[str, Path]) -> dict[str, Any] | None:
        """FAD of a peer's files to the reference folder, else to the benchmark's own music; None without.

        Raises:
            InputError: the reference folder holds no audio.
        """
        reference = self._reference_files(clips)
        if self._vggish is None or not reference:
            return None
        judged = self._body([files[clip.id] for clip in clips])
        against = self._body(reference)
        if min(len(judged.vectors), len(against.vectors)) < 2:
            return None
        told = self._reference.name if self._reference else "the benchmark's own"
        return asdict(audio_distance(against, judged)) | {
            "reference": told, "weights_sha256": self._vggish.sha256,
        }  # fmt: skip

    def clap(self, clips: Sequence[Clip], files: Mapping[str, Path]) -> dict[str, Any] | None:
        """CLAP score of a peer's files with the clips' prompts; None without a checkpoint or prompts."""
        asked = [clip for clip in clips if clip.prompt]
        if self._clap is None or not asked:
            return None
        heard = np.concatenate([self._heard(files[clip.id]) for clip in asked])
        scores = cosine(heard, self._clap.embed_words([clip.prompt for clip in asked]))
        return {
            "mean": float(scores.mean()),
            "scores": {clip.id: float(found) for clip, found in zip(asked, scores, strict=True)},
            "checkpoint": self._clap.folder.name, "weights_sha256": self._clap.weights_sha256,
            "fusion": self._clap.fusion, "loudness": self._clap.loudness,
        }  # fmt: skip

    def _reference_files(self, clips: Sequence[Clip]) -> list[Path]:
        if self._reference is None:
            return [clip.audio for clip in clips if clip.audio is not None]
        found = list(media_by_stem(self._reference, AUDIO_SUFFIXES).values())
        if not found:
            raise InputError(f"{self._reference} holds no audio, expected the reference music of FAD.")
        return found

    def _body(self, paths: Sequence[Path]) -> Body:
        assert self._vggish is not None  # noqa: S101 - the caller looked
        network = self._vggish
        found = [
            self._kept(
                f"vggish-{network.sha256}", path, lambda p: network.embed(read_mono(p, VGGISH_RATE_HZ))
            )
            for path in paths
        ]
        return Body(np.concatenate(found), len(found), sum(len(vectors) == 0 for vectors in found))

    def _heard(self, path: Path) -> Vectors:
        assert self._clap is not None  # noqa: S101 - the caller looked
        network = self._clap
        key = f"clap-{network.weights_sha256}-{network.loudness}"
        return self._kept(key, path, lambda p: network.embed_sound(read_mono(p, CLAP_RATE_HZ)))

    def _kept(self, key: str, path: Path, make: Any) -> Vectors:  # noqa: ANN401 - a function of a path
        state = path.stat()
        text = f"{key} {path.resolve()} {state.st_size} {state.st_mtime_ns}"
        kept = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npy"
        try:
            return np.asarray(np.load(kept, allow_pickle=False), np.float32)
        except (OSError, ValueError):
            vectors: Vectors = make(path)
            np.save(kept, vectors, allow_pickle=False)
            return vectors
