"""How each editor wants to find a reference to our music.

Resolve takes bare paths and rejects percent-encoding, and shows a new track in stereo only when told;
Premiere writes and reads `file:` URLs with it; Kdenlive and most readers of the format count a relative
path from the document, so a folder with both may be moved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

Profile = Literal["generic", "resolve", "premiere", "kdenlive"]
PROFILES: Final[tuple[Profile, ...]] = ("generic", "resolve", "premiere", "kdenlive")


def profile_of(timeline: dict[str, Any]) -> Profile:
    """The editor that wrote a timeline, by the metadata that it leaves."""
    metadata: dict[str, Any] = {}
    for node in (timeline, timeline.get("tracks")):
        if isinstance(node, dict) and isinstance(node.get("metadata"), dict):
            metadata.update(node["metadata"])
    if "Resolve_OTIO" in metadata:
        return "resolve"
    if "PremierePro_OTIO" in metadata:
        return "premiere"
    return "kdenlive" if "kdenlive" in metadata else "generic"


def target_url(file: Path, document: Path, profile: Profile) -> str:
    """How a document of an editor refers to a file."""
    file, folder = file.absolute(), document.absolute().parent
    if profile == "premiere":
        return file.as_uri()
    if profile != "resolve" and file.is_relative_to(folder):
        return file.relative_to(folder).as_posix()
    return str(file)


def track_metadata(profile: Profile) -> dict[str, Any]:
    """What an editor needs to know of a stereo track."""
    return {"Resolve_OTIO": {"Audio Type": "Stereo", "Locked": False}} if profile == "resolve" else {}
