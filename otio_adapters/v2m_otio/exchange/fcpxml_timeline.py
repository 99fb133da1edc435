"""Final Cut Pro XML read through its adapter, with what that drops put back: the start timecode.

Offsets in a storyline count in the sequence's timecode, from `tcStart`. The adapter takes them for positions,
so an hour of nothing would come before the picture; here they are brought to zero first.
"""

from __future__ import annotations

import json
from fractions import Fraction
from xml.etree import ElementTree

from v2m_otio.exchange.fcpxml_time import ratio, seconds
from v2m_otio.exchange.foreign import call_adapter
from v2m_otio.exchange.kinds import Kind

KIND: Kind = "fcpxml"


def read(raw: bytes) -> bytes:
    """The timeline, or the collection of them, as OpenTimelineIO's JSON.

    Raises:
        AdapterError: the adapter raised.
        DocumentError: a time is none.
    """
    root = ElementTree.fromstring(raw)  # noqa: S314 - checked by the caller
    starts = [_brought_to_zero(sequence) for sequence in root.iter("sequence")]
    made = json.loads(call_adapter("read", KIND, ElementTree.tostring(root)))
    durations = {each.get("id"): each.get("frameDuration") for each in root.iter("format")}
    projects = [project for project in root.iter("project") if project.find("sequence") is not None]
    if len(projects) == 1 and made["OTIO_SCHEMA"].startswith("Timeline."):
        sequence = projects[0].find("sequence")
        frame_s = seconds(durations.get(sequence.get("format")) if sequence is not None else None)
        start_s = dict(starts).get(id(sequence), Fraction(0))
        if frame_s > 0:
            made["global_start_time"] = {
                "OTIO_SCHEMA": "RationalTime.1",
                "rate": float(1 / frame_s),
                "value": float(start_s / frame_s),
            }
    return json.dumps(made).encode()


def _brought_to_zero(sequence: ElementTree.Element) -> tuple[int, Fraction]:
    """Move a storyline's clips to where they lie in the programme; what connects to them counts from them."""
    start_s = seconds(sequence.get("tcStart"))
    for spine in sequence.findall("spine"):
        for item in spine:
            if item.get("offset") is not None:
                item.set("offset", ratio(seconds(item.get("offset")) - start_s))
    return id(sequence), start_s
