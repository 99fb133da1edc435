"""What a command tells of its result: the objects that `--json` prints and that a job leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from v2m_otio.place import Placed

from v2m.analysis import Analysis
from v2m.score import Scored
from v2m.timebase import SAMPLE_RATE_HZ


def of_scoring(
    takes: Sequence[Scored], placed: Placed | None, stages_s: Mapping[str, float]
) -> dict[str, Any]:
    """Of `score` and whatever else makes takes: the best one, and with several the list of all.

    Args:
        takes: best first.
        placed: the document with the music; None: there was none to place it in.
        stages_s: how long each stage took.
    """
    best, record = takes[0], takes[0].record
    errors = record.metrics["hit_errors_s"]
    result = {
        "take": str(best.folder),
        "wav": str(best.wav),
        "timeline": None if placed is None else str(placed.path),
        "duration_s": float(record.duration_s),
        "sample_rate": SAMPLE_RATE_HZ,
        "frame_rate": f"{record.frame_rate.numerator}/{record.frame_rate.denominator}",
        "start_frame": record.start_frame,
        "seed": record.seed,
        "backbone": record.backbone,
        "encoder": record.encoder,
        "prompt": record.prompt,
        "tempo_bpm": [round(bpm, 2) for bpm in record.tempo_map.tempo_bpm],
        "beats_s": [b for b in record.tempo_map.beats_s if 0 <= b <= float(record.duration_s)],
        "hits": [
            {
                "id": hit.id,
                "time_s": float(hit.time_s),
                "kind": hit.kind,
                "weight": round(hit.weight, 3),
                "error_s": errors.get(hit.id),
            }
            for hit in record.hits
        ],
        "sch": record.metrics["sch"],
        "hits_heard": record.metrics["hits_heard"],
        "curve_correlation": record.metrics["curve_correlation"],
        "stages_s": dict(stages_s),
        "notes": [*record.notes, *(placed.notes if placed else ())],
    }
    if len(takes) > 1:
        result["takes"] = [
            {
                "take": str(take.folder),
                "wav": str(take.wav),
                "seed": take.record.seed,
                "sch": take.record.metrics["sch"],
                "rank": rank,
            }
            for rank, take in enumerate(takes, start=1)
        ]
    return result


def of_analysis(analysis: Analysis) -> dict[str, Any]:
    """Of `analyze`."""
    timeline, curve = analysis.timeline, analysis.curve
    return {
        "duration_s": float(timeline.duration_s),
        "frame_rate": f"{timeline.rate.numerator}/{timeline.rate.denominator}",
        "cuts": [
            {
                "time_s": float(cut.time_s),
                "kind": cut.kind,
                "width_s": float(cut.width_s),
                "center_offset_s": float(cut.center_offset_s),
            }
            for cut in timeline.cuts
        ],
        "markers": [
            {
                "id": marker.id,
                "time_s": float(marker.time_s),
                "duration_s": float(marker.duration_s),
                "color": marker.color,
                "name": marker.name,
                "note": marker.note,
            }
            for marker in timeline.markers
        ],
        "hits": [
            {"id": hit.id, "time_s": float(hit.time_s), "kind": hit.kind, "weight": round(hit.weight, 3)}
            for hit in analysis.hits
        ],
        "curve": {
            "rate_hz": curve.rate_hz,
            "values": (curve.values.round(4) + 0.0).tolist(),
            "encoder": curve.encoder,
            "kernel_s": curve.kernel_s,
        },
        "notes": list(analysis.notes),
    }
