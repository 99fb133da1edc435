"""The schema `V2MTake` of OpenTimelineIO documents: what made a take, in the metadata of its timeline.

A host without this plugin reads it as an unknown schema and writes it back unchanged. It is loaded by every
process that searches for plugins, so it imports nothing but OpenTimelineIO.
"""

from __future__ import annotations

import opentimelineio as otio


@otio.core.register_type
class V2MTake(otio.core.SerializableObject):  # type: ignore[misc]  # OpenTimelineIO has no types
    """One take, told in short; `folder` holds all of it."""

    _serializable_label = "V2MTake.1"

    folder = otio.core.serializable_field("folder", str, doc="The folder NAME.v2m.")
    prompt = otio.core.serializable_field("prompt", str, doc="The words it was made from.")
    seed = otio.core.serializable_field("seed", int, doc="The same seed makes the same music.")
    backbone = otio.core.serializable_field("backbone", str, doc="What composed.")

    def __init__(self, folder: str = "", prompt: str = "", seed: int = 0, backbone: str = "") -> None:
        super().__init__()
        self.folder = folder
        self.prompt = prompt
        self.seed = seed
        self.backbone = backbone
