"""MovieGenBench-Music: Movie Gen Audio Bench with sound effects and music, 527 generated videos.

    FOLDER/MovieGenAudioBenchSfxMusic.jsonl     id, video_prompt, audio_prompt, music_prompt
    FOLDER/**/ID.mp4                            the videos with their generated sound

The list may also lie in `benchmark/`, as in the repository. FAD's reference is the sound that the videos come
with, which is generated too. Licence: CC BY-NC 4.0.
Source: facebookresearch/MovieGenBench; Polyak et al. 2024 (arXiv 2410.13720).
"""

from __future__ import annotations

from pathlib import Path

from v2m.errors import InputError
from v2m.evaluation.clip import VIDEO_SUFFIXES, Benchmark, Clip, media_by_stem
from v2m.evaluation.readers.listing import read_rows

LIST = "MovieGenAudioBenchSfxMusic.jsonl"


def read(folder: Path) -> Benchmark:
    """Read the folder.

    Raises:
        InputError: the list is not in it, or none of the videos.
    """
    found = next((path for path in (folder / LIST, folder / "benchmark" / LIST) if path.is_file()), None)
    if found is None:
        raise InputError(f"{folder} holds no {LIST}, expected Movie Gen Audio Bench as published.")
    videos = media_by_stem(folder, VIDEO_SUFFIXES)
    rows = read_rows(found, ("id", "music_prompt"))
    clips = [
        Clip(row["id"], videos[row["id"]], row["music_prompt"], audio=videos[row["id"]])
        for row in rows
        if row["id"] in videos
    ]
    absent = len(rows) - len(clips)
    notes = (f"{absent} of {len(rows)} videos are not here.",) if absent else ()
    return Benchmark(
        "moviegenbench-music", "MovieGenBench-Music", tuple(clips), ("fad", "clap", "sch"),
        "the videos' own generated sound", "CC BY-NC 4.0", notes,
    )  # fmt: skip
