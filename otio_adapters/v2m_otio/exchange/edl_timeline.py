"""What the adapter made of an EDL, with what it drops put back: the record timecode and where tracks begin.

It gives each track a range that begins at minus its first record timecode, which shows nothing; here every
track begins where the earliest one does, and the timeline says what timecode that is.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from v2m_otio.exchange.edl import EdlText

Json = dict[str, Any]


def finished(made: bytes, told: EdlText) -> bytes:
    """The timeline as JSON.

    Args:
        made: of the adapter.
        told: what the EDL says of its timing.
    """
    content: Json = json.loads(made)
    content["global_start_time"] = _time(told.zero_frame, told.rate)
    content.setdefault("metadata", {})["cmx_3600"] = {"drop_frame": told.drop_frame}
    for track in content["tracks"]["children"]:
        trim, track["source_range"] = track.get("source_range"), None
        first = round(-trim["start_time"]["value"]) if trim else told.zero_frame
        if first > told.zero_frame:
            track["children"].insert(0, _gap(first - told.zero_frame, told.rate))
    return json.dumps(content).encode()


def _time(frame: int, rate: Fraction) -> Json:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frame)}


def _gap(frames: int, rate: Fraction) -> Json:
    span = {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(0, rate), "duration": _time(frames, rate)}
    return {"OTIO_SCHEMA": "Gap.1", "metadata": {}, "name": "", "source_range": span, "effects": [],
            "markers": [], "enabled": True}  # fmt: skip
