"""`v2m evaluate dance`: beats of music against the motion beats of a dance and its original music."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from v2m.errors import UsageError
from v2m.evaluation.clip import VIDEO_SUFFIXES, Clip
from v2m.evaluation.rows import dance_row
from v2m.evaluation.seen import SeenVideos
from v2m.metrics.beats import read_mono, track_beats
from v2m_daemon.commands.evaluate_files import audio_files, by_clip

_SHIFTS = 37


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 0 when it was done."""
    if not (arguments.video or arguments.poses or arguments.reference):
        raise UsageError(
            "Nothing says when the dancer arrives.", hint="Give --video, --poses or --reference."
        )
    clips = {clip.id: _row(clip, path) for clip, path in _clips(arguments)}
    told = {"clips": clips, "all": _means(list(clips.values()))}
    print(json.dumps(told) if arguments.json else _words(told))
    return 0


def _clips(arguments: argparse.Namespace) -> list[tuple[Clip, Path]]:
    audio = audio_files(arguments.audio)
    videos = by_clip(arguments.video, VIDEO_SUFFIXES) if arguments.video else {}
    poses = by_clip(arguments.poses, (".npy",)) if arguments.poses else {}
    music = audio_files(arguments.reference) if arguments.reference else {}
    alone = len(audio) == 1

    def of(found: dict[str, Path], clip: str) -> Path | None:
        return found.get(clip) or (next(iter(found.values())) if alone and len(found) == 1 else None)

    clips = [
        (
            Clip(
                id_,
                of(videos, id_),
                audio=of(music, id_),
                poses=of(poses, id_),
                poses_rate_hz=arguments.poses_rate,
            ),
            path,
        )
        for id_, path in audio.items()
    ]
    known = [(clip, path) for clip, path in clips if clip.video or clip.poses or clip.audio]
    if not known:
        raise UsageError("No files belong together: they are matched by name, CLIP.wav with CLIP.mp4.")
    return known


def _row(clip: Clip, path: Path) -> dict[str, Any]:
    mono = read_mono(path)
    beats = track_beats(mono)
    row = dance_row(clip, SeenVideos().motion(clip), mono, beats, _SHIFTS)
    return row | {"music_beats": beats.times_s.tolist(), "music_tempo_bpm": beats.tempo_bpm}


def _means(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = [
        name for name in ("50", "100", "200", "d2m-gan-1s", "loris-1s") if any(name in row for row in rows)
    ]
    told: dict[str, Any] = {}
    for name in names:
        scores = [row[name] for row in rows if name in row and row[name]["bcs"] is not None]
        told[name] = {what: _mean([score[what] for score in scores]) for what in ("bcs", "bhs", "f1")}
        if name.isdigit():
            told[name]["chance_f1"] = _mean([score["chance"]["f1"] for score in scores])
    told["td"] = _mean([row["td"] for row in rows if "td" in row])
    return told | {"clips": len(rows)}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _words(told: dict[str, Any]) -> str:
    lines = []
    for name, row in [*told["clips"].items(), ("all", told["all"])]:
        for definition, score in row.items():
            if isinstance(score, dict):
                unit = " ms" if definition.isdigit() else ""
                figures = "  ".join(f"{what.upper()} {_share(score[what])}" for what in ("bcs", "bhs", "f1"))
                lines.append(f"{name}  {definition}{unit}  {figures}")
        if row.get("td") is not None:
            lines.append(f"{name}  TD {row['td']:.2f} BPM")
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
