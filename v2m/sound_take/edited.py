"""One edit of a take of composed sound: where its knots lie, what is composed again, how that is joined.

An edit is told as if it were the only one (see `v2m.retime.edit`). Its beats are those of a plan for notes;
here they are knots of the map along which the sound is stretched, and frames to compose again become latent
frames. What is composed again is as long as the picture wants, so it is hardly stretched.
Conventions: as in `opened`; latent frame f begins at f / rate_hz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from v2m.codecs.arrangement import STEPS_PER_BEAT
from v2m.curves import FloatArray
from v2m.encoders.protocol import Sound
from v2m.errors import DocumentError
from v2m.fit.course import Warp
from v2m.metrics.heard import onset_strength
from v2m.retime.edit import Edit
from v2m.sound_take.asking import MAX_STRETCH
from v2m.sound_take.files import Samples
from v2m.sound_take.laying import Knots, warp_through
from v2m.sound_take.spool import Joined
from v2m.take.record import Origin
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

FADE: Final = round(0.02 * SAMPLE_RATE_HZ)
"""Of what is composed again into what stays, on both sides of it: both are the same latents there."""

_DIGITS: Final = 6
_APART_S: Final = 1e-3
_HOP_S: Final = 0.002  # of `onset_strength`
_HEAVY: Final = 0.5
_MOST_UNLIKE: Final = 0.5
"""Where waves cancel, a fade is made up for by no more than 3 dB: noise would be raised."""

_ATTACK_REACH_S: Final = 0.12
"""An attack farther from a hit than this is another's."""


@dataclass(frozen=True)
class Region:
    """Latent frames in place of others."""

    first: int
    last: int
    """Past the last that is replaced, as it was."""

    count: int
    start_s: float
    """In the programme with this edit alone."""

    end_s: float


def region_of(edit: Edit, before: Origin, knots: Knots, rate_hz: Fraction, frames: int) -> Region | None:
    """What of the latents an edit composes again; None where it only bends.

    Args:
        edit: the edit.
        before: the take before any hit was moved.
        knots: of the take then.
        rate_hz: latent frames a second.
        frames: how many latents the take has.
    """
    renewal = edit.renewal
    if renewal is None:
        return None
    moments = edit.tempo_map(before.tempo_map)
    was_s = before.tempo_map.time_s(np.array([renewal.first, renewal.last]) / STEPS_PER_BEAT)
    now_s = moments.time_s(np.array([renewal.first, renewal.first + renewal.count]) / STEPS_PER_BEAT)
    begin, end = warp_through(knots).positions(was_s)
    rate = float(rate_hz)
    first = min(max(round(float(begin) * rate), 0), frames - 1)
    last = min(max(round(float(end) * rate), first), frames)
    more = round((float(now_s[1] - now_s[0]) - float(end - begin)) * rate)
    if edit.last_beat is None:  # to the end: what is composed behind the programme is no longer needed
        last = frames
        more = round((float(now_s[1] - now_s[0]) - (frames - first) / rate) * rate) + 1
    count = max(1, last - first + more)
    return Region(first, last, count, float(now_s[0]), float(now_s[1]))


def place(frame: int, rate_hz: Fraction) -> int:
    """The sample at which a latent frame begins."""
    return round(frame * SAMPLE_RATE_HZ / rate_hz)


def joined(composed: Sound, patch: Samples, region: Region, rate_hz: Fraction) -> Joined:
    """Composed sound with a patch in its place; it reaches `FADE` samples into what stays on both sides."""
    first = min(place(region.first, rate_hz), len(composed))
    last = min(place(region.last, rate_hz), len(composed))
    lead, tail = min(FADE, first), min(FADE, len(composed) - last)
    core = patch[FADE : len(patch) - FADE]
    rise = ((np.arange(FADE) + 1) / (FADE + 1)).astype(np.float32)[:, None]
    into = composed[first - lead : first] * (1 - rise[:lead]) + patch[FADE - lead : FADE] * rise[:lead]
    out = patch[len(patch) - FADE :][:tail] * (1 - rise[:tail]) + composed[last : last + tail] * rise[:tail]
    middle = np.concatenate([into, core, out]).astype(np.float32, copy=False)
    return Joined(
        ((composed, 0, first - lead), (middle, 0, len(middle)), (composed, last + tail, len(composed)))
    )


