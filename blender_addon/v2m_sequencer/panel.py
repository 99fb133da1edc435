"""The tab V2M beside the sequencer."""

from __future__ import annotations

import bpy

from .operators import sequencer_scene
from .strips import Api


class V2M_PT_score(bpy.types.Panel):
    """Prompt, range and the two buttons."""

    bl_label = "V2M Score"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "V2M"

    def draw(self, context: Api) -> None:
        """One below the other."""
        scene = sequencer_scene(context)
        if scene is None:
            return
        self.layout.prop(scene.v2m, "prompt")
        self.layout.prop(scene.v2m, "range")
        self.layout.prop(scene.v2m, "seed")
        self.layout.operator("v2m.score", icon="SOUND")
        self.layout.operator("v2m.retime", icon="MARKER_HLT")
