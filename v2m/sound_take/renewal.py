"""What a retime of composed sound composes again: latents, the sound of them, and where its knots lie.

Conventions: as in `edited`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from v2m.audio import as_stored
from v2m.backbones import load_sound_model
from v2m.backbones.sound.following import read_following
from v2m.backbones.sound.model import SoundModel
from v2m.backbones.sound.programme import Latents, SoundOrder, renew
from v2m.errors import DocumentError, UsageError
from v2m.retime.edit import Edit
from v2m.retime.plan import RetimePlan, plan_of
from v2m.retime.verb import Retiming
from v2m.sound_take.asking import words_with_tempo
from v2m.sound_take.edited import Region, cut_patch, joined, knots_of, on_attacks, region_of
from v2m.sound_take.files import Samples
from v2m.sound_take.laying import Knots, warp_through
from v2m.sound_take.opened import SoundTake
from v2m.sound_take.spool import rendered
from v2m.stages import Cancel, FractionDone
from v2m.swell import swelled
from v2m.take.opened import curve_of

if TYPE_CHECKING:
    from v2m.backbones.sound.head import LatentHead


@dataclass(frozen=True)
class Remade:
    """What an edit composes again, with this edit alone."""

    region: Region
    latents: Latents  # (n, c)
    patch: Samples
    knots: Knots


def remade_before(take: SoundTake, plan: RetimePlan | None = None) -> dict[Edit, Remade]:
    """What the take's own plan composed again, read from its folder."""
    plan = plan or plan_of(take.record)
    edits = [placed.edit for placed in plan.edits if placed.edit.renewal is not None] if plan else []
    if len(edits) != len(take.sound.patches):
        raise DocumentError(f"{take.folder.name} does not hold what its plan composed again.")
    found, grown = {}, 0
    for edit, patch, sound in zip(edits, take.sound.patches, take.patches, strict=True):
        region = _region(take, edit)
        first = patch.first_frame + grown
        latents = take.latents.composed[first : first + patch.frame_count]
        found[edit] = Remade(region, latents, sound, patch.knots)
        grown += patch.frame_count - (patch.last_frame - patch.first_frame)
    return found


def _region(take: SoundTake, edit: Edit) -> Region:
    frames = len(take.latents.before)
    region = region_of(edit, take.record.before, take.sound.laid.knots, take.sound.latent_rate_hz, frames)
    assert region is not None  # noqa: S101 - asked for edits that compose
    return region


def remade(
    take: SoundTake, wish: Retiming, model: SoundModel | None, on_progress: FractionDone, cancel: Cancel
) -> dict[Edit, Remade]:
    """What the edits compose again: the take's own where it has the same, else composed now."""
    known = remade_before(take)
    wanted = [placed.edit for placed in wish.plan.edits if placed.edit.renewal is not None]
    missing = [edit for edit in wanted if edit not in known]
    if missing:
        model = model or model_of(take)
        check_model(take, model)
    for index, edit in enumerate(missing):

        def report(fraction: float, index: int = index) -> None:
            on_progress((index + fraction) / len(missing))

        assert model is not None  # noqa: S101 - loaded above
        known[edit] = _compose(take, edit, wish, model, report, cancel)
    return {edit: known[edit] for edit in wanted}


def model_of(take: SoundTake, arithmetic: str = "") -> SoundModel:
    """The model that composed a take, on the best device here or on a given one.

    Raises:
        UsageError: its adapter is not where it was.
        MissingPartError: the model was not added.
    """
    adapter = take.record.settings.get("adapter")
    return load_sound_model(
        take.record.backbone,
        adapter=Path(adapter) if adapter else None,
        lora_strength=take.lora_strength,
        arithmetic=arithmetic,
    )


def check_model(take: SoundTake, model: SoundModel) -> None:
    """Refuse to compose among what other weights composed.

    Raises:
        UsageError: the model's are not the take's.
    """
    if model.weights_sha256 != take.record.weights_sha256:
        raise UsageError(
            f"{take.folder.name} was composed by other weights of {take.record.backbone}, which alone can "
            "compose a part of it again.",
            hint="Allow more with --max-bend, or score the timeline again.",
        )


def _compose(
    take: SoundTake,
    edit: Edit,
    wish: Retiming,
    model: SoundModel,
    on_progress: FractionDone,
    cancel: Cancel,
) -> Remade:
    region, before, rate_hz = _region(take, edit), take.record.before, take.sound.latent_rate_hz
    moments, told = edit.applied(before), wish.redone
    knots = knots_of(edit, before, take.sound.laid.knots, region, rate_hz)
    latents = take.latents.before
    fresh = np.zeros((region.count, latents.shape[1]), np.float32)
    canvas = np.concatenate([latents[: region.first], fresh, latents[region.last :]])
    renewed = np.zeros(len(canvas), bool)
    renewed[region.first : region.first + region.count] = True
    curve = curve_of(swelled(moments.curve, told.swells if told else ()))
    middles_s = np.asarray((np.arange(len(canvas)) + 0.5) / float(rate_hz), np.float64)
    heard_s = warp_through(knots).times(middles_s)
    settings = take.record.settings
    words = take.sound.words
    if told is not None and told.prompt != take.record.prompt:
        words = words_with_tempo(told.prompt, asked_bpm(take))
    order = SoundOrder(
        prompt=words,
        duration_s=len(canvas) / float(rate_hz),
        curve=curve,
        seeds=(take.record.seed if told is None else told.seed,),
        adherence=settings["adherence"],
        steps=settings["steps"],
        window_scale=settings["window_scale"],
        head=head_of(take),
    )
    made = renew(model, order, canvas, renewed, on_progress, cancel, curve.at(heard_s).astype(np.float32))
    with rendered(model, made, lambda fraction: None, cancel) as sound:
        patch = as_stored(cut_patch(sound, region, rate_hz) * np.float32(take.sound.scale))
    whole = joined(take.composed, patch, region, rate_hz)
    return Remade(region, made[renewed], patch, on_attacks(knots, whole, region, moments))


def head_of(take: SoundTake) -> LatentHead | None:
    """What led a take towards its curve, if it was a head.

    Raises:
        UsageError: it is not where it was.
    """
    named = take.record.settings.get("adapter")
    if not named:
        return None
    found = read_following(take.record.backbone, Path(named))
    return None if found.head is None else found.head.head


def asked_bpm(take: SoundTake) -> float:
    """The tempo that a take was asked for."""
    return float(take.record.metrics.get("composed", {}).get("asked_bpm") or 120.0)