def cut_patch(sound: Sound, region: Region, rate_hz: Fraction) -> Samples:
    """The patch of a region, from the whole sound with it; silence where it reaches past an end."""
    first, last = place(region.first, rate_hz), place(region.first + region.count, rate_hz)
    patch = np.zeros((last - first + 2 * FADE, 2), np.float32)
    low, high = max(0, first - FADE), min(len(sound), last + FADE)
    patch[low - first + FADE : high - first + FADE] = sound[low:high]
    return patch


def knots_of(edit: Edit, before: Origin, knots: Knots, region: Region | None, rate_hz: Fraction) -> Knots:
    """The knots of a take with this edit alone.

    Args:
        edit: the edit.
        before: the take before any hit was moved.
        knots: of the take then.
        region: what the edit composes again.
        rate_hz: latent frames a second.
    """
    warp = warp_through(knots)
    moments = edit.applied(before)
    duration_s = float(moments.duration_s)
    old_beats = np.asarray(before.tempo_map.beats_s)
    new_beats = np.asarray(moments.tempo_map.beats_s)
    if region is None or edit.renewal is None:
        was = _same_music(edit, old_beats, len(new_beats))
        pairs = list(zip(warp.positions(was).tolist(), new_beats.tolist(), strict=True))
    else:
        pairs = _around(edit, warp, before.tempo_map, moments.tempo_map, region, rate_hz)
    return _ended(pairs, duration_s)


def _same_music(edit: Edit, old_beats: FloatArray, count: int) -> FloatArray:
    """When each beat with the edit was, where only the pace changes."""
    index = np.arange(count)
    if edit.last_beat is not None:
        shift = len(edit.beats_s) - 1 - (edit.last_beat - edit.first_beat)
        index = np.where(index > edit.first_beat + len(edit.beats_s) - 1, index - shift, index)
    return np.asarray(TempoMap(tuple(old_beats.tolist())).time_s(index.astype(np.float64)))


def _around(
    edit: Edit, warp: Warp, old: TempoMap, new: TempoMap, region: Region, rate_hz: Fraction
) -> list[tuple[float, float]]:
    """Knots at the beats before a region, at its ends, and at those behind it."""
    renewal = edit.renewal
    assert renewal is not None  # noqa: S101 - the region is its
    added_s = (place(region.first + region.count, rate_hz) - place(region.last, rate_hz)) / SAMPLE_RATE_HZ
    first_beat, last_beat = renewal.first / STEPS_PER_BEAT, renewal.last / STEPS_PER_BEAT
    end_beat = (renewal.first + renewal.count) / STEPS_PER_BEAT
    begin_s = float(warp.positions(old.time_s(first_beat)))
    pairs = [(begin_s, region.start_s)]
    for beat, time_s in enumerate(new.beats_s):
        if beat < first_beat:
            pairs.append((float(warp.positions(old.time_s(beat))), time_s))
        elif beat > end_beat and edit.last_beat is not None:
            was_s = old.time_s(beat - end_beat + last_beat)
            pairs.append((float(warp.positions(was_s)) + added_s, time_s))
    if edit.last_beat is None:
        pairs.append((begin_s + region.end_s - region.start_s, region.end_s))
    else:
        pairs.append((float(warp.positions(old.time_s(last_beat))) + added_s, region.end_s))
    return sorted(pairs)


