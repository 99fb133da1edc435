"""One instrument of a SoundFont, playing single notes from their attack to the end of their ring.

Conventions: 48 kHz, (s, 2) float32; lengths in samples.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from v2m.timebase import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

DRUM_BANK: Final = 128

MAX_TAIL_SAMPLES: Final = 4 * SAMPLE_RATE_HZ
"""The longest ring after a note's end, a crash cymbal's; it is faded out within it."""

SILENCE: Final = 1e-4
"""-80 dB: music covers it, and its last eighth of a second is faded out."""

_TAIL_BLOCK = SAMPLE_RATE_HZ // 8
_FADE_SAMPLES = SAMPLE_RATE_HZ // 2  # length of the fade where a ring is cut at its longest
_CHOKE_SAMPLES = 480  # a hand or pedal stops a cymbal in about 10 ms
_DRAIN_SAMPLES = 1024  # the player needs 512 to silence its voices

_DRUM_CHANNEL = 9


class Player:
    """A synthesizer on whose font 0 a preset is loaded."""

    def __init__(self, synth: Any, bank: int, program: int) -> None:  # noqa: ANN401 - the library has no types
        self._synth = synth
        self._drums = bank == DRUM_BANK
        self._channel = _DRUM_CHANNEL if self._drums else 0
        synth.program_select(self._channel, 0, bank, program, self._drums)

    def note(self, key: int, velocity: int, held: int) -> Samples:
        """A note held for so many samples and its ring.

        A drum that is held is choked at the end of that; held for 0 it rings.
        """
        synth, choked = self._synth, self._drums and held > 0
        sound = np.empty((held + (0 if choked else MAX_TAIL_SAMPLES), 2), np.float32)
        synth.noteon(self._channel, key, velocity)
        self._generate(sound[:held])
        if choked:
            sound[-_CHOKE_SAMPLES:] *= np.linspace(1, 0, _CHOKE_SAMPLES, dtype=np.float32)[:, None]
        else:
            if not self._drums:
                synth.noteoff(self._channel, key)
            sound = sound[: held + self._ring(sound[held:])].copy()
        synth.sounds_off(self._channel)
        synth.noteoff(self._channel, key)
        self._generate(np.empty((_DRAIN_SAMPLES, 2), np.float32))
        return sound

    def _ring(self, tail: Samples) -> int:
        """Write what sounds on, until it is silent or has lasted its longest; returns its length."""
        for at in range(0, MAX_TAIL_SAMPLES, _TAIL_BLOCK):
            piece = tail[at : at + _TAIL_BLOCK]
            self._generate(piece)
            if max(piece.max(), -piece.min()) < SILENCE:
                piece *= np.linspace(1, 0, _TAIL_BLOCK, dtype=np.float32)[:, None]
                return at + _TAIL_BLOCK
        fade = np.cos(np.linspace(0, np.pi / 2, _FADE_SAMPLES, dtype=np.float32)) ** 2
        tail[-_FADE_SAMPLES:] *= fade[:, None]
        return MAX_TAIL_SAMPLES

    def _generate(self, out: Samples) -> None:
        if len(out):
            self._synth.generate_simple(len(out), buffer=out.data.cast("B"))
