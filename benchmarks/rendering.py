"""How fast an arrangement becomes sound, against real time, and whether the sound is clean.

    python benchmarks/rendering.py [--seconds 60] [--tempo 120] [--save FILE.wav]

Prints seconds of music for each second of processor time, for each part alone, all five, and mastering, on
one thread and with an empty cache of notes; then what would betray a hung note (peak after everything has
rung out) and a click (largest step from sample to sample, over the peak).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from v2m.audio import master, mix, write_wav
from v2m.codecs.arrangement import PARTS, Arrangement, Note, Part
from v2m.codecs.synth import ScoreSynth
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ

RUNS = 3
_CHORDS = ((57, 60, 64, 67), (53, 57, 60, 65), (48, 52, 55, 60), (55, 59, 62, 67))  # Am7 F C G


def band(beat_count: int) -> Arrangement:
    """Five parts playing throughout, with humanised velocities: more notes a second than most cues have."""
    rng = np.random.default_rng(7)
    notes: list[Note] = []

    def add(part: Part, at: float, held: float, pitch: int, velocity: int) -> None:
        notes.append(Note(part, at, held, pitch, int(np.clip(velocity + rng.integers(-9, 10), 1, 127))))

    for bar in range(beat_count // 4):
        at = 4.0 * bar
        chord = _CHORDS[bar % 4]
        for pitch in chord:
            add("harmony", at, 4, pitch, 75)
        for eighth in range(8):
            add("drums", at + eighth / 2, 0.25, 46 if eighth == 7 else 42, 70)
            add("bass", at + eighth / 2, 0.5, chord[0] - 24, 90)
        for sixteenth in range(16):
            add("extras", at + sixteenth / 4, 0.25, chord[sixteenth % 4] + 12, 60)
        for beat, key in enumerate((36, 38, 36, 38)):
            add("drums", at + beat, 0.25, key, 105)
        if bar % 4 == 0:
            add("drums", at, 0.25, 49, 100)
        for beat in (0, 1.5, 2, 3):
            add("lead", at + beat, 0.75, int(rng.choice(chord)) + 12, 85)
    notes.sort(key=lambda note: (note.start_beat, note.part, note.pitch))
    programs: dict[Part, int] = {"drums": 16, "bass": 33, "harmony": 48, "lead": 73, "extras": 11}
    return Arrangement(beat_count, tuple(notes), 9, 4, programs)


def render_s(arrangement: Arrangement, tempo: TempoMap, sample_count: int) -> float:
    """Processor time for all blocks, as takes are played; the least of some runs: other load only adds."""
    times_s = []
    for _ in range(RUNS):
        began = time.process_time()
        for _block in ScoreSynth().blocks(arrangement, tempo, sample_count=sample_count):
            pass
        times_s.append(time.process_time() - began)
    return min(times_s)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tempo", type=float, default=120)
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    beat_count = int(options.seconds * options.tempo / 60) // 4 * 4
    # beats drift as on a planned map, so that lengths of notes do not repeat to the sample
    beat_s = 60 / options.tempo * (1 + 0.03 * np.sin(np.arange(beat_count + 16) / 5))
    tempo = TempoMap(tuple(np.concatenate([[0.0], np.cumsum(beat_s)]).tolist()))
    whole = band(beat_count)
    music_s = float(tempo.time_s(np.array(float(beat_count))))
    sample_count = round((music_s + 6) * SAMPLE_RATE_HZ)
    print(f"{len(whole.notes)} notes in {music_s:.1f} s")
    ScoreSynth().render(band(4), tempo, sample_count=SAMPLE_RATE_HZ)  # imports, page cache
    for part in PARTS:
        alone = replace(whole, notes=tuple(note for note in whole.notes if note.part == part))
        print(f"{part:8s} {music_s / render_s(alone, tempo, sample_count):7.1f} x real time")
    print(f"all five {music_s / render_s(whole, tempo, sample_count):7.1f} x real time")
    stems = ScoreSynth().render(whole, tempo, sample_count=sample_count)
    for part, samples in stems.items():
        tail, peak = np.abs(samples[-SAMPLE_RATE_HZ // 2 :]).max(), np.abs(samples).max()
        step = np.abs(np.diff(samples, axis=0)).max() / peak
        print(f"{part:8s} peak {peak:.3f}, after the last ring {tail:.1e}, largest step {step:.2f} of peak")
    began = time.process_time()
    mastered = master(mix(stems))
    print(f"master   {music_s / (time.process_time() - began):7.1f} x real time")
    if options.save:
        write_wav(options.save, mastered, overwrite=True)


if __name__ == "__main__":
    main()
