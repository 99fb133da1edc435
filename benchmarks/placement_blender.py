"""Lays an `.otio`'s sound into Blender's sequencer, saves, opens again, mixes down; its Python has `bpy`.

    PYTHON placement_blender.py edit.otio mix.wav 30000 1001

Conventions: Blender's frames begin at 1; its rate is `fps` / `fps_base`. Every item of a sound track takes
its length, a gap too; relative references count from the document.
"""

import json
import sys
from pathlib import Path

import bpy


def lay(document: Path) -> int:
    """Add the strips; the length of the longest track in frames."""
    timeline = json.loads(document.read_text(encoding="utf-8"))
    editor = bpy.context.scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences  # the name before Blender 5
    longest = 0
    for channel, track in enumerate(timeline["tracks"]["children"], start=1):
        at = 0
        for item in track["children"]:
            frames = round(item["source_range"]["duration"]["value"])
            if track["kind"] == "Audio" and item["OTIO_SCHEMA"].startswith("Clip"):
                reference = item["media_references"][item["active_media_reference_key"]]
                file = document.parent / reference["target_url"]
                strips.new_sound(item["name"], str(file), channel, at + 1)
            at += frames
        longest = max(longest, at)
    return longest


def main() -> None:
    """One document into one mix."""
    document, mix = Path(sys.argv[1]), Path(sys.argv[2])
    numerator, denominator = int(sys.argv[3]), int(sys.argv[4])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = round(numerator / denominator)
    scene.render.fps_base = scene.render.fps * denominator / numerator
    frames = lay(document)
    scene.frame_start, scene.frame_end = 1, frames
    project = document.with_suffix(".blend")
    bpy.ops.wm.save_as_mainfile(filepath=str(project))
    bpy.ops.wm.open_mainfile(filepath=str(project))
    bpy.ops.sound.mixdown(
        filepath=str(mix), container="WAV", codec="PCM", format="S24", mixrate=48000, channels="STEREO"
    )


main()
