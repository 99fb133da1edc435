"""The best take's music, placed in a copy of the document beside the takes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from v2m_otio.exchange.kinds import Format, format_named
from v2m_otio.exchange.writing import holds_music_as, place_music_as
from v2m_otio.place import Placed, Placement

from v2m.errors import OutputExistsError
from v2m.score import Scored
from v2m.stages import StageClock
from v2m.take.record import TAKE_SUFFIX
from v2m_daemon.programme import Programme


def place(
    programme: Programme,
    takes: Sequence[Scored],
    *,
    stem: str,
    overwrite: bool,
    clock: StageClock,
    to: str = "otio",
) -> Placed:
    """Put the best take, which is the first, into a copy of the document beside it.

    Args:
        programme: what was scored.
        takes: best first.
        stem: name of the copy where there are several takes.
        overwrite: whether an earlier copy of ours is replaced.
        clock: hears of the stage.
        to: name of the format, see `v2m_otio.exchange.kinds`.

    Raises:
        V2MError: see `v2m_otio.exchange.writing.place_music_as`.
    """
    form = format_named(to)
    with clock.stage("place"):
        name = f"{scored_stem(takes, stem)}_scored{form.suffix}"
        out = free_path(takes[0].folder.with_name(name), form, overwrite=overwrite)
        music = placement(programme, takes[0])
        return place_music_as(programme.document, music, out, form, overwrite=overwrite)


def placement(programme: Programme, take: Scored, *, wav: Path | None = None) -> Placement:
    """Where a take's music goes.

    Args:
        programme: what was scored.
        take: as it will stand.
        wav: where its music lies now, if it does not stand there yet.
    """
    return Placement(
        wav=wav or take.wav,
        start_s=programme.start_s,
        duration_s=programme.analysis.timeline.duration_s,
        take={"folder": take.folder.name, "seed": take.record.seed, "prompt": take.record.prompt},
    )


def scored_stem(takes: Sequence[Scored], stem: str) -> str:
    """What the scored copy is called after."""
    # of several takes another may be the best next time: the copy is then called by the timeline's name
    return takes[0].folder.name.removesuffix(TAKE_SUFFIX) if len(takes) == 1 else stem


def free_path(path: Path, form: Format, *, overwrite: bool) -> Path:
    """The path, or one with a number where a file stands that is the user's or may not be replaced.

    Raises:
        OutputExistsError: a thousand of them are taken.
    """
    for number in range(1, 1000):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        if not os.path.lexists(free) or (overwrite and holds_music_as(free, form)):
            return free
    raise OutputExistsError(f"{path} and its numbered successors are there.", hint="Use another --out.")
