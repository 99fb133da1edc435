"""A folder of one's own: videos, and with them what is known of them.

FOLDER/**/NAME.mp4             videos
FOLDER/**/NAME.wav             their own music, where they have some as a file
FOLDER/prompts.csv             id, prompt and if you like bpm, kind (or prompts.jsonl)

"""

from __future__ import annotations

from pathlib import Path

from v2m.errors import InputError
from v2m.evaluation.clip import AUDIO_SUFFIXES, MEASURES, VIDEO_SUFFIXES, Benchmark, Clip, media_by_stem
from v2m.evaluation.readers.listing import read_rows


def read(folder: Path) -> Benchmark:
    """Read the folder.

    Raises:
        InputError: there is no video in it, or a tempo is no number.
    """
    lists = [path for name in ("prompts.csv", "prompts.jsonl") if (path := folder / name).is_file()]
    told = {row["id"]: row for row in read_rows(lists[0], ("id",))} if lists else {}
    sounds = media_by_stem(folder, AUDIO_SUFFIXES)
    clips = [
        Clip(
            stem, video, told.get(stem, {}).get("prompt", ""), sounds.get(stem),
            _bpm(told.get(stem, {}).get("bpm", "")), told.get(stem, {}).get("kind", ""),
        )
        for stem, video in media_by_stem(folder, VIDEO_SUFFIXES).items()
    ]  # fmt: skip
    return Benchmark(
        "folder", folder.name, tuple(clips), MEASURES, "the videos' own music", "as its maker says"
    )


def _bpm(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise InputError(f"{text!r} is no tempo, expected beats a minute.") from error
