"""What a corpus is like, in figures: how much of what, how dense, and whether its curves mark its events.

Conventions: curve values are z-scores; "elsewhere" are the beats at least two beats from any event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from v2m.codecs.arrangement import STEPS_PER_BEAT, Arrangement
from v2m.codecs.latents import decode
from v2m_training.compose.harmony import SCALES
from v2m_training.corpus import Example, read

_STRENGTH_BINS: Final = ((0.3, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 1.01))
_CLEAR_BEATS: Final = 2.0


@dataclass(frozen=True)
class Figures:
    """What `describe` finds."""

    pieces: int
    hours: float
    hours_by_style: dict[str, float]
    notes_per_beat: float
    empty_bars: float
    """Share of bars in which no note begins."""

    in_scale: float
    """Share of pitches that belong to the scale of the piece's mode."""

    curve_at_events: dict[str, float]
    """Mean curve at events by range of strength, empty where nothing was rendered."""

    curve_elsewhere: float
    discrimination: float
    """How likely the curve at an event of 0.5 or more exceeds that at a beat elsewhere in its piece."""

    def __str__(self) -> str:
        """A table for people."""
        styles = "\n".join(f"  {name:<16}{hours:6.2f} h" for name, hours in self.hours_by_style.items())
        curve = "\n".join(
            f"  strength {name:<10}{value:+.2f}" for name, value in self.curve_at_events.items()
        )
        return (
            f"{self.pieces} pieces, {self.hours:.2f} h\n{styles}\n"
            f"notes a beat {self.notes_per_beat:.2f}, empty bars {self.empty_bars:.1%}, "
            f"pitches in scale {self.in_scale:.1%}\n"
            f"curve (z) at events\n{curve}\n  elsewhere          {self.curve_elsewhere:+.2f}\n"
            f"an event of 0.5 or more above a beat elsewhere: {self.discrimination:.1%}"
        )


def describe(folder: Path, *, decoded_pieces: int = 200) -> Figures:
    """Figures of a corpus.

    Args:
        folder: as `build` left it.
        decoded_pieces: of how many the notes are read back; all count for length and curve.

    Raises:
        InputError: the folder holds no corpus.
    """
    hours: defaultdict[str, float] = defaultdict(float)
    at_events: list[tuple[float, float]] = []
    elsewhere: list[float] = []
    wins: list[float] = []
    scores: list[tuple[float, float, float]] = []
    count = 0
    for example in read(folder):
        facts = example.facts
        hours[facts["style"]] += facts["frames"] / STEPS_PER_BEAT / facts["bpm"] / 60
        if count < decoded_pieces:
            scores.append(_score_figures(example))
        if example.curve is not None:
            events, rest = _curve_figures(example)
            at_events += events
            elsewhere += rest
            wins += _wins([value for strength, value in events if strength >= 0.5], rest)
        count += 1
    notes, empty, scale = np.mean(scores, axis=0)
    return Figures(
        pieces=count,
        hours=sum(hours.values()),
        hours_by_style=dict(sorted(hours.items())),
        notes_per_beat=float(notes),
        empty_bars=float(empty),
        in_scale=float(scale),
        curve_at_events=_by_strength(at_events),
        curve_elsewhere=float(np.mean(elsewhere)) if elsewhere else 0.0,
        discrimination=float(np.mean(wins)) if wins else 0.0,
    )


def _curve_figures(example: Example) -> tuple[list[tuple[float, float]], list[float]]:
    """(strength, curve) at events, and the curve at beats away from them."""
    curve, events = example.curve, example.facts["events"]
    if curve is None:
        return [], []
    at_events = [(strength, float(curve[round(beat * STEPS_PER_BEAT)])) for beat, strength in events]
    beats = np.arange(2, len(curve) // STEPS_PER_BEAT - 1)
    if events:
        marked = np.array([beat for beat, _ in events])
        beats = beats[np.abs(beats[:, None] - marked).min(axis=1) >= _CLEAR_BEATS]
    return at_events, [float(curve[beat * STEPS_PER_BEAT]) for beat in beats]


def _wins(events: Sequence[float], rest: Sequence[float]) -> list[float]:
    return [float(np.mean(np.asarray(rest) < value)) for value in events] if rest else []


def _by_strength(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    found = {}
    for low, high in _STRENGTH_BINS:
        inside = [value for strength, value in pairs if low <= strength < high]
        if inside:
            found[f"{low:.2f}-{min(high, 1):.2f}"] = float(np.mean(inside))
    return found


def _score_figures(example: Example) -> tuple[float, float, float]:
    """Notes a beat, share of empty bars, share of pitches in scale, from the latents."""
    mode = next(term for term in example.facts["terms"] if term in SCALES)
    music: Arrangement = decode(example.latents, 0, example.facts["beats_per_bar"])
    bars = {int(note.start_beat // music.beats_per_bar) for note in music.notes}
    pitches = [note.pitch % 12 in SCALES[mode] for note in music.notes if note.part != "drums"]
    bar_count = -(-music.beat_count // music.beats_per_bar)
    return (
        len(music.notes) / music.beat_count,
        1 - len(bars) / bar_count,
        float(np.mean(pitches)) if pitches else 1.0,
    )
