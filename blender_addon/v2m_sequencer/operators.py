"""Score and Retime: the daemon works while Blender goes on; Esc stops it; by a script they wait.

The status bar tells the stage. A scene is kept by its name meanwhile: an undo makes Blender's objects anew.
"""

from __future__ import annotations

from typing import Final

import bpy

from . import hits
from .daemon import Cancelled, Json, Wish, have_done
from .errand import Errand
from .music import Music, music_of, place, remember
from .refused import Refused
from .sequence import Sequence
from .settings import daemon, music_folder, preferences
from .strips import Api

LOOK_EVERY_S: Final = 0.1
"""A person sees ten steps a second as a moving bar."""

Answer = set[str]
"""What Blender is told of an operator: RUNNING_MODAL, FINISHED and so on."""


def sequencer_scene(context: Api) -> Api:
    """The scene that the sequencer edits: since Blender 5.0 it need not be the window's."""
    return getattr(context, "sequencer_scene", None) or context.scene


class Asking:
    """What both operators do: ask, wait, take what comes."""

    bl_options = {"UNDO"}  # noqa: RUF012 - as Blender wants it
    errand: Errand | None = None

    @classmethod
    def poll(cls, context: Api) -> bool:
        """Whether there is a sequence to work on."""
        scene = sequencer_scene(context)
        return scene is not None and scene.sequence_editor is not None

    def execute(self, context: Api) -> Answer:
        """Without a window: wait for it."""
        try:
            self.begin(context)
            self.take(self.errand.result())
        except (Refused, Cancelled) as error:
            return self.tell(error)
        return {"FINISHED"}

    def invoke(self, context: Api, _event: Api) -> Answer:
        """From a button: Blender goes on meanwhile."""
        if bpy.app.background:
            return self.execute(context)
        try:
            self.begin(context)
        except Refused as error:
            return self.tell(error)
        windows = context.window_manager
        self.timer = windows.event_timer_add(LOOK_EVERY_S, window=context.window)
        windows.progress_begin(0, 100)
        windows.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Api, event: Api) -> Answer:
        """Look how it goes, ten times a second."""
        if event.type == "ESC" and event.value == "PRESS":
            self.errand.stop()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not self.errand.is_over:
            stage, fraction = self.errand.progress
            context.workspace.status_text_set(f"V2M: {stage or 'asking'} {fraction:.0%} · Esc stops it")
            context.window_manager.progress_update(100 * fraction)
            return {"RUNNING_MODAL"}
        self.end(context)
        try:
            self.take(self.errand.result())
        except (Refused, Cancelled) as error:
            return self.tell(error)
        return {"FINISHED"}

    def cancel(self, context: Api) -> None:
        """Blender ends it: another file is opened, or the window closed."""
        self.errand.stop()
        self.end(context)

    def end(self, context: Api) -> None:
        """Give Blender its status bar back."""
        context.window_manager.event_timer_remove(self.timer)
        context.window_manager.progress_end()
        context.workspace.status_text_set(None)

    def tell(self, error: Exception) -> Answer:
        """The sentence, in the status bar and the log."""
        self.report({"INFO"} if isinstance(error, Cancelled) else {"ERROR"}, str(error) or "V2M was stopped.")
        return {"CANCELLED"}

    def begin(self, context: Api) -> None:
        """Ask the daemon.

        Raises:
            Refused: there is nothing to ask for.
        """
        scene = sequencer_scene(context)
        self.scene_name = scene.name
        asked = self.wish(Sequence(scene, bpy.path.abspath))
        there = daemon()
        self.errand = Errand(lambda tell, stopped: have_done(there, asked, tell, stopped))

    def take(self, result: Json) -> None:
        """Place what came, and show its hits."""
        scene = bpy.data.scenes.get(self.scene_name)
        if scene is None:
            raise Refused(f"The scene {self.scene_name} is gone. The music is {result['wav']}.")
        sequence = Sequence(scene, bpy.path.abspath)
        if self.before is not None:
            hits.hide(scene, self.before)
        music = music_of(result, self.first, sequence.rate)
        strip = place(sequence.editor, music)
        shown = hits.show(scene, music, result["hits"], sequence.rate, visible=preferences().markers)
        remember(strip, shown)
        self.report({"INFO"}, f"V2M: the music is in channel {strip.channel}, {music.frames} frames long.")


class V2M_OT_score(Asking, bpy.types.Operator):
    """Compose music that hits the cuts of the range, and place it on a channel of its own."""

    bl_idname = "v2m.score"
    bl_label = "Score"

    def wish(self, sequence: Sequence) -> Wish:
        """Music for the range that the scene's settings name."""
        told = sequence.scene.v2m
        self.before: Music | None = None
        asked, self.first = sequence.score(told.range, told.prompt, told.seed, music_folder())
        return asked


class V2M_OT_retime(Asking, bpy.types.Operator):
    """Let the music follow its hit markers where they were moved, else the cuts as they are now."""

    bl_idname = "v2m.retime"
    bl_label = "Retime"

    def wish(self, sequence: Sequence) -> Wish:
        """The same music with its hits elsewhere."""
        asked, music = sequence.retime(music_folder())
        self.before, self.first = music, music.first
        return asked
