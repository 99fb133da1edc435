"""What of a composed piece the score latents keep: piece -> latents -> piece, note by note.

    python benchmarks/round_trip.py [--pieces 4] [--seed 0]

Composes training pieces of every style, encodes and decodes them as they are and with gaussian noise of 0.05
and 0.15 on every latent, which is what a sampler leaves. A note is kept when one of its part and pitch starts
within 5 ms of it, each found note answering for one. Printed for each part and each style: notes, share kept,
share found at all (within half a sixteenth), surplus notes, quantiles of the errors of starts and of ends in
ms (50, 95 and 99 % are below; drums have no ends), one sigma of velocity in steps of 127. The bar, without
noise: 99 % kept, 2 steps of velocity. Below each table: the share of pedal time that is kept (what is down in
both over what is down in either) and one sigma of loudness in dB, where the pieces have them.
"""

from __future__ import annotations

import argparse
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from v2m_training.compose import STYLE_NAMES, Piece, compose

from v2m.codecs.arrangement import PARTS, STEPS_PER_BEAT, Arrangement, Note, Part
from v2m.codecs.latents import decode, encode

NOISES = (0.0, 0.05, 0.15)
KEPT_MS = 5.0
_QUANTILES = (0.5, 0.95, 0.99)


@dataclass
class Tally:
    """Errors of the notes of one kind."""

    written: int = 0
    read: int = 0
    start_ms: list[float] = field(default_factory=list)
    end_ms: list[float] = field(default_factory=list)
    velocity: list[float] = field(default_factory=list)

    def add(self, note: Note, found: Note | None, beat_ms: float) -> None:
        """Count a note and what was found of it."""
        self.written += 1
        if found is None:
            return
        self.start_ms.append(abs(found.start_beat - note.start_beat) * beat_ms)
        self.velocity.append(found.velocity - note.velocity)
        if note.part != "drums":
            ends = (each.start_beat + each.duration_beats for each in (found, note))
            self.end_ms.append(abs(next(ends) - next(ends)) * beat_ms)

    def row(self, name: str) -> str:
        """One line of the table."""
        kept = sum(error <= KEPT_MS for error in self.start_ms) / max(1, self.written)
        found = len(self.start_ms) / max(1, self.written)
        surplus = (self.read - len(self.start_ms)) / max(1, self.written)
        sigma = float(np.sqrt(np.mean(np.square(self.velocity)))) if self.velocity else 0.0
        return (
            f"  {name:<16}{self.written:>7}{kept:>9.2%}{found:>9.2%}{surplus:>9.2%}"
            f"   {_quantiles(self.start_ms)}   {_quantiles(self.end_ms)}{sigma:>9.2f}"
        )


def _quantiles(errors: list[float]) -> str:
    if not errors:
        return f"{'-':>21}"
    return "".join(f"{value:>7.1f}" for value in np.quantile(errors, _QUANTILES))


def pairs(written: Arrangement, read: Arrangement, within_beats: float) -> Iterator[tuple[Note, Note | None]]:
    """Each written note with the nearest read one of its part and pitch that no other has taken."""
    left: defaultdict[tuple[Part, int], list[Note]] = defaultdict(list)
    for note in read.notes:
        left[note.part, note.pitch].append(note)
    for note in written.notes:
        there = left[note.part, note.pitch]
        low = bisect_left(there, note.start_beat - within_beats, key=lambda each: each.start_beat)
        high = bisect_left(there, note.start_beat + within_beats, key=lambda each: each.start_beat)
        near = range(low, high)
        best = min(near, key=lambda i: abs(there[i].start_beat - note.start_beat), default=None)
        yield note, None if best is None else there.pop(best)


@dataclass
class Gestures:
    """What became of the pedals and swells."""

    in_both: float = 0.0
    in_either: float = 0.0
    errors_db: list[float] = field(default_factory=list)

    def add(self, written: Arrangement, read: Arrangement) -> None:
        """Compare a piece, sixteenth by sixteenth."""
        steps = written.beat_count * STEPS_PER_BEAT
        for part in PARTS:
            down = [_pedal_down(music, part, steps) for music in (written, read)]
            self.in_both += float((down[0] & down[1]).sum())
            self.in_either += float((down[0] | down[1]).sum())
            levels = [music.loudness_db.get(part, ()) for music in (written, read)]
            if any(levels):
                errors = np.subtract(*(_levels(level, steps) for level in levels))
                self.errors_db += errors.tolist()

    def __str__(self) -> str:
        """One line."""
        kept = f"{self.in_both / self.in_either:.1%}" if self.in_either else "-"
        sigma = f"{np.sqrt(np.mean(np.square(self.errors_db))):.2f} dB" if self.errors_db else "-"
        return f"  pedal kept {kept}, loudness within {sigma}"


def _levels(levels_db: tuple[float, ...], steps: int) -> NDArray[np.float64]:
    return np.interp(np.arange(steps), np.arange(max(1, len(levels_db))), levels_db or (0.0,))


def _pedal_down(music: Arrangement, part: Part, steps: int) -> NDArray[np.bool_]:
    middles = (np.arange(steps) + 0.5) / STEPS_PER_BEAT
    down = np.zeros(steps, bool)
    for start, end in music.pedals.get(part, ()):
        down |= (middles >= start) & (middles < end)
    return down


def measure(pieces: list[Piece], noise: float) -> tuple[dict[str, Tally], Gestures]:
    """Tallies by part, by style and of all, and of what lies under the notes."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    gestures = Gestures()
    rng = np.random.default_rng(1)
    for piece in pieces:
        music = piece.arrangement
        latents = encode(music)
        noisy = latents + noise * rng.standard_normal(latents.shape)
        back = decode(noisy, music.tonic, music.beats_per_bar)
        gestures.add(music, back)
        for note in back.notes:
            for name in (note.part, piece.style, "all"):
                tallies[name].read += 1
        for note, found in pairs(music, back, 0.5 / STEPS_PER_BEAT):
            for name in (note.part, piece.style, "all"):
                tallies[name].add(note, found, 60_000 / piece.bpm)
    return tallies, gestures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pieces", type=int, default=4, help="of each style")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pieces = [
        compose(1000 * options.seed + number, style)
        for style in STYLE_NAMES
        for number in range(options.pieces)
    ]
    for noise in NOISES:
        tallies, gestures = measure(pieces, noise)
        print(f"noise {noise}: {len(pieces)} pieces, {len(STYLE_NAMES)} styles")
        print(
            f"  {'':<16}{'notes':>7}{'kept':>9}{'found':>9}{'surplus':>9}"
            f"   {'start ms 50/95/99 %':>21}   {'end ms 50/95/99 %':>21}{'velocity':>9}"
        )
        for name in (*PARTS, *STYLE_NAMES, "all"):
            if name in tallies:
                print(tallies[name].row(name))
        print(gestures)


if __name__ == "__main__":
    main()
