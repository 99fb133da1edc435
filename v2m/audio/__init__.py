"""Sound that leaves the house: mixing, loudness, true peaks, endings, and WAV files written whole.

Conventions: 48 kHz, float32, (s, 2), full scale 1. Everything works in pieces, so that two hours of music
need no more memory than a minute; the functions for whole arrays are the same code with one piece.
"""

from v2m.audio.ending import Ending, finish
from v2m.audio.loudness import LoudnessMeter, integrated_lufs
from v2m.audio.mastering import MasterPlan, MasterSettings, MixMeter, master, master_blocks, mix
from v2m.audio.peaks import true_peak_dbtp
from v2m.audio.wav import WavReader, WavWriter, as_stored, read_wav, write_wav

__all__ = [
    "Ending",
    "LoudnessMeter",
    "MasterPlan",
    "MasterSettings",
    "MixMeter",
    "WavReader",
    "WavWriter",
    "as_stored",
    "finish",
    "integrated_lufs",
    "master",
    "master_blocks",
    "mix",
    "read_wav",
    "true_peak_dbtp",
    "write_wav",
]
