"""Songs fitted to random cuts: hits on beats before and after, what stretching does to the sound, its cost.

    python benchmarks/fit.py [--lists N] [--seconds S] [--stretch PERCENT ...] [--full]

One line a song and limit, over N seeded lists of cuts (shots of 0.7-7 s) with the programme's end. A hit is
on a beat within 100 ms, and within a frame of 1/24 s. `before` is the song laid from its first sample as it
is (a loop end on end); `after` are the beats of the plan; `heard` are those that librosa's tracker finds in
the fitted sound, which knows nothing of the plan. `chance` is what `after` reaches when its beats are shifted
against the hits at random. Loops may be cut at bar lines, so may `edit`.

`flux` is the difference of the spectral flux (librosa's onset strength) of the fitted sound to that of the
song at the moments that the map says, as a share of the song's. The last line has it beside `copy`, the same
sound moved by half a hop, and `peer`, librosa's phase vocoder at an even 3 percent; `ours 3 %` is the same by
us. `attack` is how far the sound around a beat lies from where the map puts it, by the lag at which its onset
strength is most like the song's, in 95 beats of 100 at most; it is told by 2 ms.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import librosa
import numpy as np
from shares import share
from tempo import RATE, hits_of, shots

from v2m.analysis import Analysis
from v2m.curves import FloatArray, curve_from_cuts
from v2m.errors import InputError
from v2m.fit.course import Piece, Warp
from v2m.fit.fit import FitSettings, Laid, hear, lay
from v2m.fit.music import Music
from v2m.fit.stretch import CourseSound, Samples, stretched
from v2m.frames.sound import read_sound
from v2m.metrics.heard import onset_strength as fine_strength
from v2m.stages import never_cancel
from v2m.timebase import SAMPLE_RATE_HZ
from v2m.timeline import Cut, Shot, Timeline

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media" / "music"
LISTENED_HZ, HOP = 22050, 256
SHIFTS = 20
FRAME_S = 1 / RATE
SONGS: dict[str, tuple[bool, float | None]] = {
    "nutcracker.ogg": (False, None),
    "nutcracker.ogg edit": (True, None),
    "brahms_hungarian5.ogg": (False, 150.0),  # free rubato: its tempo is told
    "loop_compus.flac": (True, None),
    "loop_mika.flac": (True, None),
    "loop_electric.flac": (True, None),
    "loop_breakbeat.flac": (True, None),
    "trumpet_90bpm.ogg": (True, None),
}
"""Song -> whether bars may be cut, and its tempo where that must be told."""


@dataclass
class Row:
    """What came of one song and limit over all lists."""

    before: list[bool]
    before_frame: list[bool]
    after: list[bool]
    after_frame: list[bool]
    heard: list[bool]
    chance: list[bool]
    stretch: float = 0.0
    cuts: int = 0
    flux: float = 0.0
    attack_s: float = 0.0
    plan_cpu_s: float = 0.0
    render_cpu_s: float = 0.0


def programme(seconds: float, seed: int) -> Analysis:
    """Random cuts on frames, with the hits that `tempo.py` makes of them."""
    hits = hits_of(shots(0.7, 7), seconds, seed)
    cuts = tuple(Cut(hit.time_s) for hit in hits if hit.kind == "cut")
    length = hits[-1].time_s
    timeline = Timeline(Fraction(RATE), length, (Shot(Fraction(0), length),), cuts)
    return Analysis(timeline, curve_from_cuts(cuts, float(length), rate_hz=25.0), hits, ())


def near(beats_s: FloatArray, hits_s: FloatArray, within_s: float) -> list[bool]:
    """Whether each hit has a beat so near."""
    return [bool(np.abs(beats_s - hit_s).min(initial=np.inf) <= within_s + 1e-9) for hit_s in hits_s]


def laid_plainly(music: Music, seconds: float) -> FloatArray:
    """The beats of the song from its first sample on, end on end."""
    times = int(np.ceil(seconds / music.duration_s)) + 1
    return np.concatenate([music.beats_s + n * music.duration_s for n in range(times)])


def sound_of(samples: Samples, laid: Laid, seconds: float) -> Samples:
    """The fitted sound before mastering."""
    sound = CourseSound(samples, laid.course.pieces)
    return np.concatenate(list(stretched(sound, laid.warp, round(seconds * SAMPLE_RATE_HZ), never_cancel)))


def onset_strength(samples: Samples) -> FloatArray:
    """Spectral flux of a sound, one value each 12 ms."""
    mono = librosa.resample(samples.mean(axis=1), orig_sr=SAMPLE_RATE_HZ, target_sr=LISTENED_HZ)
    return np.asarray(librosa.onset.onset_strength(y=mono, sr=LISTENED_HZ, hop_length=HOP))


def flux_difference(fitted: Samples, song: Samples, warp: Warp) -> float:
    """Mean difference of the flux at the same moments of the music, as a share of the song's mean flux.

    Both are first summed over 50 ms: where within a hop an attack falls says nothing of the sound.
    """
    width = round(0.05 * LISTENED_HZ / HOP)
    one, other = (np.convolve(onset_strength(each), np.ones(width), "same") for each in (fitted, song))
    times_s = np.arange(0.5, len(fitted) / SAMPLE_RATE_HZ - 0.5, 0.02)
    at = [times_s, warp.positions(times_s)]
    a, b = (
        np.interp(t * LISTENED_HZ / HOP, np.arange(len(f)), f) for t, f in zip(at, (one, other), strict=True)
    )
    return float(np.abs(a - b).mean() / b.mean())


def attacks_off_s(fitted: Samples, source: Samples, warp: Warp) -> float:
    """How far the sound around beats is from where the map puts it, in 95 of 100 at most."""
    inside = (warp.time_s > 0.5) & (warp.time_s < len(fitted) / SAMPLE_RATE_HZ - 0.5)
    lags_s = []
    for time_s, course_s in zip(warp.time_s[inside], warp.course_s[inside], strict=True):
        now, was = around(fitted, float(time_s)), around(source, float(course_s))
        if len(now) == len(was) and was.max() > 8 * np.median(was):  # an attack that can be told
            lag = int(np.argmax(np.correlate(now, was, "full"))) - len(was) + 1
            lags_s.append(abs(lag) * 0.002)
    return float(np.percentile(lags_s, 95)) if lags_s else float("nan")


def around(samples: Samples, time_s: float) -> FloatArray:
    """Onset strength by 2 ms, 80 ms to either side of a time."""
    middle, reach = round(time_s * SAMPLE_RATE_HZ), round(0.08 * SAMPLE_RATE_HZ)
    return fine_strength(samples[max(0, middle - reach) : middle + reach].mean(axis=1), SAMPLE_RATE_HZ)


def run(samples: Samples, music: Music, settings: FitSettings, seconds: float, lists: int) -> Row:
    """Fit a song to several lists of cuts."""
    row = Row([], [], [], [], [], [])
    for seed in range(lists):
        analysis = programme(seconds, seed)
        hits_s = np.array([float(hit.time_s) for hit in analysis.hits])
        began = time.process_time()
        laid = lay(music, analysis.hits, float(analysis.timeline.duration_s), settings)
        planned = time.process_time()
        fitted = sound_of(samples, laid, seconds)
        row.plan_cpu_s += (planned - began) / lists
        row.render_cpu_s += (time.process_time() - planned) / lists
        add(row, music, laid, hits_s, seconds, np.random.default_rng(seed))
        mono = librosa.resample(fitted.mean(axis=1), orig_sr=SAMPLE_RATE_HZ, target_sr=LISTENED_HZ)
        _, heard_s = librosa.beat.beat_track(y=mono, sr=LISTENED_HZ, units="time")
        row.heard += near(np.asarray(heard_s), hits_s, 0.1)
        course = course_sound(samples, laid)
        row.flux += flux_difference(fitted, course, moved(laid.warp)) / lists
        row.attack_s = max(row.attack_s, attacks_off_s(fitted, course, moved(laid.warp)))
    return row


def course_sound(samples: Samples, laid: Laid) -> Samples:
    """The chosen parts of the song as they are, from where the programme begins."""
    first = round(float(laid.warp.course_s[0]) * SAMPLE_RATE_HZ)
    count = round(float(laid.warp.course_s[-1]) * SAMPLE_RATE_HZ) - first
    return CourseSound(samples, laid.course.pieces).read(first, count)


def moved(warp: Warp) -> Warp:
    """The map with the course counted from where the programme begins."""
    return Warp(warp.course_s - warp.course_s[0], warp.time_s)


def add(
    row: Row, music: Music, laid: Laid, hits_s: FloatArray, seconds: float, rng: np.random.Generator
) -> None:
    """Count the hits on beats."""
    beats_s, plain_s = np.array(laid.tempo_map.beats_s), laid_plainly(music, seconds)
    row.before += near(plain_s, hits_s, 0.1)
    row.before_frame += near(plain_s, hits_s, FRAME_S)
    row.after += near(beats_s, hits_s, 0.1)
    row.after_frame += near(beats_s, hits_s, FRAME_S)
    for shift_s in rng.uniform(0.3, seconds - 0.3, SHIFTS):
        row.chance += near(np.sort((beats_s + shift_s) % seconds), hits_s, 0.1)
    row.stretch = max(row.stretch, laid.largest_stretch)
    row.cuts += len(laid.course.pieces) - 1


def rows(arguments: argparse.Namespace) -> Iterator[tuple[str, float, Row]]:
    """Every song with every limit."""
    for label, (edit, bpm) in SONGS.items():
        path = MEDIA / label.split()[0]
        samples = read_sound(path, longest_s=1200)
        music = hear(samples, path.name, bpm)
        for percent in arguments.stretch:
            settings = FitSettings(max_stretch=percent / 100, edit=edit)
            try:
                yield label, percent, run(samples, music, settings, arguments.seconds, arguments.lists)
            except InputError as error:
                print(f"{label:24} {percent:4g} %  {error}")


def peers() -> None:
    """Even stretching by us and by librosa, and no stretching, on one song."""
    song = read_sound(MEDIA / "nutcracker.ogg", longest_s=1200)[: 20 * SAMPLE_RATE_HZ]
    beats_s = np.arange(0.0, 20.0, 0.5)
    warp = Warp(beats_s, beats_s * 1.03)
    sound = CourseSound(song, [Piece(0.0, 0.0, 20.0)])
    ours = np.concatenate(list(stretched(sound, warp, round(20.6 * SAMPLE_RATE_HZ), never_cancel)))
    sides = [librosa.effects.time_stretch(np.ascontiguousarray(side), rate=1 / 1.03) for side in song.T]
    theirs = np.stack(sides, axis=1).astype(np.float32)
    half_hop = round(HOP / 2 / LISTENED_HZ * SAMPLE_RATE_HZ)
    copied = flux_difference(song[half_hop:], song, Warp(beats_s + half_hop / SAMPLE_RATE_HZ, beats_s))
    print(
        f"\nflux of nutcracker.ogg: copy {copied:.3f}, ours 3 % {flux_difference(ours, song, warp):.3f}, "
        f"peer 3 % {flux_difference(theirs, song, warp):.3f}"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lists", type=int, default=2, help="lists of cuts a song")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a programme")
    parser.add_argument("--stretch", type=float, nargs="*", default=[6.0], help="limits in percent")
    parser.add_argument(
        "--full", action="store_true", help="12 lists, and limits of 0, 2, 4, 6 and 10 percent"
    )
    arguments = parser.parse_args()
    if arguments.full:
        arguments.lists, arguments.stretch = 12, [0.0, 2.0, 4.0, 6.0, 10.0]
    whole = Row([], [], [], [], [], [])
    print(f"{'song':24} limit   before  after   heard  chance | a frame: before after | stretch cuts   flux"
          "  attack  plan s render s")  # fmt: skip
    for label, percent, row in rows(arguments):
        means = [np.mean(values) for values in (row.before, row.after, row.heard, row.chance)]
        frame = [np.mean(values) for values in (row.before_frame, row.after_frame)]
        print(
            f"{label:24} {percent:4g} % " + "".join(f"{mean:8.3f}" for mean in means)
            + f" |        {frame[0]:8.3f}{frame[1]:8.3f} | {row.stretch:6.2%} {row.cuts:5d}{row.flux:8.3f}"
            f"{row.attack_s * 1000:5.0f} ms{row.plan_cpu_s:8.2f}{row.render_cpu_s:8.2f}",
            flush=True,
        )  # fmt: skip
        if percent == 6:
            for name in ("before", "before_frame", "after", "after_frame", "heard", "chance"):
                getattr(whole, name).extend(getattr(row, name))
    if whole.after:
        print("\nall at 6 %, 100 ms:  before", share(whole.before), " after", share(whole.after))
        print("                     heard ", share(whole.heard), f" chance {np.mean(whole.chance):.3f}")
        print("           a frame:  before", share(whole.before_frame), " after", share(whole.after_frame))
    peers()


if __name__ == "__main__":
    main()
