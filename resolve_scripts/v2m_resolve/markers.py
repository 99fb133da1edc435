"""Hit markers: where the music has its hits, and how far the user moved them since.

A marker's customData holds `v2m` (the hit), `frame` (where it was put) and `own` (false where the marker is
the user's and only took our note); the Lua entries write the same.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from v2m_resolve.daemon import Json
from v2m_resolve.editor import Editor


@dataclass(frozen=True)
class HitMarker:
    """A hit as it is shown."""

    hit: str
    frame: int
    """Where it was put."""

    now: int
    """Where it is."""

    is_ours: bool


def read_markers(editor: Editor) -> Iterator[HitMarker]:
    """All hits that are shown, by customData, or by the note where that was lost."""
    for now, marker in editor.markers():
        try:
            data = json.loads(marker.get("customData") or "null")
            yield HitMarker(str(data["v2m"]), int(data["frame"]), now, bool(data["own"]))
        except (ValueError, TypeError, KeyError):
            noted = re.search(r"v2m:([\w.-]+) @(\d+)", str(marker.get("note", "")))
            if noted:
                yield HitMarker(noted[1], int(noted[2]), now, str(marker.get("name")).startswith("V2M "))


def nudges(editor: Editor, first: int) -> list[list[str]]:
    """Those that were moved, as pairs of times from the music's beginning."""
    moved = [each for each in read_markers(editor) if each.now != each.frame]
    return [[f"{each.frame - first}f", f"{each.now - first}f"] for each in moved]


def show_markers(editor: Editor, take: Json, color: str) -> None:
    """Show a take's hits in place of those shown before; with the colour "off" only take those away."""
    first = int(take["first"])
    timeline = editor.timeline
    for old in list(read_markers(editor)):
        if not first <= old.frame <= first + int(take["frames"]):
            continue
        if old.is_ours:
            timeline.DeleteMarkerAtFrame(old.now)
        else:
            timeline.UpdateMarkerCustomData(old.now, "")
    for hit in take["hits"] if color != "off" else []:
        if hit["kind"] != "end":
            _put(editor, str(hit["id"]), first + math.floor(hit["time_s"] * editor.rate + 0.5), color)


def _put(editor: Editor, hit: str, frame: int, color: str) -> None:
    timeline = editor.timeline
    data = {"v2m": hit, "frame": frame, "own": True}
    note = f"v2m:{hit} @{frame}"
    if timeline.AddMarker(frame, color, f"V2M {hit}", note, 1, json.dumps(data)):
        return
    if not timeline.GetMarkerCustomData(
        frame
    ):  # one frame takes one marker: the user's own tells of its move
        timeline.UpdateMarkerCustomData(frame, json.dumps({**data, "own": False}))