def _ended(pairs: list[tuple[float, float]], duration_s: float) -> Knots:
    """The same from the first frame to the end of the programme."""
    course = Warp(*np.array(pairs, np.float64).T)
    begin, end = course.positions(np.array([0.0, duration_s]))
    inside = [pair for pair in pairs if _APART_S < pair[1] < duration_s - _APART_S]
    whole = [(float(begin), 0.0), *inside, (float(end), duration_s)]
    kept = [whole[0]]
    for pair in whole[1:]:
        if pair[0] > kept[-1][0] + _APART_S and pair[1] > kept[-1][1] + _APART_S:
            kept.append(pair)
    return tuple((round(at, _DIGITS), round(time_s, _DIGITS)) for at, time_s in kept)


def on_attacks(knots: Knots, sound: Sound, region: Region, moments: Origin) -> Knots:
    """The knots with a region's own attacks on the hits in it, as far as a gentle stretch reaches.

    What a model composes again need not mark the hits. The strongest attack near each heavy one is moved onto
    it.

    Args:
        knots: of the take with the edit.
        sound: its composed sound.
        region: what was composed again.
        moments: the hits.
    """
    warp = warp_through(knots)
    found = [(float(warp.positions(np.array(region.start_s))), region.start_s)]
    for hit in moments.hits:
        time_s = float(hit.time_s)
        room_s = min(time_s - found[-1][1], region.end_s - time_s)
        if hit.weight < _HEAVY or room_s <= _APART_S:
            continue
        at_s = float(warp.positions(np.array(time_s)))
        attack_s = _attack(sound, at_s, min(_ATTACK_REACH_S, MAX_STRETCH * room_s))
        if attack_s is not None:
            found.append((attack_s, time_s))
    inside = [knot for knot in knots if not region.start_s < knot[1] < region.end_s]
    return _ended(sorted([*inside, *found]), float(moments.duration_s))


def _attack(sound: Sound, at_s: float, reach_s: float) -> float | None:
    """The strongest attack about a position; None where nothing stands out."""
    first = max(0, round((at_s - _ATTACK_REACH_S - 0.05) * SAMPLE_RATE_HZ))
    piece = sound[first : round((at_s + _ATTACK_REACH_S + 0.05) * SAMPLE_RATE_HZ)].mean(axis=1)
    if len(piece) < SAMPLE_RATE_HZ // 20:
        return None
    strength = onset_strength(piece, SAMPLE_RATE_HZ)
    times_s = first / SAMPLE_RATE_HZ + np.arange(len(strength)) * _HOP_S
    near = np.abs(times_s - at_s) <= max(reach_s, _HOP_S)
    if not near.any() or strength[near].max() <= 3 * np.median(strength) + 1e-3:
        return None
    return float(times_s[near][np.argmax(strength[near])])


def lengthened(
    pieces: Sequence[tuple[float, float, float]], samples: int
) -> tuple[tuple[float, float, float], ...]:
    """What is played of composed sound that has so many samples more.

    Raises:
        DocumentError: it is cut, which no sound of ours is.
    """
    (course_s, song_s, end_s), *others = pieces
    if others:
        raise DocumentError("The composed sound is cut, which composing a part of it again does not allow.")
    return ((course_s, song_s, end_s + samples / SAMPLE_RATE_HZ),)


def fade_levelled(
    sound: dict[str, Samples], span: slice, other: dict[str, Samples], share: FloatArray
) -> None:
    """Keep a share of a span, the rest is the other sound; the level stays, whether their waves agree or not.

    A stretched sound and the one that it stands for have other phases: equal gains would make a dip where
    they meet, equal powers a swell where they agree.
    """
    up, down = np.sin(share * np.pi / 2)[:, None], np.cos(share * np.pi / 2)[:, None]
    for name, samples in sound.items():
        new, old = samples[span].astype(np.float64), other[name].astype(np.float64)
        scale = float(np.sqrt((new**2).sum() * (old**2).sum())) + 1e-12
        alike = min(1.0, max(-_MOST_UNLIKE, float((new * old).sum()) / scale))
        samples[span] = ((up * new + down * old) / np.sqrt(1 + 2 * up * down * alike)).astype(np.float32)
