"""Takes drawn in code, for whoever looks at takes: no model composes them and nothing plays them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from v2m.audio.wav import write_wav
from v2m.codecs.arrangement import Arrangement, Note
from v2m.codecs.midi import write_midi
from v2m.frames import Sheet, SheetGatherer
from v2m.hits import Hit
from v2m.report.write import write_looks
from v2m.take.record import Source, TakeRecord, write_record
from v2m.tempo import TempoMap
from v2m.timeline import Cut

RATE = Fraction(24)
STAGES_S = {"read": 0.1, "analyze": 2.0, "compose": 1.5, "render": 0.5, "master": 0.25}


def clicks(duration_s: float, every_s: float = 0.5) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A short tone each so many seconds, (s, 2)."""
    at_s = np.arange(round(duration_s * 48_000)) / 48_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * at_s) * np.exp(-(at_s % every_s) / 0.05)
    return np.stack([tone, tone], axis=1).astype(np.float32)


def pictures(duration_s: float, aspect: float = 16 / 9) -> Sheet:
    """A sheet of pictures that brighten from left to right of the programme."""
    gatherer = SheetGatherer(duration_s)
    times_s = np.arange(0, duration_s, 1 / 8)
    shades = np.linspace(20, 235, len(times_s)).astype(np.uint8)
    gatherer.push(times_s, np.broadcast_to(shades[:, None, None, None], (len(times_s), 54, 96, 3)))
    sheet = gatherer.sheet(aspect)
    assert sheet is not None
    return sheet


def record_of(duration_s: Fraction, **changed: Any) -> TakeRecord:
    """The record of a take with a cut and a hit each two seconds."""
    cuts = tuple(Cut(Fraction(at)) for at in range(2, int(duration_s), 2))
    hits = tuple(Hit(f"cut-{n + 1}", cut.time_s, "cut", 0.8, "cut after 2.0 s") for n, cut in enumerate(cuts))
    errors = {hit.id: (0.004, -0.06, None)[n % 3] for n, hit in enumerate(hits)}
    values = np.sin(np.arange(int(duration_s * 25)) / 9).round(4).tolist()
    fields: dict[str, Any] = {
        "sources": (Source("C:\\films\\edit.otio", "ab" * 32),),
        "prompt": "lo-fi, 120 BPM",
        "terms": ("lo-fi",),
        "unknown_words": (),
        "seed": 7,
        "backbone": "sketch",
        "weights_sha256": "0" * 64,
        "soundfont_sha256": "1" * 64,
        "encoder": "pixel",
        "settings": {"prompt": "lo-fi, 120 BPM", "adherence": 0.5, "steps": None},
        "frame_rate": RATE,
        "start_frame": 86400,
        "duration_s": duration_s,
        "hits": hits,
        "tempo_map": TempoMap.steady(120, float(duration_s)),
        "tonic": 9,
        "curve": {"rate_hz": 25.0, "values": values, "encoder": "pixel", "kernel_s": 0.7},
        "metrics": {
            "sch": {"value": 0.9, "tolerance_s": 0.1, "chance": 0.4},
            "hit_errors_s": errors,
            "hits_heard": 0.5,
            "curve_correlation": 0.25,
            "music": None,
        },
        "notes": ("One thing to know.",),
        "v2m_version": "0.1.0",
        "cuts": cuts,
    }
    return TakeRecord(**{**fields, **changed})


def groove(beats: int) -> Arrangement:
    """Drums on each beat and a lead that climbs."""
    notes = [
        note
        for beat in range(beats)
        for note in (Note("drums", beat, 0.25, 36, 90), Note("lead", beat, 0.9, 60 + beat % 12, 70))
    ]
    return Arrangement(beats, tuple(notes))


def drawn_take(
    folder: Path, duration_s: int = 8, *, sheet: Sheet | None = None, silent: bool = False, **changed: Any
) -> Path:
    """A whole take in a folder: sound, score, pictures where some are given, report and record."""
    folder.mkdir(parents=True)
    record = record_of(Fraction(duration_s), **changed)
    write_wav(folder / "music.wav", clicks(duration_s) * np.float32(0 if silent else 1))
    if not silent:
        write_midi(folder / "score.mid", groove(2 * duration_s), record.tempo_map)
    write_looks(folder, record, STAGES_S, sheet, report=True)
    write_record(folder, record)
    return folder
