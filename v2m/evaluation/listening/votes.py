"""What listeners answered: one line of JSON for each trial, appended and synced before the page hears of it.

    DIR/votes.jsonl   {"trial", "listener", "quality", "sync"}; answers are left or right

A trial that one listener answers again counts with the last answer. A last line that a crash cut short is
left out.
"""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from v2m.errors import FieldError, OutputWriteError
from v2m.evaluation.listening.trials import Side

VOTES_NAME: Final = "votes.jsonl"
_LISTENER: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_ONE_AT_A_TIME: Final = threading.Lock()


@dataclass(frozen=True)
class Vote:
    """One listener's answers to one trial."""

    trial: str
    listener: str
    quality: Side
    sync: Side

    def __post_init__(self) -> None:
        """Refuse what no page sends.

        Raises:
            FieldError: a field holds what it cannot.
        """
        for name in ("quality", "sync"):
            if getattr(self, name) not in ("left", "right"):
                raise FieldError(
                    f"The answer {name} is {getattr(self, name)!r}, expected left or right.", detail=name
                )
        if not isinstance(self.listener, str) or not _LISTENER.fullmatch(self.listener):
            raise FieldError("The listener is no short name of letters and digits.", detail="listener")


def add_vote(folder: Path, vote: Vote) -> None:
    """Keep a vote; once this returns it survives a crash.

    Raises:
        OutputWriteError: it cannot be written.
    """
    path = folder / VOTES_NAME
    try:
        with _ONE_AT_A_TIME, path.open("ab") as file:
            file.write(json.dumps(asdict(vote)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputWriteError(f"The vote could not be kept: {error.strerror}.") from error


def read_votes(folder: Path) -> tuple[Vote, ...]:
    """All votes; the last one of each listener on each trial."""
    path = folder / VOTES_NAME
    kept: dict[tuple[str, str], Vote] = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    for line in lines:
        try:
            vote = Vote(**json.loads(line))
        except (ValueError, TypeError, FieldError):
            continue
        kept[vote.listener, vote.trial] = vote
    return tuple(kept.values())
