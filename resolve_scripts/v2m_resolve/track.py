"""The music on the timeline: imported, appended to the track V2M Score, read back."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from typing import Final

from v2m_resolve.daemon import Json
from v2m_resolve.editor import Api, Editor
from v2m_resolve.rate import exact_rate
from v2m_resolve.refused import Refused

TRACK: Final = "V2M Score"
BIN: Final = "V2M"
AUDIO: Final = 2
"""mediaType of AppendToTimeline."""


class Track:
    """The music on the timeline: what is ours there, and how a take gets there."""

    def __init__(self, editor: Editor, folder: Path, restore: ExitStack) -> None:
        """`folder` holds the music of this timeline: items whose files lie there are ours."""
        self.editor, self.folder, self.restore = editor, folder, restore

    def ours(self) -> Iterator[tuple[int, Api, str]]:
        """Track, item and file of each."""
        for index in self._tracks():
            for item in self.editor.timeline.GetItemListInTrack("audio", index) or []:
                path = _path(item)
                if path and Path(path).is_relative_to(self.folder):
                    yield index, item, path

    def place(self, take: Json) -> None:
        """Put a take where it belongs, in the place of ours that is there, and read it back."""
        editor = self.editor
        media = self._import(take["wav"])
        page = editor.app.GetCurrentPage()
        if page:
            self.restore.callback(editor.app.OpenPage, page)
        editor.app.OpenPage("edit")  # elsewhere nothing can be deleted
        first = editor.start + int(take["first"])
        last = first + int(take["frames"])
        self._make_room(first, last)
        index = self._free_track(first, last)
        self._unlock(index)
        own_rate = self._rate_of(media)
        frames = min(
            math.ceil(int(take["frames"]) * own_rate / editor.rate),
            int(media.GetClipProperty("Frames") or 0) or sys.maxsize,
        )
        editor.pool.AppendToTimeline([{
            "mediaPoolItem": media, "startFrame": 0, "endFrame": frames, "mediaType": AUDIO,
            "trackIndex": index, "recordFrame": first,
        }])  # fmt: skip
        self._check(index, take, first)

    def _tracks(self) -> list[int]:
        timeline = self.editor.timeline
        return [
            index
            for index in range(1, int(timeline.GetTrackCount("audio")) + 1)
            if timeline.GetTrackName("audio", index) == TRACK
            and timeline.GetTrackSubType("audio", index) == "stereo"
        ]

    def _import(self, wav: str) -> Api:
        pool = self.editor.pool
        self.restore.callback(pool.SetCurrentFolder, pool.GetCurrentFolder())
        root = pool.GetRootFolder()
        bins = [each for each in root.GetSubFolderList() or [] if each.GetName() == BIN]
        pool.SetCurrentFolder(bins[0] if bins else pool.AddSubFolder(root, BIN))
        imported = pool.ImportMedia([wav]) or []
        if not imported:
            raise Refused(f"Resolve does not import {wav}. Import it by hand.")
        return imported[0]

    def _rate_of(self, media: Api) -> Fraction:
        """Sound counts in the rate that the project had when it was imported."""
        with suppress(Refused):
            return exact_rate(media.GetClipProperty("FPS"))
        return self.editor.rate

    def _make_room(self, first: int, last: int) -> None:
        old = []
        for index, item, _ in self.ours():
            if item.GetStart() < last and first < item.GetEnd():
                self._unlock(index)
                old.append(item)
        timeline = self.editor.timeline
        if old and not (timeline.DeleteClips(old, False) or timeline.DeleteClips(old, False)):
            raise Refused(f"Resolve does not remove the music on {TRACK}. Delete it and try again.")

    def _free_track(self, first: int, last: int) -> int:
        timeline = self.editor.timeline
        for index in self._tracks():
            items = timeline.GetItemListInTrack("audio", index) or []
            if not any(item.GetStart() < last and first < item.GetEnd() for item in items):
                return index
        timeline.AddTrack("audio", "stereo")  # mono unless told
        index = int(timeline.GetTrackCount("audio"))
        if timeline.GetTrackSubType("audio", index) != "stereo":
            raise Refused(f"Resolve does not add a stereo track. Add one, name it {TRACK}, and try again.")
        timeline.SetTrackName("audio", index, TRACK)
        return index

    def _unlock(self, index: int) -> None:
        timeline = self.editor.timeline
        if timeline.GetIsTrackLocked("audio", index):
            self.restore.callback(timeline.SetTrackLock, "audio", index, True)
            timeline.SetTrackLock("audio", index, False)

    def _check(self, index: int, take: Json, first: int) -> None:
        items = self.editor.timeline.GetItemListInTrack("audio", index) or []
        found = [item for item in items if _path(item) == take["wav"]]
        if not found:
            raise Refused(f"Resolve did not take the music onto {TRACK}. Drag it there from the bin {BIN}.")
        nearest = min(found, key=lambda item: abs(item.GetStart() - first))
        if nearest.GetStart() != first:
            raise Refused(f"Resolve put the music at frame {nearest.GetStart()}, it belongs at {first}.")
        if nearest.GetDuration() != take["frames"]:
            words = f"is {nearest.GetDuration()} frames long on the timeline, {take['frames']} in its file"
            print(f"V2M: the music lies in its place but {words}.", file=sys.stderr)


def _path(item: Api) -> str:
    media = item.GetMediaPoolItem()
    return str(media.GetClipProperty("File Path")) if media else ""
