"""From what was seen and said to what is composed: the beats, and what they reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from v2m.analysis import Analysis
from v2m.hits import Hit
from v2m.metrics.sch import PAPER_TOLERANCE_S, SCH, scene_cut_hit
from v2m.prompt.words import Brief
from v2m.tempo import Plan, TempoMap, TempoSettings, plan_tempo
from v2m.tempo.nearness import CLOSE, WIDE
from v2m.tempo.passing import REACH_S

HIT_WEIGHT = 2.0
"""Twice the planner's own weight: cuts of real footage come dense, and a few more reach a beat. Five times it
reaches no more that a listener can tell (column `plan` of `benchmarks/sch.py`), at tempi that swing wider."""

STYLE_LEEWAY = 1.12
"""How far past a style's usual tempi the planner may look: words name a style, the cuts a moment. Within the
usual ones beats come near 2 to 5 cuts in 100 fewer; a tempo that was asked for is kept."""

BOLD_LEEWAY = 1.25
"""The same where takes are bold: a fourth past a style's tempi the next style begins."""

OFFBEAT = "Hits that no beat reaches and that get an accent of their own"
"""What a take's note of them begins with."""


@dataclass(frozen=True)
class TempoWish:
    """What the user asked of the tempo; None leaves it to the words and the planner."""

    bpm: float | None = None
    freedom: float | None = None


def plan_beats(analysis: Analysis, brief: Brief, wish: TempoWish, *, boldly: bool = False) -> Plan:
    """Beats on the hits, at a tempo that the words allow.

    Args:
        analysis: of the programme.
        brief: the words.
        wish: what the user asked of the tempo besides.
        boldly: whether the tempo may lie farther from the style's, and beats farther from their hits.
    """
    bpm = wish.bpm or brief.bpm
    leeway = BOLD_LEEWAY if boldly else STYLE_LEEWAY
    settings = TempoSettings(
        wish_bpm=bpm,
        nominal_range_bpm=(bpm, bpm) if bpm else _nominal_range_bpm(brief, leeway),
        beats_per_bar=brief.beats_per_bar,
        hit_weight=HIT_WEIGHT,
        freedom=TempoSettings.freedom if wish.freedom is None else wish.freedom,
        nearness=WIDE if boldly else CLOSE,
    )
    return plan_tempo(analysis.hits, analysis.timeline.duration_s, settings)


def plan_takes(analysis: Analysis, brief: Brief, wish: TempoWish, takes: int) -> tuple[Plan, ...]:
    """The plans that takes follow in turn: every second one is bold, so that they miss other cuts."""
    plans = [plan_beats(analysis, brief, wish)]
    if takes > 1 and wish.freedom != 0:  # who asks for a steady click means it for every take
        plans.append(plan_beats(analysis, brief, wish, boldly=True))
    return tuple(plans)


def _nominal_range_bpm(brief: Brief, leeway: float) -> tuple[float, float]:
    """The tempi that words of tempo allow, or a style's with their leeway."""
    slow, fast = brief.bpm_range
    if brief.bpm_limits is not None or brief.named("tempo"):
        return slow, fast
    slowest, fastest = TempoSettings.bpm_range
    return max(slowest, slow / leeway), min(fastest, fast * leeway)


def sch_of_beats(analysis: Analysis, beats_s: tuple[float, ...]) -> SCH:
    """Scene Cut Hit of the programme's cuts, at their seams or middles, against given beats."""
    timeline = analysis.timeline
    cuts_s = [float(cut.time_s + cut.center_offset_s) for cut in timeline.cuts]
    return scene_cut_hit(cuts_s, beats_s, float(timeline.duration_s), PAPER_TOLERANCE_S)


def offbeat_notes(hits: Sequence[Hit], tempo_map: TempoMap) -> tuple[str, ...]:
    """What a person should know of hits that lie on no beat; nothing where all do."""
    times_s = np.array([float(hit.time_s) for hit in hits])
    nearest_s = tempo_map.time_s(np.round(tempo_map.beat_at(times_s)))
    count = int((np.abs(nearest_s - times_s) > REACH_S).sum())
    return (f"{OFFBEAT}: {count}.",) if count else ()
