"""Hit markers: where the music has its hits, and how far the user moved them since.

A hit on one of the user's own markers is shown by that marker; every other by one of ours, called V2M and the
hit's id, which the daemon does not take for the user's. Markers keep no data of their own: the music's strip
knows which frame each was put on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import floor
from typing import Final

from .daemon import Json
from .music import Hit, Music
from .strips import Api

PREFIX: Final = "V2M "


def own_markers(scene: Api) -> Iterator[tuple[int, str]]:
    """The user's markers."""
    for marker in scene.timeline_markers:
        if not marker.name.startswith(PREFIX):
            yield marker.frame, marker.name


def show(scene: Api, music: Music, hits: list[Json], rate: Fraction, *, visible: bool) -> Music:
    """Show a take's hits; returns the music that knows where.

    Args:
        scene: whose markers they are.
        music: as placed.
        hits: of the take, in seconds from the music's beginning.
        rate: frames a second.
        visible: whether markers of ours are made.
    """
    own = {frame: name for frame, name in own_markers(scene)}
    shown: dict[str, Hit] = {}
    for hit in hits:
        if hit["kind"] == "end":
            continue
        frame = music.first + floor(Fraction(hit["time_s"]) * rate + Fraction(1, 2))
        name = own.get(frame) if hit["kind"] == "marker" else None
        if name is None and visible:
            name = f"{PREFIX}{hit['id']}"
            scene.timeline_markers.new(name, frame=frame)
        if name is not None:
            shown[str(hit["id"])] = Hit(name, frame)
    return replace(music, hits=shown)


def hide(scene: Api, music: Music) -> None:
    """Take the markers away that were made for this music."""
    ours = {hit.marker for hit in music.hits.values() if hit.marker.startswith(PREFIX)}
    reach = (music.first, music.first + music.frames)
    for marker in list(scene.timeline_markers):
        if marker.name in ours and reach[0] <= marker.frame <= reach[1]:
            scene.timeline_markers.remove(marker)


def nudges(scene: Api, music: Music) -> list[list[str]]:
    """The hits whose markers were moved, as pairs of frames from the music's beginning."""
    moved = []
    for hit in music.hits.values():
        now = _nearest(scene, hit)
        if now is not None and now != hit.frame:
            moved.append([f"{hit.frame - music.first}f", f"{now - music.first}f"])
    return moved


def _nearest(scene: Api, hit: Hit) -> int | None:
    """Where the marker of a hit is now; None where the user deleted it."""
    found = [marker.frame for marker in scene.timeline_markers if marker.name == hit.marker]
    return min(found, key=lambda frame: abs(frame - hit.frame), default=None)
