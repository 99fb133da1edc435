"""The running Resolve with its current timeline, and how a Python outside of it gets hold of one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from v2m_resolve.rate import exact_rate
from v2m_resolve.refused import Refused

Api = Any
"""An object of Resolve's, which has no types."""

OLDEST: Final = (18, 5)
"""The first Resolve that writes OTIO."""

MARKS_SINCE: Final = 20

_API: Final = {
    "linux": "/opt/resolve/Developer/Scripting",
    "darwin": "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting",
    "win32": r"%PROGRAMDATA%\Blackmagic Design\DaVinci Resolve\Support\Developer\Scripting",
}
"""Where the installer puts the module that connects to Resolve."""


class Editor:
    """The running Resolve with its current timeline. Frames count from the timeline's first one."""

    def __init__(self, app: Api) -> None:
        """Look at what is open.

        Raises:
            Refused: Resolve is too old, or there is no project or timeline.
        """
        self.app = app
        version = tuple(int(part) for part in list(app.GetVersion())[:2])
        if version < OLDEST:
            raise Refused("This Resolve writes no OTIO. Use 18.5 or later.")
        self.has_marks = version[0] >= MARKS_SINCE
        self.project = app.GetProjectManager().GetCurrentProject()
        self.timeline: Api = self.project.GetCurrentTimeline() if self.project else None
        if self.timeline is None:
            raise Refused("No timeline is open. Open the one to score.")
        self.pool = self.project.GetMediaPool()
        self.name = str(self.timeline.GetName())
        self.start = int(self.timeline.GetStartFrame())
        self.rate = exact_rate(self.timeline.GetSetting("timelineFrameRate"))

    def range(self) -> tuple[int | None, int | None]:
        """First marked frame and the first one after; None where nothing is marked."""
        if not self.has_marks:
            print(
                "V2M: before Resolve 20 marks cannot be read: the whole timeline is meant.", file=sys.stderr
            )
            return None, None
        marks = self.timeline.GetMarkInOut() or {}
        marked = marks.get("video") or marks.get("audio") or {}
        first, last = marked.get("in"), marked.get("out")
        end = int(self.timeline.GetEndFrame()) - self.start
        return (None if first is None else int(first)), (None if last is None else min(int(last) + 1, end))

    def export(self, path: Path) -> None:
        """Write the timeline as OTIO; True alone proves nothing."""
        done = self.timeline.Export(str(path), self.app.EXPORT_OTIO, self.app.EXPORT_NONE)
        if not done or not path.is_file():
            raise Refused(
                "Resolve did not export the timeline as OTIO. Try File > Export > Timeline by hand."
            )

    def come_back(self, restore: ExitStack) -> None:
        """Make the timeline the current one: AppendToTimeline knows no other."""
        current = self.project.GetCurrentTimeline()
        if current is not None and current.GetUniqueId() != self.timeline.GetUniqueId():
            restore.callback(self.project.SetCurrentTimeline, current)
            self.project.SetCurrentTimeline(self.timeline)

    def markers(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """All markers in their order."""
        found = (self.timeline.GetMarkers() or {}).items()
        yield from sorted((int(frame), dict(marker)) for frame, marker in found)


def connect() -> Api:
    """The Resolve that runs on this machine.

    Raises:
        Refused: none runs, or it lets nobody in.
    """
    api = os.environ.get("RESOLVE_SCRIPT_API") or os.path.expandvars(_API.get(sys.platform, ""))
    sys.path.append(str(Path(api) / "Modules"))
    try:
        app = import_module("DaVinciResolveScript").scriptapp("Resolve")
    except ImportError as error:
        raise Refused(f"Resolve's module for Python is not in {api}. Set RESOLVE_SCRIPT_API.") from error
    if app is None:
        raise Refused(
            "No Resolve lets scripts in. Start Studio (free takes no Python from outside) and allow them in "
            "Preferences > General > External scripting using: Local."
        )
    return app
