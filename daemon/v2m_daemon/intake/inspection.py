"""Reads what was dropped, in a process of its own: does it parse, and where are its media.

    python -m v2m_daemon.intake.inspection

One JSON object a line comes on stdin, one a line is answered on stdout; the end of stdin ends it.
    {"timeline": path, "path_map": [[from, to]]}  ->  {"error": {…} | null, "media": [{target, path, comes}]}
    {"video": path}                               ->  {"error": {…} | null, "media": []}
A document is a stranger's text: what crashes or hangs here is answered for by whoever asked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TextIO

from v2m_otio.read import read_document
from v2m_otio.targets import PathMap

from v2m.errors import InputError, V2MError
from v2m.frames import probe
from v2m.timeline import Media

MEMORY_BYTES: Final = 4 << 30
"""Of address space: the largest document that is read takes well under a gigabyte."""

BUNDLE: Final = ".otioz"

_COMES: Final = ("was not found", "is empty", "cannot be read", "may not be read by this user")
"""Problems of media that go away when a copy is finished; a path of another system does not."""


def main() -> int:
    """Answer until stdin ends."""
    _limit_memory()
    answer_all(sys.stdin, sys.stdout)
    return 0


def answer_all(asked: Iterable[str], answers: TextIO) -> None:
    """Answer one line after the other."""
    for line in asked:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    try:
        media = _video(question["video"]) if "video" in question else _timeline(question)
        return {"error": None, "media": media}
    except V2MError as error:
        return {"error": error.as_dict(), "media": []}
    except Exception as error:  # nothing that a document does may end this process unheard
        wrong = InputError(f"It cannot be read: {type(error).__name__}.", detail=str(error)[:500])
        return {"error": wrong.as_dict(), "media": []}


def _timeline(question: dict[str, Any]) -> list[dict[str, Any]]:
    path = Path(question["timeline"])
    pairs = tuple((source, target) for source, target in question["path_map"])
    document = read_document(path, path_map=PathMap(pairs))
    if path.suffix.lower() == BUNDLE:
        return []  # they are in the bundle, which is whole, for a zip's directory is at its end
    media = {shot.media.target: shot.media for shot in document.timeline.shots if shot.media is not None}
    return [_told(each) for each in media.values()]


def _told(media: Media) -> dict[str, Any]:
    return {
        "target": media.target,
        "path": str(media.path) if media.path is not None else None,
        "comes": media.path is None and media.problem.startswith(_COMES),
    }


def _video(path: str) -> list[dict[str, Any]]:
    probe(Path(path))
    return []


def _limit_memory() -> None:
    if sys.platform == "linux":  # elsewhere the limit is not kept, or there is none
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    raise SystemExit(main())
