"""What Blender is told of when the add-on is switched on."""

from __future__ import annotations

import bpy

from .operators import V2M_OT_retime, V2M_OT_score
from .panel import V2M_PT_score
from .settings import Preferences, SceneSettings

CLASSES = (Preferences, SceneSettings, V2M_OT_score, V2M_OT_retime, V2M_PT_score)


def register() -> None:
    """Add the classes, and the settings to every scene."""
    for each in CLASSES:
        bpy.utils.register_class(each)
    bpy.types.Scene.v2m = bpy.props.PointerProperty(type=SceneSettings)


def unregister() -> None:
    """Take them away again."""
    del bpy.types.Scene.v2m
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
