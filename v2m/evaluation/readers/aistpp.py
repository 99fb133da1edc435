"""AIST++: street dance with music of a known tempo.

    FOLDER/**/gBR_sBM_c01_d04_mBR0_ch01.mp4     videos: genre, situation, camera, dancers, music, choreography
    FOLDER/splits/crossmodal_test.txt           names of the test sequences (cAll in place of the camera)
    FOLDER/ignore_list.txt                      sequences with faulty annotations, left out
    FOLDER/**/mBR0.wav                          the music, by its id
    FOLDER/keypoints3d/gBR_…_cAll_….npy         joints (t, 17, 3) at 60 a second

The published keypoints are pickles, which nothing here opens: docs/peers.md says how to turn them into .npy
once. Without them motion beats come from the picture. Where a folder holds several cameras of a sequence the
first is taken. Prompts name the genre and not the tempo, which is what is to be found. Tempi are AIST's:
pieces 0-5 of a genre at 80, 90 … 130 BPM, of house at 110, 115 … 135.
Sources: google/aistplusplus_api (layout); Tsuchida et al. 2019 (AIST: names and tempi); Li et al. 2021.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from v2m.evaluation.clip import AUDIO_SUFFIXES, VIDEO_SUFFIXES, Benchmark, Clip, media_by_stem

GENRES: Final[Mapping[str, str]] = {
    "gBR": "break", "gPO": "pop", "gLO": "lock", "gMH": "middle hip-hop", "gLH": "LA hip-hop", "gHO": "house",
    "gWA": "waack", "gKR": "krump", "gJS": "street jazz", "gJB": "ballet jazz",
}  # fmt: skip

_NAME: Final = re.compile(r"(g[A-Z]{2})_(s\w{2})_(c\d\d|cAll)_(d\d\d(?:_d\d\d)*)_m([A-Z]{2})(\d)_ch\d\d")


def music_bpm(name: str) -> float | None:
    """The tempo of the music that a sequence or file of AIST names, None of a name that is none of its."""
    match = _NAME.fullmatch(name) or re.fullmatch(r"()()()()m([A-Z]{2})(\d)", name)
    if match is None:
        return None
    genre, number = match[5], int(match[6])
    return 110.0 + 5 * number if genre == "HO" else 80.0 + 10 * number


def read(folder: Path) -> Benchmark:
    """Read the folder.

    Raises:
        InputError: there is no video in it whose name is one of AIST's.
    """
    listed = _names(folder / "splits" / "crossmodal_test.txt")
    ignored = _names(folder / "ignore_list.txt") or frozenset()
    sounds = media_by_stem(folder, AUDIO_SUFFIXES)
    poses = media_by_stem(folder / "keypoints3d", (".npy",)) or media_by_stem(
        folder / "keypoints2d", (".npy",)
    )
    clips: dict[str, Clip] = {}
    for stem, video in media_by_stem(folder, VIDEO_SUFFIXES).items():
        match = _NAME.fullmatch(stem)
        if match is None:
            continue
        sequence = stem.replace(match[3], "cAll")
        if sequence in clips or sequence in ignored or (listed is not None and sequence not in listed):
            continue
        clips[sequence] = Clip(
            stem, video, f"{GENRES.get(match[1], 'street')} dance",
            sounds.get(f"m{match[5]}{match[6]}"), music_bpm(stem), GENRES.get(match[1], ""),
            poses.get(sequence),
        )  # fmt: skip
    notes = [] if listed is not None else ["There is no splits/crossmodal_test.txt: all sequences are read."]
    if clips and not any(clip.poses for clip in clips.values()):
        notes.append("There are no keypoints as .npy: motion beats come from the picture.")
    return Benchmark(
        "aist++", "AIST++", tuple(clips.values()), ("dance",), "the dances' own music",
        "annotations CC BY 4.0; videos and music under AIST's terms of use", tuple(notes), "dancer",
    )  # fmt: skip


def _names(path: Path) -> frozenset[str] | None:
    if not path.is_file():
        return None
    return frozenset(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
