"""Whisper, which writes down what is said.

Conventions: mono, 16 kHz, float32. Source: A. Radford et al., "Robust Speech Recognition via Large-Scale Weak
Supervision" (2022).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from v2m.prompt.watching.loading import Foreign, LocalModel

_RATE_HZ: Final = 16_000
_LONGEST_TOKENS: Final = 224
"""Half of what its decoder holds, as its makers use it: twice the fastest speech in 30 seconds."""

_SILENT_RMS: Final = 1e-3
"""-60 dB of full scale: in silence Whisper hears words that nobody said."""


class Listener:
    """Whisper in a local folder."""

    def __init__(self, folder: Path, name: str) -> None:
        """Look at the folder; see `LocalModel`."""
        self.name = name
        self._local = LocalModel(folder, name)
        self._small: tuple[Foreign, Foreign] | None = None

    @property
    def sha256(self) -> str:
        """Hash of all that decides what it hears."""
        return self._local.sha256

    def unload(self) -> None:
        """Be done with it, see `LocalModel`."""
        self._local.unload()

    @torch.inference_mode()
    def heard(self, samples: NDArray[np.float32]) -> str:
        """What is said in 30 seconds at most, (s,); empty in silence.

        Raises:
            V2MError: it cannot be loaded; see `LocalModel`.
        """
        if is_silent(samples):
            return ""
        if self._small is None:
            self._small = self._local.part("AutoFeatureExtractor"), self._local.part("AutoTokenizer")
        extractor, tokenizer = self._small
        model = self._local.loaded("AutoModelForSpeechSeq2Seq")
        features = extractor(samples, sampling_rate=_RATE_HZ, return_tensors="pt")["input_features"]
        # only models of many languages have marks for what is to be done
        asked = {"task": "transcribe"} if getattr(model.generation_config, "task_to_id", None) else {}
        given = model.generate(
            features.to(self._local.device, model.dtype), do_sample=False,
            max_new_tokens=min(_LONGEST_TOKENS, model.config.max_target_positions // 2), **asked,
        )  # fmt: skip
        text: str = tokenizer.decode(given[0], skip_special_tokens=True)
        return text.strip()


def is_silent(samples: NDArray[np.float32]) -> bool:
    """Whether there is nothing to hear."""
    return len(samples) == 0 or float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) < _SILENT_RMS
