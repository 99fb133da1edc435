"""A take of composed sound with all its moves as if it had been composed like that.

Conventions: as in `opened`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from v2m.encoders import protocol
from v2m.retime.edit import Edit
from v2m.retime.plan import plan_of
from v2m.sound_take.edited import joined, knots_of, lengthened
from v2m.sound_take.laying import Knots, warp_through
from v2m.sound_take.opened import SoundTake
from v2m.sound_take.renewal import remade_before
from v2m.take.record import Origin


def settle(take: SoundTake) -> SoundTake:
    """A take with all its moves as if it had been composed like that."""
    plan = plan_of(take.record)
    if plan is None:
        return take
    remade = remade_before(take, plan)
    sound: protocol.Sound = take.composed
    pieces = take.sound.laid.pieces
    knots = take.sound.laid.knots
    for placed in reversed(plan.edits):  # from the end on, so that what lies before is where it was
        edit = placed.edit
        made = remade.get(edit)
        if made is not None:
            length = len(sound)
            sound = joined(sound, made.patch, made.region, take.sound.latent_rate_hz)
            pieces = lengthened(pieces, len(sound) - length)
        own = made.knots if made else knots_of(
            edit, take.record.before, take.sound.laid.knots, None, take.sound.latent_rate_hz
        )  # fmt: skip
        knots = _with_edit(knots, own, edit, take.record.before)
    laid = replace(take.sound.laid, pieces=pieces, knots=knots)
    return take.settled_as(replace(take.sound, laid=laid, before="", patches=()), sound)


def _with_edit(knots: Knots, own: Knots, edit: Edit, before: Origin) -> Knots:
    """The knots of later edits behind an edit's own."""
    if edit.last_beat is None:
        return own
    until_s = before.tempo_map.beats_s[edit.last_beat]
    shift_s = float(edit.shift_s)
    behind = [knot for knot in knots if knot[1] > until_s + 1e-6]
    kept = [knot for knot in own if knot[1] <= until_s + shift_s + 1e-6]
    if not behind or not kept:
        return own
    # the sound behind is the same, as much later in the composed sound as the edit's own says
    warp_own, warp_old = warp_through(own), warp_through(knots)
    added_s = float(warp_own.positions(np.array(until_s + shift_s))) - float(
        warp_old.positions(np.array(until_s))
    )
    moved = [(round(at + added_s, 6), round(time_s + shift_s, 6)) for at, time_s in behind]
    return tuple([*kept, *moved])
