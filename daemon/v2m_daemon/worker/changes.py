"""Jobs that change a take: retime and restyle, from what was asked to results in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from v2m.backbones.base import RenewingBackbone
from v2m.backbones.sound.model import SoundModel
from v2m.retime import plan_of
from v2m.retime.telling import told_plan
from v2m.sound_take.opened import AnyTake, SoundTake, open_take
from v2m.stages import Cancel, StageClock
from v2m.take.record import take_id
from v2m_daemon.homecoming import homecoming, programme_for, stem_of
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.spec import JobSpec, names_in
from v2m_daemon.restyling import StyleWish, changing, retiming
from v2m_daemon.retiming import Wish, read_wish
from v2m_daemon.worker.asked import inside, place_of, wording_of
from v2m_daemon.worker.draft_shelf import DraftShelf
from v2m_daemon.worker.drafts import Drafts
from v2m_daemon.worker.executor import Done, Work
from v2m_daemon.worker.handover import hand_over


class Models(Protocol):
    """Who has the models."""

    def backbone(self, name: str) -> RenewingBackbone:
        """The backbone of a name that writes notes."""
        ...

    def sound_model(self, name: str, adapter: Path | None = None, lora_strength: float = 1.0) -> SoundModel:
        """The model of a name that composes sound."""
        ...


def _warm(work: Work, take: AnyTake, models: Models) -> dict[str, Any]:
    """What composed a take, for whoever composes some of it again.

    Raises:
        PathRefusedError: its adapter lies outside the folders that may be touched.
    """
    record = take.record
    if not isinstance(take, SoundTake):
        return {"backbone": models.backbone(record.backbone)}
    adapter = record.settings.get("adapter")
    path = inside(work, Path(adapter)) if adapter else None
    return {"model": models.sound_model(record.backbone, path, take.lora_strength)}


def retime_take(work: Work, models: Models, clock: StageClock, cancel: Cancel) -> Done:
    """Move hits of a take.

    Raises:
        V2MError: it cannot be done; nothing was put in place.
    """
    spec, take = work.spec, _take(work)
    timeline = None if spec.timeline is None else inside(work, Path(spec.timeline))
    with read_wish(take, Wish(spec.nudges, timeline, spec.max_bend / 100), _roots(work)) as asked:
        shelf = _shelf(work, take)
        take, plan = asked.take, asked.retiming.plan
        composes = any(placed.edit.renewal is not None for placed in plan.edits)
        made = retiming(take, asked.retiming)(
            shelf=shelf, stem=stem_of(take, "retimed"), clock=clock, cancel=cancel,
            **(_warm(work, take, models) if composes else {}),
        )  # fmt: skip
        cancel()
        programme = None
        if asked.document is not None:
            programme = programme_for(asked.document, made.record, asked.start_s)
        told = {"plan": told_plan(plan, take.record, plan_of(take.record))}
        return hand_over(work, programme, [made], shelf, clock, told)


def restyle_take(work: Work, models: Models, clock: StageClock, cancel: Cancel) -> Done:
    """Make other music on a take's beats.

    Raises:
        V2MError: it cannot be done; nothing was put in place.
    """
    spec, take = work.spec, _take(work)
    change = changing(take, _style_wish(spec))
    with homecoming(take, _roots(work)) as document:
        shelf = _shelf(work, take)
        made = change.make(
            shelf=shelf, stem=stem_of(take, "restyled"), clock=clock, cancel=cancel,
            **_warm(work, take, models),
        )  # fmt: skip
        cancel()
        programme = None if document is None else programme_for(document, made.record)
        return hand_over(work, programme, [made], shelf, clock, dict(change.told))


def _style_wish(spec: JobSpec) -> StyleWish:
    return StyleWish(
        prompt=spec.prompt,
        lock=names_in(spec.lock),
        only=names_in(spec.only),
        mute=names_in(spec.mute),
        solo=names_in(spec.solo),
        seed=spec.seed,
        intensity=tuple((where, float(amount)) for where, amount in spec.intensity),
        span=spec.range,
    )


def _take(work: Work) -> AnyTake:
    return open_take(inside(work, Path(work.spec.document)))


def _shelf(work: Work, take: AnyTake) -> DraftShelf:
    folder = JobFolder(work.folder)
    key = Drafts(folder.stages, wording_of(work)).key(take_id(take.record))
    return DraftShelf(folder.stages, key, place_of(work, folder), overwrite=work.spec.overwrite)


def _roots(work: Work) -> tuple[Path, ...]:
    return tuple(Path(root) for root in work.roots)
