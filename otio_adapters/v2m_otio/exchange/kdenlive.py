"""What the adapter makes of a document as a Kdenlive project, with what it leaves out put in.

It writes a project that never ends (its black background has no length) and in which one sound track silences
the other (no `mix`); Kdenlive adds both when it opens the project, melt does not.
"""

from __future__ import annotations

from fractions import Fraction

from v2m_otio.exchange.xml_spans import Edit, Element, edited, parsed, put_last, quoted


def finished(raw: bytes, rate: Fraction, frame_count: int) -> bytes:
    """The project with an end, mixed sound and the exact rate."""
    root = parsed(raw)
    edits: list[Edit] = []
    for profile in root.all("profile"):
        edits += _attribute(profile, "frame_rate_num", str(rate.numerator), raw)
        edits += _attribute(profile, "frame_rate_den", str(rate.denominator), raw)
    for producer in root.all("producer"):
        if producer.attributes.get("id") == "black_track":
            edits.append(put_last(producer, f'<property name="length">{frame_count}</property>'))
            edits.append((producer.open_end - 1, producer.open_end - 1, f' in="0" out="{frame_count - 1}"'))
    tractor = root.all("tractor")[-1]
    edits.append((tractor.open_end - 1, tractor.open_end - 1, f' in="0" out="{frame_count - 1}"'))
    mixes = "".join(map(_mix, range(1, len(tractor.all("track")))))
    edits.append(put_last(tractor, mixes))
    return edited(raw, edits)


def _attribute(element: Element, name: str, value: str, raw: bytes) -> list[Edit]:
    """An attribute's new value, if it differs."""
    was = element.attributes.get(name, "")
    if was == value:
        return []
    start = raw.index(f"{name}={quoted(was)}".encode(), element.start, element.open_end)
    return [(start, start + len(f"{name}={quoted(was)}".encode()), f"{name}={quoted(value)}")]


def _mix(track: int) -> str:
    values = {
        "a_track": 0,
        "b_track": track,
        "mlt_service": "mix",
        "always_active": 1,
        "sum": 1,
        "internal_added": 237,
    }
    inside = "".join(f'<property name="{name}">{value}</property>' for name, value in values.items())
    return f"<transition>{inside}</transition>\n"
