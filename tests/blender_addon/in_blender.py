"""What a user does in Blender, one thing after another, run by a Python that has `bpy`.

    BLENDER_USER_EXTENSIONS=DIR PYTHON in_blender.py '[{"do": "open", "path": "a.blend"}, ...]'

The add-on lies in `DIR/user_default`. Prints one line of JSON per thing that was done: what came of it.
"""

import json
import math
import sys
import time
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy

ADDON = "bl_ext.user_default.v2m_sequencer"


def scene() -> Any:
    return bpy.context.scene


def strips() -> Any:
    editor = scene().sequence_editor
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def prefer(**values: Any) -> None:
    preferences = bpy.context.preferences.addons[ADDON].preferences
    for name, value in values.items():
        setattr(preferences, name, value)


def make(
    rate: list[int], items: list[dict[str, Any]], markers: dict[str, int], settings: dict[str, Any]
) -> None:
    """A new file: strips by kind, named inputs, in their order."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module=ADDON)
    scene().render.fps = math.ceil(rate[0] / rate[1])
    scene().render.fps_base = scene().render.fps * rate[1] / rate[0]
    scene().sequence_editor_create()
    for item in items:
        add(**item)
    for name, frame in markers.items():
        scene().timeline_markers.new(name, frame=frame)
    scene().frame_end = max(round(strip.frame_final_end) for strip in strips()) - 1
    set_up(**settings)


def add(kind: str, name: str, channel: int, start: int, end: int, **values: Any) -> None:
    inputs = [next(strip for strip in strips() if strip.name == each) for each in values.pop("of", [])]
    if kind == "MOVIE":
        strip = strips().new_movie(name, values.pop("file"), channel, start - values.get("skip", 0))
    elif kind == "SOUND":
        strip = strips().new_sound(name, values.pop("file"), channel, start - values.get("skip", 0))
    else:
        strip = strips().new_effect(**effect(name, kind, channel, start, end, inputs))
    if skip := values.pop("skip", 0):
        strip.frame_offset_start = skip
    if kind in ("MOVIE", "SOUND"):
        strip.frame_final_duration = end - start
    for attribute, value in values.items():
        setattr(strip, attribute, value)


def effect(name: str, kind: str, channel: int, start: int, end: int, inputs: list[Any]) -> dict[str, Any]:
    """The arguments of `new_effect`: Blender 5 renamed some."""
    of_five = bpy.app.version >= (5, 0, 0)
    length = {"length": end - start} if of_five else {"frame_end": end}
    names = ("input1", "input2") if of_five else ("seq1", "seq2")
    made = {"name": name, "type": kind, "channel": channel, "frame_start": start, **length}
    return made | dict(zip(names, inputs, strict=False))


def set_up(**values: Any) -> None:
    for name, value in values.items():
        setattr(scene().v2m, name, value)


def save(path: str) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=path)


def reopen(path: str) -> None:
    bpy.ops.preferences.addon_enable(module=ADDON)
    bpy.ops.wm.open_mainfile(filepath=path)


def operate(name: str) -> str:
    """The sentence where it could not be done."""
    try:
        getattr(bpy.ops.v2m, name)()
    except RuntimeError as error:
        return str(error)
    return ""


def press(name: str, escape: bool) -> dict[str, Any]:
    """As from a button, with a window that is played: what the status bar shows, and what is said."""
    operators = import_module(f"{ADDON}.operators")
    shown: list[str | None] = []
    said: list[str] = []

    class Pressed(operators.Asking):
        wish = getattr(operators, f"V2M_OT_{name}").wish
        timer = None

        def report(self, _kinds: set[str], words: str) -> None:
            said.append(words)

    nothing = SimpleNamespace(
        event_timer_remove=lambda timer: None, progress_update=lambda share: None, progress_end=lambda: None
    )
    bar = SimpleNamespace(status_text_set=shown.append)
    window = SimpleNamespace(scene=scene(), workspace=bar, window_manager=nothing)
    pressed, answer = Pressed(), {"RUNNING_MODAL"}
    pressed.begin(window)
    mouse = pressed.modal(window, SimpleNamespace(type="MOUSEMOVE", value="NOTHING"))
    while answer == {"RUNNING_MODAL"}:
        time.sleep(0.05)
        kind = "ESC" if escape and any(pressed.errand.progress) else "TIMER"
        answer = pressed.modal(window, SimpleNamespace(type=kind, value="PRESS"))
        if kind == "ESC":
            answer, escape = {"RUNNING_MODAL"}, False
    return {"answer": [*answer], "mouse": [*mouse], "shown": shown, "said": said}


def move_marker(name: str, by: int) -> None:
    scene().timeline_markers[name].frame += by


def move_strip(name: str, by: int) -> None:
    next(strip for strip in strips() if strip.name == name).frame_start += by


def change(name: str, **values: Any) -> None:
    strip = next(strip for strip in strips() if strip.name == name)
    for attribute, value in values.items():
        setattr(strip, attribute, value)


def mix(path: str) -> None:
    bpy.ops.sound.mixdown(
        filepath=path, container="WAV", codec="PCM", format="S24", mixrate=48000, channels="STEREO"
    )


def look() -> dict[str, Any]:
    """All that tests look at."""
    ours = [strip for strip in strips() if "v2m" in strip]
    return {
        "music": [
            {
                "start": round(strip.frame_final_start), "frames": strip.frame_final_duration,
                "channel": scene().sequence_editor.channels[strip.channel].name, "volume": strip.volume,
                "file": bpy.path.abspath(strip.sound.filepath), "told": json.loads(strip["v2m"]),
            }
            for strip in ours
        ],
        "others": sorted(strip.name for strip in strips() if strip not in ours),
        "markers": sorted([marker.name, marker.frame] for marker in scene().timeline_markers),
    }  # fmt: skip


def document(wanted: str) -> dict[str, Any]:
    """What is handed over."""
    sequence = import_module(f"{ADDON}.sequence").Sequence(scene(), bpy.path.abspath)
    wish, first = sequence.score(wanted, "", -1, Path("unused"))
    return {"first": first, "document": wish.documents["document"], "media": wish.media}


THINGS = (
    make,
    prefer,
    set_up,
    save,
    reopen,
    operate,
    press,
    move_marker,
    move_strip,
    change,
    mix,
    look,
    document,
)


def main() -> None:
    """Do all."""
    known = {thing.__name__: thing for thing in THINGS}
    for told in json.loads(sys.argv[1]):
        came = known[told.pop("do")](**told)
        print("CAME", json.dumps(came), flush=True)


main()
