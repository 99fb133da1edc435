"""The media linker `v2m` for OpenTimelineIO hosts: a clip's reference, led to a local file.

    otio.adapters.read_from_file(path, media_linker_name="v2m",
        media_linker_argument_map={"folder": "/edits", "path_map": [["C:/Projects", "/mnt/projects"]]})

It is used only where a caller names it; no hook of ours touches other people's reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import opentimelineio as otio

from v2m_otio.media import Resolver, resolve_reference
from v2m_otio.targets import PathMap


def link_media_reference(
    in_clip: otio.schema.Clip, media_linker_argument_map: Mapping[str, Any] | None = None
) -> otio.core.MediaReference:
    """A reference to the local file that the clip's references lead to; the clip's own where there is none.

    Args:
        in_clip: the clip.
        media_linker_argument_map: `folder`, which relative references count from (default: the working
            folder), and `path_map`, pairs of prefixes.
    """
    arguments = media_linker_argument_map or {}
    pairs = tuple((str(old), str(new)) for old, new in arguments.get("path_map", ()))
    resolver = Resolver(Path(str(arguments.get("folder", "."))).absolute(), PathMap(pairs))
    found = resolve_reference(in_clip, resolver)
    if found.media is None or found.media.path is None:
        return in_clip.media_reference
    linked = otio.schema.ExternalReference(str(found.media.path), available_range=found.available_range)
    linked.metadata["v2m"] = {"target": found.media.target}
    return linked
