"""Relative references of a document, kept leading to their files when its copy lies in another folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from v2m_otio.limits import JsonObject
from v2m_otio.media import Resolver
from v2m_otio.read import Document
from v2m_otio.targets import TargetError, parse_target


def relinked(timeline: JsonObject, document: Document, out: Path) -> list[str]:
    """Make relative references absolute, in place, where the copy could not follow them; say so in notes.

    A reference that leads nowhere already stays as it is. So do those of an `.otioz`: their files are
    inside the zip, and are found again once it is unpacked beside the copy.
    """
    relative = [node for node in _external(timeline) if _is_relative(node.get("target_url"))]
    if document.path.suffix.lower() == ".otioz":
        note = f"the media stay in {document.path.name}: unpack it into {out.absolute().parent} to link them"
        return [note] if relative else []
    if document.media_folder.resolve() == out.absolute().parent.resolve():
        return []
    resolver, moved = Resolver(document.media_folder), 0
    for node in relative:
        path = resolver.media(node["target_url"]).path
        if path is not None:
            node["target_url"] = str(path.absolute())
            moved += 1
    return [f"{moved} relative media references were made absolute for the copy's folder"] if moved else []


def _external(node: object) -> Iterator[JsonObject]:
    """Every ExternalReference below a node."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if str(node.get("OTIO_SCHEMA", "")).startswith("ExternalReference."):
                yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _is_relative(target: object) -> bool:
    try:
        return isinstance(target, str) and parse_target(target).relative
    except TargetError:
        return False
