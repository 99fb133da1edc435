"""The third verb for composed sound: other words on the same hits, at the same tempo.

A model of sound writes no parts, so none can be locked, made again or muted by itself. A range, or more and
less in some bars, is composed again through the model's own mask; see `retiming`.
"""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from v2m.backbones import hears_curve
from v2m.backbones.sound.model import SoundModel
from v2m.errors import UsageError
from v2m.restyle import Restyling
from v2m.score import Scored, ScoreSettings
from v2m.sound_take.opened import SoundTake
from v2m.sound_take.score import Lineage, Order, score_sound
from v2m.stages import Cancel, StageClock, never_cancel
from v2m.take.opened import analysis_of
from v2m.take.pictures import read_pictures
from v2m.take.shelf import TakeShelf

_ONE_SOUND: Final = "of sound, which has no parts: they can be neither locked nor muted nor made again alone"


def check_restyling(take: SoundTake, wish: Restyling) -> None:
    """Refuse what composed sound cannot do.

    Raises:
        UsageError: parts are named, or another curve is to be followed by a model that does not hear it.
    """
    if wish.locked or wish.only or wish.muted:
        raise UsageError(
            f"{take.folder.name} was composed by {take.record.backbone}, a model {_ONE_SOUND}.",
            hint="Score with the backbone sketch for stems, or give a --range to compose again.",
        )
    adapter = Path(take.sound.adapter) if take.sound.adapter else None
    if wish.swells and not hears_curve(take.record.backbone, adapter):
        raise UsageError(
            f"{take.folder.name} was composed without an adapter: its model does not hear the event curve, "
            "so --intensity changes nothing.",
            hint="Score the timeline again with --adapter, or say in --prompt and --range what is to change.",
        )


def restyle_sound(
    take: SoundTake,
    wish: Restyling,
    *,
    shelf: TakeShelf,
    stem: str,
    clock: StageClock | None = None,
    cancel: Cancel = never_cancel,
    model: SoundModel | None = None,
    with_report: bool = True,
) -> Scored:
    """Make another take for the same hits.

    Args:
        take: the take as it is.
        wish: what is asked of it; words, a seed, or both.
        shelf: gets `STEM.v2m`.
        stem: name of the new take.
        clock: hears of the stages.
        cancel: raises CancelledError to stop; the shelf then leaves nothing behind.
        model: one that is loaded already; None loads the take's own.
        with_report: whether the new take gets a page to look at.

    Raises:
        V2MError: see `v2m.errors`.
    """
    check_restyling(take, wish)
    shelf.check(stem)
    record = take.record
    seed = wish.seed
    if seed is None:
        seed = record.seed + int(wish.prompt is None)
    settings = replace(settings_of(take), prompt=wish.prompt or record.prompt, seed=seed, takes=1)
    analysis = replace(analysis_of(record), notes=(), sheet=read_pictures(take.folder))
    lineage = Lineage(take.as_parent, wish.asked)
    order = Order(analysis, settings, (stem,), record.sources, with_report, lineage)
    return score_sound(order, shelf, clock or StageClock(), cancel, model)[0]


def settings_of(take: SoundTake) -> ScoreSettings:
    """The knobs that a take was made with; its tempo is what was asked for then, unless its words say one."""
    known = {field.name for field in fields(ScoreSettings)}
    values = {name: value for name, value in take.record.settings.items() if name in known}
    for name in ("soundfont", "adapter"):
        values[name] = Path(values[name]) if values.get(name) else None
    composed = take.record.metrics.get("composed") or {}
    if values.get("tempo_bpm") is None:
        values["tempo_bpm"] = composed.get("asked_bpm")
    return ScoreSettings(**values)
