"""`v2m evaluate curves`, `robustness` and `three-way`: what event curves hold, and what moves them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from v2m.curves import DEFAULT_KERNEL_S, Features, FloatArray, event_curve
from v2m.encoders.choosing import new_encoder
from v2m.encoders.protocol import PictureEncoder
from v2m.errors import UsageError
from v2m.evaluation.clip import VIDEO_SUFFIXES, Clip
from v2m.evaluation.rows import MeasureSettings, Unit, measure_unit
from v2m.frames import FrameBatch
from v2m.metrics.curve_distances import as_rows, curve_distances
from v2m.metrics.robustness import Pictures, robustness
from v2m.metrics.three_way import classify
from v2m.shots.video import timeline_of_video
from v2m_daemon.commands.evaluate_files import audio_files, by_clip, joined

_RATE_HZ = 12.5


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 0 when it was done."""
    kinds = {"curves": _curves, "robustness": _robustness, "three-way": _three_way}
    told = kinds[arguments.kind](arguments)
    print(json.dumps(told) if arguments.json else _words(told))
    return 0


def _curves(arguments: argparse.Namespace) -> dict[str, Any]:
    pairs = joined(audio_files(arguments.audio), by_clip(arguments.video, VIDEO_SUFFIXES))
    originals = audio_files(arguments.reference) if arguments.reference else {}
    settings = MeasureSettings(("curves",))
    found = {
        clip: measure_unit(Unit(Clip(clip, video, audio=originals.get(clip)), path, settings))["curves"]
        for clip, (path, video) in pairs.items()
    }
    correlations = [row["correlation"] for row in found.values() if row["correlation"] is not None]
    told: dict[str, Any] = {
        "correlation_mean": float(np.mean(correlations)) if correlations else None,
        "clips": {clip: {"correlation": row["correlation"]} for clip, row in found.items()},
    }
    whole = [row for row in found.values() if "original" in row]
    if len(whole) >= 3:
        rows = (np.array([row[name] for row in whole]) for name in ("music", "original", "video"))
        told["distances"] = asdict(curve_distances(*rows))
    return told


def _robustness(arguments: argparse.Namespace) -> dict[str, Any]:
    def encode(times_s: FloatArray, pictures: Pictures) -> Features:
        encoder = new_encoder(arguments.encoder)
        encoder.push(times_s, pictures)
        return encoder.features()

    clips = {}
    for clip, path in by_clip(arguments.video, VIDEO_SUFFIXES).items():
        times_s, pictures = _pictures(path, arguments.fps)
        clips[clip] = asdict(robustness(times_s, pictures, encode))
    mean = float(np.mean([row["cosine_mean"] for row in clips.values()]))
    return {"encoder": arguments.encoder, "cosine_mean": mean, "clips": clips}


def _pictures(path: Path, fps: float) -> tuple[FloatArray, Pictures]:
    """Pictures of a video, no more than so many a second."""
    times_s: list[float] = []
    kept: list[Pictures] = []

    def watch(batch: FrameBatch) -> None:
        for time_s, picture in zip(batch.times_s.tolist(), batch.pictures, strict=True):
            if not times_s or time_s - times_s[-1] >= 1 / fps - 1e-3:
                times_s.append(time_s)
                kept.append(picture.copy())

    timeline_of_video(path, watch=watch)
    return np.array(times_s), np.stack(kept)


def _three_way(arguments: argparse.Namespace) -> dict[str, Any]:
    curves, labels = [], []
    for text in arguments.classes:
        name, equals, folder = text.partition("=")
        if not equals:
            raise UsageError(f"--class is {text!r}, expected NAME=DIR.")
        for path in by_clip(folder, VIDEO_SUFFIXES).values():
            curves.append(_curve(path, arguments.encoder))
            labels.append(name)
    rows = np.stack(curves)
    return {
        view: asdict(classify(rows, labels, splits=arguments.splits, view=view))
        for view in ("values", "spectrum")
    }


def _curve(path: Path, name: str) -> FloatArray:
    encoder: PictureEncoder = new_encoder(name)
    timeline = timeline_of_video(path, watch=lambda batch: encoder.push(batch.times_s, batch.pictures))
    curve = event_curve(
        encoder.features(), float(timeline.duration_s), rate_hz=_RATE_HZ, kernel_s=DEFAULT_KERNEL_S
    )
    row: FloatArray = as_rows([curve])[0]
    return row


def _words(told: dict[str, Any], indent: str = "") -> str:
    lines: list[str] = []
    for name, value in told.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", _words(value, indent + "  ")]
        elif isinstance(value, Sequence) and not isinstance(value, str):
            lines.append(f"{indent}{name}  {', '.join(map(str, value))}")
        else:
            lines.append(
                f"{indent}{name}  {value:.4f}" if isinstance(value, float) else f"{indent}{name}  {value}"
            )
    return "\n".join(line for line in lines if line)
