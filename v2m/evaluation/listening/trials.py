"""The trials of a listening test: each sets our music for a clip against a peer's, unnamed and side by side.

    DIR/test.json     videos, sounds, who is who: the listener never sees it
    DIR/votes.jsonl   see `votes`

Conventions: sides are drawn by lot for each trial, and the order anew for each listener; the same seed gives
the same test. The two questions are the paper's.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from v2m.errors import DocumentError, InputError, OutputExistsError
from v2m.evaluation.clip import VIDEO_SUFFIXES, media_by_stem
from v2m.evaluation.peers import audio_of
from v2m.evaluation.store import write_whole

TEST_NAME: Final = "test.json"
FORMAT: Final = "v2m-listening-1"

Question = Literal["quality", "sync"]
QUESTIONS: Final[Mapping[Question, str]] = {
    "quality": "Which has better quality?",
    "sync": "Which better synchronizes with the visuals?",
}
"""As section 4.2 of the paper asks them."""

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Trial:
    """One pair."""

    id: str
    clip: str
    video: str
    """Path."""

    left: str
    """Path of the sound on the left."""

    right: str
    left_is: str
    """Who made it."""

    right_is: str


@dataclass(frozen=True)
class Test:
    """All pairs of a test."""

    ours: str
    trials: tuple[Trial, ...]

    __test__ = False  # pytest takes every class of this name for one of its own

    def for_listener(self, listener: str) -> tuple[Trial, ...]:
        """The trials in this listener's own order."""
        order = list(self.trials)
        random.Random(listener).shuffle(order)  # noqa: S311 - an order, no secret
        return tuple(order)

    def trial(self, id_: str) -> Trial | None:
        """One of them."""
        return next((trial for trial in self.trials if trial.id == id_), None)


def make_test(
    folder: Path,
    videos: Path,
    ours: tuple[str, Path],
    peers: Mapping[str, Path],
    *,
    trials: int = 0,
    seed: int = 0,
) -> Test:
    """Draw a test and keep it.

    Args:
        folder: gets it.
        videos: named by clip.
        ours: name and folder of who is compared with each peer.
        peers: name -> folder.
        trials: so many of the pairs, spread evenly over peers; 0 takes all.
        seed: of sides, and of what is left out.

    Raises:
        OutputExistsError: there is a test already, whose votes would belong to another.
        InputError: no clip has a video, our music and a peer's.
        OutputWriteError: it cannot be written.
    """
    if (folder / TEST_NAME).exists():
        raise OutputExistsError(f"{folder} holds a test already.", hint="Make the new one in another folder.")
    shown, mine = media_by_stem(videos, VIDEO_SUFFIXES), audio_of(ours[1])
    drawn = random.Random(seed)  # noqa: S311 - sides, no secret
    by_peer = [_pairs(name, audio_of(path), shown, mine, ours[0], drawn) for name, path in peers.items()]
    for pairs in by_peer:
        drawn.shuffle(pairs)
    # one of each peer in turn: a test that is cut short still asks about all
    longest = max((len(pairs) for pairs in by_peer), default=0)
    chosen = [pairs[place] for place in range(longest) for pairs in by_peer if place < len(pairs)]
    if not chosen:
        raise InputError(
            "No clip has a video, our music and a peer's.",
            hint="Files belong together by name: CLIP.mp4, CLIP.wav.",
        )
    test = Test(ours[0], tuple(chosen[: trials or None]))
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / TEST_NAME, json.dumps({"format": FORMAT, **asdict(test)}, indent=1))
    return test


def _pairs(
    peer: str, theirs: Mapping[str, Path], videos: Mapping[str, Path], mine: Mapping[str, Path], ours: str,
    drawn: random.Random,
) -> list[Trial]:  # fmt: skip
    pairs = []
    for clip in sorted(set(theirs) & set(videos) & set(mine)):
        sides = [(str(mine[clip].resolve()), ours), (str(theirs[clip].resolve()), peer)]
        drawn.shuffle(sides)
        (left, left_is), (right, right_is) = sides
        id_ = f"{drawn.getrandbits(48):012x}"  # says nothing of clip or maker
        pairs.append(Trial(id_, clip, str(videos[clip].resolve()), left, right, left_is, right_is))
    return pairs


def read_test(folder: Path) -> Test:
    """The test that was made in a folder.

    Raises:
        DocumentError: there is none, or it is damaged.
    """
    try:
        data = json.loads((folder / TEST_NAME).read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError("another format")
        return Test(data["ours"], tuple(Trial(**trial) for trial in data["trials"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DocumentError(
            f"{folder} holds no listening test.",
            hint="Make one with `v2m evaluate listen make`.",
            detail=repr(error),
        ) from error
