"""What the page of a take costs: CPU seconds and bytes, beside coding its sound alone, the floor of both.

    python benchmarks/report.py [TAKE ...]

Without takes it draws two, of one and of ten minutes, in a folder that goes away.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from v2m.audio import WavReader, WavWriter
from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.midi import write_midi
from v2m.frames import SheetGatherer
from v2m.frames.compact import opus_of
from v2m.hits import Hit
from v2m.report.contents import gather
from v2m.report.listening import sound_rate_bps
from v2m.report.page import page
from v2m.take.pictures import read_pictures, write_pictures
from v2m.take.record import TakeRecord, read_record, write_record
from v2m.tempo import TempoMap
from v2m.timebase import SAMPLE_RATE_HZ
from v2m.timeline import Cut

BPM = 120
LENGTHS_S = (60, 600)


def draw(folder: Path, duration_s: int) -> None:
    """A take with a cut each two seconds, four notes a beat, and noise that swells with the beats."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    swell = np.exp(-(np.arange(SAMPLE_RATE_HZ) % (SAMPLE_RATE_HZ // 2)) / 6000)[:, None]
    with WavWriter(folder / "music.wav") as music:
        for _ in range(duration_s):
            music.write((0.2 * swell * rng.standard_normal((SAMPLE_RATE_HZ, 2))).astype(np.float32))
    tempo = TempoMap.steady(BPM, duration_s)
    write_midi(folder / "score.mid", arrangement(duration_s * BPM // 60), tempo)
    gatherer = SheetGatherer(duration_s)
    for at_s in np.arange(0, duration_s, 0.25):
        tile = rng.integers(0, 255, (1, 6, 8, 3), dtype=np.uint8).repeat(9, 1).repeat(12, 2)
        gatherer.push(np.array([at_s]), tile)
    write_pictures(folder, gatherer.sheet(16 / 9))
    write_record(folder, record(duration_s, tempo))


def arrangement(beats: int) -> Arrangement:
    """Drums, bass and a lead."""
    notes = [
        note
        for beat in range(beats)
        for note in (
            Note("drums", beat, 0.2, 36, 90), Note("drums", beat + 0.5, 0.2, 42, 60),
            Note("bass", beat, 0.9, 36 + beat % 7, 80), Note("lead", beat, 0.5, 60 + beat % 12, 70),
        )
    ]  # fmt: skip
    return Arrangement(beats, tuple(notes))


def record(duration_s: int, tempo: TempoMap) -> TakeRecord:
    """What the page tells besides."""
    cuts = tuple(Cut(Fraction(at)) for at in range(2, duration_s, 2))
    hits = tuple(Hit(f"cut-{n}", cut.time_s, "cut", 0.8, "cut") for n, cut in enumerate(cuts))
    curve = np.sin(np.arange(25 * duration_s) / 9).round(4).tolist()
    return TakeRecord(
        sources=(), prompt="rock, 120 BPM", terms=("rock",), unknown_words=(), seed=1, backbone="sketch",
        weights_sha256="", soundfont_sha256="", encoder="pixel", settings={}, frame_rate=Fraction(24),
        start_frame=0, duration_s=Fraction(duration_s), hits=hits, tempo_map=tempo, tonic=0,
        curve={"rate_hz": 25.0, "values": curve, "encoder": "pixel", "kernel_s": 0.7},
        metrics={"hit_errors_s": {hit.id: 0.004 for hit in hits}, "hits_heard": 1.0}, notes=(),
        v2m_version="", cuts=cuts,
    )  # fmt: skip


def seconds(sound: WavReader) -> Iterator[np.ndarray]:
    """The sound, second by second."""
    for at in range(0, len(sound), SAMPLE_RATE_HZ):
        yield sound[at : at + SAMPLE_RATE_HZ]


def measure(folder: Path) -> str:
    """One line of the table."""
    told, sheet = read_record(folder), read_pictures(folder)
    with WavReader(folder / "music.wav") as sound:
        began = time.process_time()
        opus_of(seconds(sound), sound_rate_bps(float(told.duration_s)))
        sound_s = time.process_time() - began
    began = time.process_time()
    html = page(gather(folder, told, sheet, {}))
    page_s = time.process_time() - began
    return (
        f"{folder.name:<24}{float(told.duration_s):>8.0f} s{page_s:>10.2f} s{sound_s:>10.2f} s"
        f"{page_s / sound_s:>8.1f} x{len(html) / 1e6:>9.2f} MB"
    )


def main(names: list[str]) -> None:
    """Print the table."""
    print(f"{'take':<24}{'lasts':>10}{'page, CPU':>12}{'sound alone':>12}{'ratio':>9}{'size':>12}")
    with tempfile.TemporaryDirectory(prefix="v2m-report-") as place:
        folders = [Path(name) for name in names]
        for duration_s in () if folders else LENGTHS_S:
            folder = Path(place) / f"drawn-{duration_s}.v2m"
            draw(folder, duration_s)
            folders.append(folder)
        for folder in folders:
            print(measure(folder), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
