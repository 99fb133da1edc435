"""Which clips let the picture below them show: titles and adjustment layers.

OpenTimelineIO has no opacity. Editors export a title as a generator or as a clip without media, above the
picture that it is read over; taken as a shot it would hide that picture and add two cuts that nobody sees.
An adjustment layer changes the look of what lies below and shows nothing itself. Both are known by name.
"""

from __future__ import annotations

import re
from typing import Final

import opentimelineio as otio

_ADJUSTMENT: Final = re.compile(r"\badjustment (clip|layer)\b", re.IGNORECASE)
_TITLE: Final = re.compile(
    r"\b(text\+?|titles?|subtitles?|captions?|lower[ -]?thirds?|essential graphics|graphics?)(\b|$)",
    re.IGNORECASE,
)


def adjusts(clip: otio.schema.Clip) -> bool:
    """Whether a clip only changes the look of what lies below it."""
    return _without_media(clip) and _ADJUSTMENT.search(_words(clip)) is not None


def is_see_through(clip: otio.schema.Clip) -> bool:
    """Whether a clip is a title, through which the picture below is seen."""
    return _without_media(clip) and _TITLE.search(_words(clip)) is not None


def _without_media(clip: otio.schema.Clip) -> bool:
    """No file: a clip whose file is named "Title.mov" is a shot like any other."""
    reference = clip.media_reference
    if isinstance(reference, otio.schema.GeneratorReference):
        return True
    return isinstance(reference, otio.schema.MissingReference) and "." not in (clip.name or "")


def _words(clip: otio.schema.Clip) -> str:
    kind = getattr(clip.media_reference, "generator_kind", "") or ""
    return f"{clip.name} {clip.media_reference.name} {kind}".replace("_", " ")
