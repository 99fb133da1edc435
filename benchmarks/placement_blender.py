"""Lays an `.otio`'s sound into Blender's sequencer, saves, opens again, mixes down; its Python has `bpy`.

    PYTHON placement_blender.py edit.otio mix.wav 30000 1001 FIRST

Our music is placed by the add-on in `blender_addon`, all else as a script lays strips. The mix begins with
frame FIRST of the document.

Conventions: Blender's frames begin at 1; its rate is `fps` / `fps_base`. Every item of a sound track takes
its length, a gap too; relative references count from the document.
"""

import json
import sys
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "blender_addon"))

from v2m_sequencer.music import NAME, Music, place
from v2m_sequencer.strips import editor_strips


def lay(document: Path) -> int:
    """Add the strips; the length of the longest track in frames."""
    timeline = json.loads(document.read_text(encoding="utf-8"))
    editor = bpy.context.scene.sequence_editor_create()
    longest = 0
    for channel, track in enumerate(timeline["tracks"]["children"], start=1):
        at = 0
        for item in track["children"]:
            frames = round(item["source_range"]["duration"]["value"])
            if track["kind"] == "Audio" and item["OTIO_SCHEMA"].startswith("Clip"):
                lay_sound(editor, document.parent, item, channel, at + 1, frames)
            at += frames
        longest = max(longest, at)
    return longest


def lay_sound(editor: Any, folder: Path, item: dict[str, Any], channel: int, first: int, frames: int) -> None:  # noqa: ANN401
    """One clip on its frame."""
    reference = item["media_references"][item["active_media_reference_key"]]
    file = str(folder / reference["target_url"])
    if item["name"] == NAME:
        place(editor, Music("", file, first, frames))
    else:
        editor_strips(editor).new_sound(item["name"], file, channel, first)


def main() -> None:
    """One document into one mix."""
    document, mix = Path(sys.argv[1]), Path(sys.argv[2])
    numerator, denominator, first = map(int, sys.argv[3:])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = round(numerator / denominator)
    scene.render.fps_base = scene.render.fps * denominator / numerator
    frames = lay(document)
    scene.frame_start, scene.frame_end = first + 1, frames
    project = document.with_suffix(".blend")
    bpy.ops.wm.save_as_mainfile(filepath=str(project))
    bpy.ops.wm.open_mainfile(filepath=str(project))
    bpy.ops.sound.mixdown(
        filepath=str(mix), container="WAV", codec="PCM", format="S24", mixrate=48000, channels="STEREO"
    )


main()
