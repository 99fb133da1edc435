"""The formats by name: their suffix, who takes them, which adapter they need. Imports nothing heavy.

Sources: what each editor takes and how adapters fail was measured with opentimelineio 0.18.1; see the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from v2m.errors import UsageError
from v2m_otio.profiles import Profile

Kind = Literal["otio", "fcp7", "fcpxml", "edl", "aaf", "mlt", "kdenlive"]
"""What a file is."""

INSTALL: Final = 'pip install "v2m[editors]"'


@dataclass(frozen=True)
class Format:
    """A format that a scored timeline may come back in."""

    name: str
    kind: Kind
    suffix: str
    editors: str
    """Who takes it, as half a sentence."""

    profile: Profile | None = None
    """Of an `.otio`: the editor it is written for; None: the one that wrote the input."""


FORMATS: Final[tuple[Format, ...]] = (
    Format("otio", "otio", ".otio", "every reader of OpenTimelineIO, written for the editor it came from"),
    Format("otio-resolve", "otio", ".otio", "DaVinci Resolve 18.5 and later", "resolve"),
    Format("otio-premiere", "otio", ".otio", "Premiere Pro 25.6 and later", "premiere"),
    Format("otio-kdenlive", "otio", ".otio", "Kdenlive 25.04 and later", "kdenlive"),
    Format("fcp7", "fcp7", ".xml", "Premiere Pro, DaVinci Resolve and others, as Final Cut Pro 7 XML"),
    Format("fcpxml", "fcpxml", ".fcpxml", "Final Cut Pro"),
    Format("edl", "edl", ".edl", "everything that conforms by CMX 3600"),
    Format("aaf", "aaf", ".aaf", "Avid Media Composer and Pro Tools"),
    Format("mlt", "mlt", ".mlt", "Shotcut and melt"),
    Format("kdenlive", "kdenlive", ".kdenlive", "Kdenlive before 25.04"),
)
FORMAT_NAMES: Final = tuple(each.name for each in FORMATS)

SUFFIXES: Final[dict[str, Kind]] = {
    ".otio": "otio",
    ".otioz": "otio",
    ".otiod": "otio",
    ".edl": "edl",
    ".xml": "fcp7",
    ".fcpxml": "fcpxml",
    ".aaf": "aaf",
    ".kdenlive": "kdenlive",
}
"""What is read."""

PACKAGES: Final[dict[Kind, str]] = {
    "fcp7": "otio-fcp-adapter",
    "fcpxml": "otio-fcpx-xml-adapter",
    "edl": "otio-cmx3600-adapter",
    "aaf": "otio-aaf-adapter",
    "kdenlive": "otio-kdenlive-adapter",
}
"""The adapter of a kind, where it is not one of ours."""


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        UsageError: there is none.
    """
    for each in FORMATS:
        if each.name == name:
            return each
    raise UsageError(f"{name!r} is no format of a timeline, expected one of {', '.join(FORMAT_NAMES)}.")
