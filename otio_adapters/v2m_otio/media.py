"""Which local file a clip's media references lead to, or why to none.

Conventions: a document is a stranger's text. Only regular files are accepted; looking at a network share
or a URL would open a connection, so shares are opened only where a path map names them and URLs never;
what lies in a bundle must lie inside its folder.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import opentimelineio as otio

from v2m.timeline import Media
from v2m_otio.targets import NO_MAP, PathMap, Target, TargetError, parse_target

NO_REFERENCE: Final = "has no media in the document"
UNNAMED: Final = "a clip without a name"
SEQUENCE: Final = "is an image sequence, which is not read; give a picture render instead"


@dataclass(frozen=True)
class Resolver:
    """Leads targets of one document to files; remembers each answer."""

    folder: Path
    """What relative targets count from: the document's folder, or the bundle's."""

    path_map: PathMap = NO_MAP
    roots: tuple[Path, ...] = ()
    """Folders that media may lie in; empty for anywhere."""

    _known: dict[str, Media] = field(default_factory=dict, repr=False, compare=False)

    def media(self, target: str) -> Media:
        """The file that a target leads to; where there is none, `problem` says why."""
        if target not in self._known:
            self._known[target] = self._looked_up(target)
        return self._known[target]

    def _looked_up(self, target: str) -> Media:
        try:
            candidates = self._candidates(parse_target(target))
        except TargetError as error:
            return Media(target, None, str(error))
        problems = []
        for path in candidates:
            problem = self._problem(path)
            if not problem:
                return Media(target, path)
            problems.append(problem)
        return Media(target, None, problems[0])

    def _candidates(self, target: Target) -> list[Path]:
        mapped = [path for path in map(self.path_map.mapped, target.spellings) if path is not None]
        if mapped:
            return [self.folder / path for path in mapped]
        if target.network:
            raise TargetError("lies on a network share; name the share in the path map to have it opened")
        if target.windows and os.name != "nt":
            raise TargetError("is a path of a Windows machine; give a path map that says where it lies here")
        return [self.folder / path for path in target.spellings]

    def _problem(self, path: Path) -> str:
        try:
            real = path.resolve()
            status = real.stat()
        except (OSError, ValueError, RuntimeError) as error:  # missing, too long, not allowed, link loops
            missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            return "was not found" if missing else "cannot be read"
        if not stat.S_ISREG(status.st_mode):
            return "is not a regular file"
        if status.st_size == 0:
            return "is empty"
        if self.roots and not any(real.is_relative_to(root.resolve()) for root in self.roots):
            return "lies outside the folders that media may be read from"
        return "" if os.access(real, os.R_OK) else "may not be read by this user"


@dataclass(frozen=True)
class Reference:
    """The media of a clip, and where the file's first picture lies in the clip's media time."""

    media: Media | None
    """None for a generator or title."""

    available_range: otio.opentime.TimeRange | None
    fallback_key: str = ""
    """The key of the reference that was taken because the active one leads nowhere."""


def resolve_reference(clip: otio.schema.Clip, resolver: Resolver) -> Reference:
    """The first of a clip's references that leads to a file, the active one first."""
    references = clip.media_references()
    active = clip.active_media_reference_key
    keys = [active, *(key for key in references if key != active)]
    found = [(key, _reference(clip, references[key], resolver)) for key in keys if key in references]
    if not found:
        return Reference(Media(clip.name or UNNAMED, None, NO_REFERENCE), None)
    for key, reference in found:
        if reference.media is not None and reference.media.path is not None:
            return reference if key == active else Reference(reference.media, reference.available_range, key)
    return found[0][1]


def _reference(clip: otio.schema.Clip, reference: otio.core.MediaReference, resolver: Resolver) -> Reference:
    return Reference(_media(clip, reference, resolver), reference.available_range)


def _media(clip: otio.schema.Clip, reference: otio.core.MediaReference, resolver: Resolver) -> Media | None:
    if isinstance(reference, otio.schema.GeneratorReference):
        return None
    if isinstance(reference, otio.schema.ExternalReference):
        return resolver.media(str(reference.target_url))
    if isinstance(reference, otio.schema.ImageSequenceReference):
        pattern = f"{reference.target_url_base}{reference.name_prefix}#{reference.name_suffix}"
        return Media(pattern, None, SEQUENCE)
    return Media(clip.name or reference.name or UNNAMED, None, NO_REFERENCE)
