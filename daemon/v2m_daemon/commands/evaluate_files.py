"""Which files belong together for `v2m evaluate`: a file each, or folders whose files have one stem."""

from __future__ import annotations

import json
from pathlib import Path

from v2m.errors import DocumentError, InputError, UsageError
from v2m.evaluation.clip import AUDIO_SUFFIXES, VIDEO_SUFFIXES, media_by_stem

CUT_SUFFIXES = (".txt", ".json")


def by_clip(text: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files by clip: one file is the clip of its stem.

    Raises:
        InputError: there is nothing of that kind.
    """
    path = Path(text)
    if path.is_file():
        return {path.stem: path}
    found = media_by_stem(path, suffixes) if path.is_dir() else {}
    if not found:
        raise InputError(f"{path} holds no {' or '.join(suffixes)} file.")
    return found


def audio_files(text: str) -> dict[str, Path]:
    """Sounds by clip; a video counts as its sound."""
    return by_clip(text, (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES))


def joined(first: dict[str, Path], second: dict[str, Path] | None) -> dict[str, tuple[Path, Path | None]]:
    """Pairs of files of one clip; a single file goes with a single file whatever they are called.

    Raises:
        UsageError: no names agree.
    """
    if second is None:
        return {clip: (path, None) for clip, path in first.items()}
    if len(first) == len(second) == 1:
        ((clip, path),) = first.items()
        return {clip: (path, next(iter(second.values())))}
    pairs: dict[str, tuple[Path, Path | None]] = {
        clip: (path, second[clip]) for clip, path in first.items() if clip in second
    }
    if not pairs:
        raise UsageError("No files belong together: they are matched by name, CLIP.wav with CLIP.mp4.")
    return pairs


def read_cuts(path: Path) -> tuple[float, ...]:
    """Cut times in seconds: one a line, or JSON (a list, or an object with `cuts` as `analyze` prints it).

    Raises:
        DocumentError: it is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return tuple(float(line) for line in text.split())
        data = json.loads(text)
        cuts = data["cuts"] if isinstance(data, dict) else data
        return tuple(float(cut["time_s"] if isinstance(cut, dict) else cut) for cut in cuts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DocumentError(
            f"{path.name} holds no cuts, expected seconds one a line, or the JSON of `v2m analyze --json`.",
            detail=repr(error),
        ) from error
