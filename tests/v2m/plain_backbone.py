"""A backbone that composes at once: a plain groove whose every bar says where it stands.

Its latents are real ones of today's layout, so whatever reads takes reads these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from v2m.analysis import Analysis
from v2m.backbones.base import Commission, Composition
from v2m.codecs import latents as score_latents
from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.layout import CHANNEL_NAMES
from v2m.curves import event_curve
from v2m.hits import find_hits
from v2m.score import ScoreSettings, score
from v2m.stages import Cancel, FractionDone
from v2m.take.opened import OpenedTake
from v2m.take.shelf import Shelf
from v2m.timeline import Cut, Marker, Shot, Timeline

RATE = Fraction(24)
GROUPS = score_latents.GROUPS


@dataclass
class PlainBackbone:
    """Composes a groove; what it composes again is transposed, so that it is told from what stays."""

    name: str = "sketch"
    weights_sha256: str = "0" * 64
    renewals: int = 0
    arithmetic: str = "by hand"

    def compose(
        self, commission: Commission, on_progress: FractionDone, cancel: Cancel
    ) -> tuple[Composition, ...]:
        beats = len(commission.tempo_map.beats_s) - 1
        return tuple(self._composed(seed, beats) for seed in commission.seeds)

    def renew(
        self,
        commission: Commission,
        latents: NDArray[np.float32],
        renewed: NDArray[np.bool_],
        on_progress: FractionDone,
        cancel: Cancel,
    ) -> NDArray[np.float32]:
        self.renewals += 1
        fresh = score_latents.encode(groove(len(latents) // 4, 5 + commission.seeds[0]))
        cells = np.broadcast_to(renewed.reshape(len(renewed), -1), (len(renewed), len(GROUPS)))
        groups = [GROUPS.index(name.partition(".")[0]) for name in CHANNEL_NAMES]
        return np.where(cells[:, groups], fresh, latents)

    def _composed(self, seed: int, beats: int) -> Composition:
        arrangement = groove(beats, seed)
        return Composition(seed, score_latents.encode(arrangement), arrangement)


class SoftBackbone(PlainBackbone):
    """Strings and a flute: no attack is heard but what accents add."""

    def _composed(self, seed: int, beats: int) -> Composition:
        whole = groove(beats, seed)
        notes = tuple(note for note in whole.notes if note.part in ("harmony", "lead"))
        soft = replace(whole, notes=notes, programs={"harmony": 48, "lead": 73})
        return Composition(seed, score_latents.encode(soft), soft)


def groove(beats: int, seed: int) -> Arrangement:
    notes = []
    for beat in range(beats):
        notes.append(Note("drums", beat, 0.25, 36 if beat % 2 == 0 else 38, 90))
        notes.append(Note("drums", beat + 0.5, 0.25, 42, 60))
        notes.append(Note("bass", beat, 0.75, 36 + (beat + seed) % 7, 90))
        notes.append(Note("lead", beat, 0.5, 67 + (2 * beat + seed) % 9, 80))
        if beat % 4 == 0:
            notes += [
                Note("harmony", beat, min(4.0, beats - beat), pitch + seed % 3, 70) for pitch in (60, 64, 67)
            ]
    notes.sort(key=lambda note: (note.start_beat, note.part, note.pitch))
    programs = {"drums": 0, "bass": 33, "harmony": 0, "lead": 80}
    return Arrangement(beats, tuple(notes), tonic=0, programs=programs)


def programme(
    cut_frames: list[int], length_frames: int, rate: Fraction = RATE, markers: tuple[Marker, ...] = ()
) -> Timeline:
    bounds = [Fraction(frame) / rate for frame in (0, *cut_frames, length_frames)]
    shots = tuple(Shot(a, b - a) for a, b in pairwise(bounds))
    return Timeline(rate, bounds[-1], shots, tuple(Cut(time) for time in bounds[1:-1]), markers)


def analysis_of(timeline: Timeline) -> Analysis:
    curve = event_curve(None, float(timeline.duration_s), rate_hz=25.0, cuts=timeline.cuts)
    return Analysis(timeline, curve, find_hits(timeline), ())


def scored(
    folder: Path, timeline: Timeline, name: str = "film", backbone: PlainBackbone | None = None
) -> OpenedTake:
    """A take of the plain backbone, or of another."""
    backbone = backbone or PlainBackbone()
    settings = ScoreSettings(prompt="rock, 120 bpm", seed=3)
    with Shelf(folder) as shelf:
        made = score(analysis_of(timeline), settings, shelf=shelf, stem=name, backbone=backbone)
    return OpenedTake.read(made[0].folder)
