"""One attempt at a job, in the worker: from what was asked to results in place.

The only part of the daemon that opens documents and media. It goes on from what earlier attempts left and
leaves the same for later ones; see `v2m_daemon.worker.drafts` and `v2m_daemon.worker.publication`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable
from pathlib import Path

from v2m_otio.exchange.kinds import format_named
from v2m_otio.exchange.writing import base_bytes

from v2m.backbones import check_backbone, composes_sound, load_backbone, load_sound_model
from v2m.backbones.base import RenewingBackbone
from v2m.backbones.sound.model import Remember, SoundModel, compose_anew
from v2m.codecs.soundfont import find_soundfont
from v2m.errors import OutputExistsError
from v2m.model.warm import WARM
from v2m.score import score
from v2m.stages import Cancel, Progress, StageClock
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.spec import JobKind
from v2m_daemon.programme import open_programme
from v2m_daemon.results import of_analysis
from v2m_daemon.worker import publication
from v2m_daemon.worker.asked import place_of, settings_of, viewing_of, wording_of
from v2m_daemon.worker.changes import restyle_take, retime_take
from v2m_daemon.worker.draft_shelf import DraftShelf
from v2m_daemon.worker.drafts import DraftedBackbone, Drafts
from v2m_daemon.worker.executor import Done, Work
from v2m_daemon.worker.handover import hand_over

LoadSound = Callable[..., SoundModel]
"""As `load_sound_model`."""


class Studio:
    """What stays warm from job to job: the models."""

    def __init__(
        self,
        load: Callable[[str], RenewingBackbone] = load_backbone,
        load_sound: LoadSound = load_sound_model,
    ) -> None:
        self._load = load
        self._load_sound = load_sound
        self._backbones: dict[str, RenewingBackbone] = {}
        self._sound: Hashable = None

    def backbone(self, name: str) -> RenewingBackbone:
        """The backbone of a name, loaded once.

        Raises:
            UsageError: there is none.
        """
        if name not in self._backbones:
            self._backbones[name] = self._load(name)
        return self._backbones[name]

    def sound_model(self, name: str, adapter: Path | None = None, lora_strength: float = 1.0) -> SoundModel:
        """The model of sound of a name; of these large ones the last one alone stays loaded.

        What lies in its folder now is what composes: a model that was added anew is loaded anew.

        Raises:
            V2MError: it cannot be had; see `load_sound_model`.
        """
        check_backbone(name, adapter, lora_strength)
        model = self._load_sound(name, adapter=adapter, lora_strength=lora_strength)  # no weights yet
        key = (name, model.weights_sha256, model.arithmetic)
        if (warm := WARM.find(key)) is not None:
            kept: SoundModel = warm
            return kept
        WARM.let_go(self._sound)
        WARM.keep(key, model, model.arithmetic, model.unload)
        self._sound = key
        return model

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
        if work.spec.kind is JobKind.SCORE:
            return self._score(work, folder, progress, cancel)
        if not work.puts_in_place:
            return Done({}, {})  # takes are changed where they lie
        change = retime_take if work.spec.kind is JobKind.RETIME else restyle_take
        return change(work, self, StageClock(progress), cancel)

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
        drafts = Drafts(folder.stages, wording_of(work))
        backbone, model = None, None  # what is missing is told now rather than after minutes of looking
        remember: Remember = compose_anew
        if composes_sound(settings.backbone):
            model = self.sound_model(settings.backbone, settings.adapter, settings.lora_strength)
            remember = drafts.windows(model)
        else:
            check_backbone(settings.backbone, settings.adapter)
            find_soundfont(settings.soundfont)
            backbone = DraftedBackbone(self.backbone(settings.backbone), drafts)
        clock = StageClock(progress)
        with open_programme(viewing, clock, cancel=cancel, remember=drafts.analysis) as programme:
            base_bytes(programme.document, form)  # nor after minutes of composing
            key = drafts.key(programme.sources)
            shelf = DraftShelf(folder.stages, key, place, overwrite=work.spec.overwrite)
            takes = score(
                programme.analysis, settings, shelf=shelf, stem=viewing.path.stem, sources=programme.sources,
                clock=clock, cancel=cancel, backbone=backbone, model=model, remember=remember,
            )  # fmt: skip
            cancel()
            if not work.puts_in_place:
                return Done({}, {})
            return hand_over(work, programme, takes, shelf, clock)
