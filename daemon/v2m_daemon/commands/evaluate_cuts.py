"""`v2m evaluate sch` and `v2m evaluate hit`: music against the cuts of its video."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from v2m.errors import UsageError
from v2m.evaluation.clip import VIDEO_SUFFIXES
from v2m.frames.probing import probe
from v2m.metrics.beats import RATE_HZ, read_mono, track_beats
from v2m.metrics.hit_at_frame import hit_at_frame
from v2m.metrics.sch import SCH, pool, scene_cut_hit
from v2m.shots.published import VideoCuts, video_cuts
from v2m.timebase import snap_rate
from v2m_daemon.commands.evaluate_files import CUT_SUFFIXES, audio_files, by_clip, joined, read_cuts


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 0 when it was done."""
    if arguments.video is None and arguments.cuts is None:
        raise UsageError("Nothing says where the cuts are.", hint="Give --video or --cuts.")
    told = _sch(arguments) if arguments.kind == "sch" else _hit(arguments)
    print(json.dumps(told) if arguments.json else _words(told))
    return 0


def _sch(arguments: argparse.Namespace) -> dict[str, Any]:
    tolerances = _tolerances(arguments.tolerances)
    clips: dict[str, Any] = {}
    scores: dict[float, list[SCH]] = {tolerance: [] for tolerance in tolerances}
    for clip, mono_path, cuts in _clips(arguments):
        mono = read_mono(mono_path)
        beats = track_beats(mono)
        duration_s = cuts.duration_s or len(mono) / RATE_HZ
        row: dict[str, Any] = {
            "cuts": len(cuts.cuts_s),
            "beats": len(beats.times_s),
            "tempo_bpm": beats.tempo_bpm,
        }
        for tolerance in tolerances:
            score = scene_cut_hit(cuts.cuts_s, beats.times_s, duration_s, tolerance)
            scores[tolerance].append(score)
            row[_ms(tolerance)] = asdict(score)
        clips[clip] = row | {"detector": cuts.detector}
    return {"clips": clips, "all": {_ms(tolerance): asdict(pool(each)) for tolerance, each in scores.items()}}


def _hit(arguments: argparse.Namespace) -> dict[str, Any]:
    clips = {}
    for clip, path, cuts in _clips(arguments):
        mono = read_mono(path)
        if arguments.rate is None and cuts.rate == 0:
            raise UsageError("The frame rate is not known from cuts alone.", hint="Give --rate or --video.")
        rate = snap_rate(arguments.rate) if arguments.rate else cuts.rate
        found = hit_at_frame(
            mono,
            RATE_HZ,
            cuts.cuts_s,
            duration_s=cuts.duration_s or len(mono) / RATE_HZ,
            frame_s=float(1 / rate),
        )
        clips[clip] = asdict(found) | {"detector": cuts.detector}
    counted = [each for each in clips.values() if each["value"] is not None]
    moments = sum(each["moments"] for each in counted)
    whole = {
        "value": sum(each["hits"] for each in counted) / moments if moments else None,
        "chance": sum(each["chance"] * each["moments"] for each in counted) / moments if moments else None,
        "moments": moments, "without_cuts": len(clips) - len(counted),
    }  # fmt: skip
    return {"clips": clips, "all": {"frame": whole}}


def _clips(arguments: argparse.Namespace) -> list[tuple[str, Path, VideoCuts]]:
    audio = audio_files(arguments.audio)
    given = by_clip(arguments.cuts, CUT_SUFFIXES) if arguments.cuts else None
    videos = by_clip(arguments.video, VIDEO_SUFFIXES) if arguments.video else None
    if given is None:
        return [
            (clip, path, video_cuts(video, arguments.detector))
            for clip, (path, video) in joined(audio, videos).items()
            if video is not None
        ]
    found = []
    for clip, (path, cuts) in joined(audio, given).items():
        info = probe(videos[clip]) if videos and clip in videos else None
        duration_s, rate = (float(info.duration_s), info.rate) if info else (0.0, Fraction(0))
        times_s = read_cuts(cuts) if cuts is not None else ()
        found.append((clip, path, VideoCuts(times_s, duration_s, rate, "given")))
    return found


def _tolerances(text: str) -> list[float]:
    try:
        tolerances = [float(part) / 1000 for part in text.split(",")]
    except ValueError:
        tolerances = []
    if not tolerances or min(tolerances) <= 0:
        raise UsageError(f"--tolerances is {text!r}, expected milliseconds by commas, such as 50,100.")
    return tolerances


def _ms(tolerance_s: float) -> str:
    return f"{1000 * tolerance_s:g}"


def _words(told: dict[str, Any]) -> str:
    lines = []
    for clip, row in told["clips"].items():
        for name, score in row.items():
            if isinstance(score, dict):
                lines.append(f"{clip}  {name} ms  {_share(score['value'])}  chance {_share(score['chance'])}")
        if "moments" in row:
            lines.append(
                f"{clip}  {_share(row['value'])} of {row['moments']}  chance {_share(row['chance'])}"
            )
    for name, whole in told["all"].items():
        if name == "frame":
            lines.append(
                f"all   {_share(whole['value'])} of {whole['moments']}  chance {_share(whole['chance'])}"
            )
        else:
            lines.append(
                f"all   {name} ms  mean {_share(whole['mean'])} (chance {_share(whole['chance_mean'])})  "
                f"of all {whole['cuts']} cuts {_share(whole['pooled'])} "
                f"(chance {_share(whole['chance_pooled'])})  {whole['without_cuts']} without cuts"
            )
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
