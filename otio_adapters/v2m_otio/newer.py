"""Schemas that a later OpenTimelineIO writes, in the words of the one that is installed here.

For reading alone: the document itself keeps what its editor wrote, in the scored copy too.

    Marker.3 (0.19)   its colour is an object with a name; of Marker.2 it is that name

Source: the library's own downgrade functions, `typeRegistry.cpp`.
"""

from __future__ import annotations

import json
from typing import Any


def in_known_schemas(text: str) -> str:
    """A document's JSON as the library that is installed takes it."""
    if '"Marker.3"' not in text:
        return text
    content = json.loads(text)
    waiting: list[Any] = [content]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("OTIO_SCHEMA") == "Marker.3":
                node["OTIO_SCHEMA"] = "Marker.2"
                node["color"] = _color_name(node.get("color"))
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return json.dumps(content)


def _color_name(color: object) -> str:
    """Upper case, as the names of Marker.2 are; without one, what a marker has from the start."""
    name = color.get("name") if isinstance(color, dict) else color
    return name.upper() if isinstance(name, str) and name else "RED"
