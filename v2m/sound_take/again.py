"""Whether a take's latents come again from its words, curve and seed."""

from __future__ import annotations

import numpy as np

from v2m.backbones.sound.programme import SoundOrder, compose
from v2m.errors import MissingPartError
from v2m.sound_take.opened import SoundTake
from v2m.sound_take.renewal import head_of, model_of
from v2m.sound_take.score import SPARE_S, heard_curve
from v2m.stages import Cancel
from v2m.take.opened import curve_of
from v2m.take.record import TakeRecord


def sound_composed_alike(take: SoundTake, cancel: Cancel) -> bool | None:
    """Whether the same latents come again, on the same kind of device.

    Returns:
        None for a take of which only a part was composed for itself: it has another's latents.

    Raises:
        MissingPartError: the take's weights are not here.
    """
    record = take.record
    if not _is_whole(record):
        return None
    model = model_of(take, record.arithmetic)
    if model.weights_sha256 != record.weights_sha256:
        raise MissingPartError(
            f"{take.folder.name} was composed by other weights of {record.backbone} "
            f"(SHA-256 {record.weights_sha256[:12]}…) than are here.",
            hint="Add those weights with `v2m models add`, or verify it without --compose.",
        )
    settings = record.settings
    before = record.before
    order = SoundOrder(
        prompt=take.sound.words,
        duration_s=float(before.duration_s) + SPARE_S,
        curve=heard_curve(curve_of(before.curve), settings),
        seeds=(record.seed,),
        adherence=settings["adherence"],
        steps=settings["steps"],
        head=head_of(take),
        window_scale=settings["window_scale"],
    )
    again = compose(model, order, lambda fraction: None, cancel)[0]
    return bool(np.array_equal(again, take.latents.before))


def _is_whole(record: TakeRecord) -> bool:
    """Whether it was composed in one go, rather than made of another take."""
    restyled = record.asked.get("restyle")
    return record.parent is None or (
        restyled is not None and not {"range", "intensity"} & restyled.keys() and record.origin is None
    )
