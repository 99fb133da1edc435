"""One attempt at a job, in the worker: from what was asked to results in place.

The only part of the daemon that opens documents and media. It goes on from what earlier attempts left and
leaves the same for later ones; see `v2m_daemon.worker.drafts` and `v2m_daemon.worker.publication`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from v2m_otio.exchange.kinds import format_named
from v2m_otio.exchange.writing import base_bytes, scored_bytes
from v2m_otio.output import write_whole
from v2m_otio.place import Placed

from v2m.backbones import load_backbone
from v2m.backbones.base import Backbone
from v2m.codecs.soundfont import find_soundfont
from v2m.errors import OutputExistsError, UnsupportedError
from v2m.score import Scored, score
from v2m.stages import Cancel, Progress, StageClock
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.spec import JobKind
from v2m_daemon.placing import free_path, placement, scored_stem
from v2m_daemon.programme import Programme, open_programme
from v2m_daemon.results import of_analysis, of_scoring
from v2m_daemon.worker import publication
from v2m_daemon.worker.asked import place_of, settings_of, viewing_of, wording_of
from v2m_daemon.worker.draft_shelf import DraftShelf
from v2m_daemon.worker.drafts import DraftedBackbone, Drafts
from v2m_daemon.worker.executor import Done, Work

_TRIES: Final = 5
"""Another program may take a name between our look and our rename, though hardly five times in a row."""


class Studio:
    """What stays warm from job to job: the models."""

    def __init__(self, load: Callable[[str], Backbone] = load_backbone) -> None:
        self._load = load
        self._backbones: dict[str, Backbone] = {}

    def backbone(self, name: str) -> Backbone:
        """The backbone of a name, loaded once.

        Raises:
            UsageError: there is none.
        """
        if name not in self._backbones:
            self._backbones[name] = self._load(name)
        return self._backbones[name]

    def do(self, work: Work, progress: Progress, cancel: Cancel) -> Done:
        """Do a job, or what is left to do of it.

        Args:
            work: the job.
            progress: told how far each stage is.
            cancel: raises CancelledError to stop; once results are being put in place it is too late.

        Raises:
            V2MError: it cannot be done; nothing was put in place.
        """
        folder = JobFolder(work.folder)
        folder.stages.mkdir(parents=True, exist_ok=True)
        if publication.is_begun(folder) or folder.read_result() is not None:
            # if a place was taken meanwhile, what was put in place is back and the takes go elsewhere
            with contextlib.suppress(OutputExistsError):
                return publication.finish(folder)
        if work.spec.kind is JobKind.ANALYZE:
            return self._analyze(work, folder, progress, cancel)
        if work.spec.kind is not JobKind.SCORE:
            raise UnsupportedError(f"This version cannot {work.spec.kind} yet.", hint="Install a newer v2m.")
        return self._score(work, folder, progress, cancel)

    def _analyze(self, work: Work, folder: JobFolder, progress: Progress, cancel: Cancel) -> Done:
        drafts = Drafts(folder.stages, wording_of(work))
        clock = StageClock(progress)
        with open_programme(viewing_of(work), clock, cancel=cancel, remember=drafts.analysis) as seen:
            result = of_analysis(seen.analysis)
        if work.puts_in_place:
            folder.write_result(result, {})
        return Done(result, {})

    def _score(self, work: Work, folder: JobFolder, progress: Progress, cancel: Cancel) -> Done:
        settings, viewing, place = settings_of(work), viewing_of(work), place_of(work, folder)
        form = format_named(work.spec.to)
        find_soundfont(settings.soundfont)  # told now rather than after minutes of looking at the picture
        drafts = Drafts(folder.stages, wording_of(work))
        backbone = DraftedBackbone(self.backbone(settings.backbone), drafts)
        clock = StageClock(progress)
        with open_programme(viewing, clock, cancel=cancel, remember=drafts.analysis) as programme:
            base_bytes(programme.document, form)  # nor after minutes of composing
            key = drafts.key(programme.sources)
            shelf = DraftShelf(folder.stages, key, place, overwrite=work.spec.overwrite)
            takes = score(
                programme.analysis, settings, shelf=shelf, stem=viewing.path.stem, sources=programme.sources,
                clock=clock, cancel=cancel, backbone=backbone,
            )  # fmt: skip
            cancel()
            if not work.puts_in_place:
                return Done({}, {})
            return _publish(work, programme, takes, shelf, clock)


def _publish(
    work: Work, programme: Programme, takes: Sequence[Scored], shelf: DraftShelf, clock: StageClock
) -> Done:
    """Put takes and document in place; where a place is taken at the last moment, in others."""
    folder, hidden = JobFolder(work.folder), publication.open_hidden(shelf.place, work.job_id)
    try:
        brought = [publication.bring(take.folder, hidden) for take in takes]
        for _ in range(_TRIES - 1):
            with contextlib.suppress(OutputExistsError):
                return _put(work, hidden, brought, programme, takes, shelf, clock)
        return _put(work, hidden, brought, programme, takes, shelf, clock)
    except BaseException:
        publication.abandon(folder, shelf.place, work.job_id)
        raise


def _put(
    work: Work,
    hidden: Path,
    brought: Sequence[Path],
    programme: Programme,
    takes: Sequence[Scored],
    shelf: DraftShelf,
    clock: StageClock,
) -> Done:
    """One try to put everything in place.

    Raises:
        OutputExistsError: a place was taken meanwhile; all is back in the hidden folder.
    """
    final = [replace(take, folder=shelf.free_place(take.folder)) for take in takes]
    with clock.stage("place"):
        stem = scored_stem(final, programme.document.path.stem)
        form = format_named(work.spec.to)
        out = free_path(shelf.place / f"{stem}_scored{form.suffix}", form, overwrite=shelf.overwrite)
        where = placement(programme, final[0], wav=brought[0] / final[0].wav.name)
        made, notes = scored_bytes(programme.document, where, out, form, wav=final[0].wav)
        timeline = hidden / f"timeline{form.suffix}"
        write_whole(timeline, made, overwrite=True)
    moves = [
        publication.Move(source, there.folder, shelf.overwrite)
        for source, there in zip(brought, final, strict=True)
    ]
    moves.append(publication.Move(timeline, out, shelf.overwrite))
    result = of_scoring(final, Placed(out, notes), clock.seconds)
    outputs = {name: result[name] for name in ("take", "wav", "timeline")}
    return publication.publish(JobFolder(work.folder), hidden, moves, result, outputs)
