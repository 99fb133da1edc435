"""The sequence that is edited: its rate, its strips, the range that is meant, and what is asked of V2M."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from . import hits
from .daemon import Json, Wish
from .document import document
from .music import Music, chosen
from .rate import exact_rate
from .refused import Refused
from .shots import picture_range, seen
from .strips import Api, editor_strips, read_strips


class Sequence:
    """A scene's sequence."""

    def __init__(self, scene: Api, absolute: Callable[[str], str]) -> None:
        """Look at it.

        Args:
            scene: whose sequencer it is.
            absolute: makes `//name` of Blender's an absolute path.

        Raises:
            Refused: there is nothing in it.
        """
        if scene.sequence_editor is None or not len(editor_strips(scene.sequence_editor)):
            raise Refused(f"The sequencer of {scene.name} is empty. Add the strips to score.")
        self.scene, self.editor, self.absolute = scene, scene.sequence_editor, absolute
        self.rate: Fraction = exact_rate(scene.render.fps, scene.render.fps_base)

    def range(self, wanted: str) -> tuple[int, int]:
        """The first frame that is scored and the one after the last.

        Args:
            wanted: STRIPS, SELECTED or SCENE.

        Raises:
            Refused: no strip there shows a picture.
        """
        scene = self.scene
        if wanted == "SCENE":
            preview = scene.use_preview_range
            first = scene.frame_preview_start if preview else scene.frame_start
            return first, (scene.frame_preview_end if preview else scene.frame_end) + 1
        strips = [strip for strip in editor_strips(self.editor) if wanted != "SELECTED" or strip.select]
        found = picture_range(read_strips(strips, self.rate, self.absolute))
        if found is None:
            raise Refused("No strip there shows a picture. Add or select the strips to score.")
        return found

    def score(self, wanted: str, prompt: str, seed: int, music_folder: Path) -> tuple[Wish, int]:
        """What is asked to score a range, and where its music begins; a seed below 0 is drawn."""
        first, end = self.range(wanted)
        fields = {"kind": "score", "prompt": prompt.strip() or None, "seed": seed if seed >= 0 else None}
        return self._wish(fields, "document", first, end, music_folder), first

    def retime(self, music_folder: Path) -> tuple[Wish, Music]:
        """What is asked to retime music: by its moved markers, else by the cuts as they are.

        Raises:
            Refused: there is no music of ours.
        """
        _, music = chosen(self.editor, self.scene.frame_current)
        moved = hits.nudges(self.scene, music)
        fields: Json = {"kind": "retime", "document": music.take}
        if moved:
            return Wish({**fields, "nudges": moved}, self._out(music_folder)), music
        return self._wish(fields, "timeline", music.first, music.first + music.frames, music_folder), music

    def _wish(self, fields: Json, name: str, first: int, end: int, music_folder: Path) -> Wish:
        """A wish that goes with the document of a range."""
        shots = seen(read_strips(editor_strips(self.editor), self.rate, self.absolute), first, end)
        markers = [marker for marker in hits.own_markers(self.scene) if first <= marker[0] < end]
        written = document(self.scene.name, shots, markers, first, self.rate)
        sources = (shot.strip.source for shot in shots if shot.strip is not None)
        media = dict.fromkeys(source.path for source in sources if source is not None)
        return Wish(fields, self._out(music_folder), {name: written}, tuple(media))

    def _out(self, music_folder: Path) -> Path:
        """A folder of its own for each result: Blender keeps what it has read of a file."""
        plain = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]', "_", self.scene.name).strip(" .")[:80]
        stem = f"{plain or 'scene'}-{time.strftime('%Y%m%d-%H%M%S')}"
        number, out = 1, music_folder / stem
        while out.exists():
            number, out = number + 1, music_folder / f"{stem}-{number + 1}"
        return out
