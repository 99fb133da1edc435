"""Takes that are whole, and the document with their music, on their way to where they were asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from v2m_otio.exchange.kinds import format_named
from v2m_otio.exchange.writing import scored_bytes
from v2m_otio.output import write_whole
from v2m_otio.place import Placed

from v2m.errors import OutputExistsError
from v2m.score import Scored
from v2m.stages import StageClock
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.placing import free_path, placement, scored_stem
from v2m_daemon.programme import Programme
from v2m_daemon.results import of_scoring
from v2m_daemon.worker import publication
from v2m_daemon.worker.draft_shelf import DraftShelf
from v2m_daemon.worker.executor import Done, Work

_TRIES: Final = 5
"""Another program may take a name between our look and our rename, though hardly five times in a row."""


def hand_over(
    work: Work,
    programme: Programme | None,
    takes: Sequence[Scored],
    shelf: DraftShelf,
    clock: StageClock,
    told: Mapping[str, Any] | None = None,
) -> Done:
    """Put takes and document in place; where a place is taken at the last moment, in others.

    Args:
        work: the job.
        programme: whose document the music is placed in; None: there is none.
        takes: best first.
        shelf: that they lie on.
        clock: hears of the stage.
        told: what else the result tells.

    Raises:
        OutputExistsError: places are taken again and again.
        OutputWriteError: the disk is full; all is as it was before.
    """
    folder, hidden = JobFolder(work.folder), publication.open_hidden(shelf.place, work.job_id)
    try:
        brought = [publication.bring(take.folder, hidden) for take in takes]
        for _ in range(_TRIES - 1):
            with contextlib.suppress(OutputExistsError):
                return _put(work, hidden, brought, programme, takes, shelf, clock, told or {})
        return _put(work, hidden, brought, programme, takes, shelf, clock, told or {})
    except BaseException:
        publication.abandon(folder, shelf.place, work.job_id)
        raise


def _put(
    work: Work,
    hidden: Path,
    brought: Sequence[Path],
    programme: Programme | None,
    takes: Sequence[Scored],
    shelf: DraftShelf,
    clock: StageClock,
    told: Mapping[str, Any],
) -> Done:
    """One try to put everything in place.

    Raises:
        OutputExistsError: a place was taken meanwhile; all is back in the hidden folder.
    """
    final = [replace(take, folder=shelf.free_place(take.folder)) for take in takes]
    moves = [
        publication.Move(source, there.folder, shelf.overwrite)
        for source, there in zip(brought, final, strict=True)
    ]
    placed = None
    if programme is not None:
        with clock.stage("place"):
            placed, move = _document(work, hidden, brought[0], programme, final, shelf)
        moves.append(move)
    result = {**of_scoring(final, placed, clock.seconds), **told}
    outputs = {name: result[name] for name in ("take", "wav", "timeline") if result[name]}
    outputs |= {f"take-{rank}": str(take.folder) for rank, take in enumerate(final[1:], start=2)}
    return publication.publish(JobFolder(work.folder), hidden, moves, result, outputs)


def _document(
    work: Work,
    hidden: Path,
    brought: Path,
    programme: Programme,
    final: Sequence[Scored],
    shelf: DraftShelf,
) -> tuple[Placed, publication.Move]:
    """The document with the best take's music, written in the hidden folder, and where it goes."""
    stem, form = scored_stem(final, programme.document.path.stem), format_named(work.spec.to)
    out = free_path(shelf.place / f"{stem}_scored{form.suffix}", form, overwrite=shelf.overwrite)
    where = placement(programme, final[0], wav=brought / final[0].wav.name)
    made, notes = scored_bytes(programme.document, where, out, form, wav=final[0].wav)
    timeline = hidden / f"timeline{form.suffix}"
    write_whole(timeline, made, overwrite=True)
    return Placed(out, notes), publication.Move(timeline, out, shelf.overwrite)
