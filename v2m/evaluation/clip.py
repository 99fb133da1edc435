"""A clip of a benchmark, and a benchmark: what every reader gives and every run takes.

Conventions: a clip's id is the stem of its peers' audio files; paths that a benchmark does not have are None.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from v2m.errors import InputError

Measure = Literal["sch", "hit", "dance", "fad", "clap", "curves"]
MEASURES: Final[tuple[Measure, ...]] = ("sch", "hit", "dance", "fad", "clap", "curves")


@dataclass(frozen=True)
class Clip:
    """One video and what is known of it."""

    id: str
    video: Path | None = None
    prompt: str = ""
    audio: Path | None = None
    """The benchmark's own music."""

    bpm: float | None = None
    """Tempo of that music, where the benchmark says it."""

    kind: str = ""
    """Mood, genre of dance …"""

    poses: Path | None = None
    """Joints (t, joints, 2 or 3) as .npy."""

    poses_rate_hz: float = 60.0


@dataclass(frozen=True)
class Benchmark:
    """Clips under a name."""

    name: str
    title: str
    clips: tuple[Clip, ...]
    measures: tuple[Measure, ...]
    """What the paper measures on it."""

    reference: str
    """What FAD is measured against, as a phrase."""

    licence: str
    notes: tuple[str, ...] = ()
    """What a person should know of how it was read."""

    follows: Literal["picture", "dancer"] = "picture"
    """What music of our own follows: cuts and moments of the picture, or a dancer's arrivals."""

    def __post_init__(self) -> None:
        """Refuse a benchmark that cannot be scored.

        Raises:
            InputError: there are no clips, or two have one id.
        """
        ids = [clip.id for clip in self.clips]
        if not ids:
            raise InputError(f"{self.title} has no clips here.", hint="docs/peers.md tells its layout.")
        if len(set(ids)) < len(ids):
            twice = next(id_ for id_ in ids if ids.count(id_) > 1)
            raise InputError(f"{self.title} has the clip {twice!r} twice, expected each once.")


def media_by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files of some kinds below a folder by their stem; the first in order of path where two share one."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in suffixes and path.is_file():
            found.setdefault(path.stem, path)
    return found


VIDEO_SUFFIXES: Final = (".mp4", ".mov", ".mkv", ".webm", ".avi")
AUDIO_SUFFIXES: Final = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".aac")
