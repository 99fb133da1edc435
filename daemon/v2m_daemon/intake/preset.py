"""What is made of the documents of a watch folder: the file `v2m.toml` in it.

    prompt = "warm lo-fi with Rhodes"     backbone = "sketch"     takes = 4     format = "otio"
    in_place = false

Conventions: keys as the flags of `v2m score`; every one may be missing, so may the file; an unknown key is an
error. It holds for what is taken in from then on, not for what was.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from v2m.errors import FieldError, UsageError
from v2m_daemon.jobs.spec import JobKind, JobSpec

_SPEC_KEYS: Final = MappingProxyType(
    {
        "prompt": "prompt",
        "backbone": "backbone",
        "takes": "takes",
        "format": "to",
        "seed": "seed",
        "adherence": "adherence",
        "steps": "steps",
        "tempo": "tempo_bpm",
        "tempo_freedom": "tempo_freedom",
        "loudness": "loudness_lufs",
        "encoder": "encoder",
        "frame_rate": "frame_rate",
        "soundfont": "soundfont",
        "adapter": "adapter",
        "lora_strength": "lora_strength",
        "path_map": "path_map",
        "priority": "priority",
    }
)
"""Key -> field of a job."""

_SWITCHES: Final = ("in_place", "videos", "without_media")


@dataclass(frozen=True)
class Preset:
    """One `v2m.toml`."""

    wishes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Fields of a job."""

    in_place: bool = True
    """Leave documents where they were dropped; else they go to `Done/` or `Failed/`. A document that the
    result shows, a video or a bundle, stays in any case."""

    videos: bool = True
    """Score plain videos too. One that a timeline of the folder names as its media is never scored alone."""

    without_media: bool = False
    """When the media stay away for too long, score from the cuts alone instead of giving up."""

    def spec(self, document: str, out_dir: str, client: str) -> JobSpec:
        """The job for a document."""
        return JobSpec(
            kind=JobKind.SCORE, document=document, out_dir=out_dir, client=client, **dict(self.wishes)
        )


def parse_preset(data: bytes) -> Preset:
    """The preset in a file's bytes.

    Raises:
        UsageError: it is no TOML, a key is unknown or a value makes no sense.
    """
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except ValueError as error:
        raise UsageError(f"v2m.toml is no TOML: {error}.") from error
    known = (*_SPEC_KEYS, *_SWITCHES)
    for key in table:
        if key not in known:
            raise UsageError(f"v2m.toml has no key {key!r:.100}.", hint=f"Known are {', '.join(known)}.")
    switches = {key: table[key] for key in _SWITCHES if key in table}
    for key, value in switches.items():
        if not isinstance(value, bool):
            raise UsageError(f"v2m.toml: {key} is {value!r:.100}, expected true or false.")
    wishes = {_SPEC_KEYS[key]: _value(key, value) for key, value in table.items() if key in _SPEC_KEYS}
    preset = Preset(MappingProxyType(wishes), **switches)
    try:
        preset.spec(os.path.abspath("document"), os.path.abspath("out"), "")
    except FieldError as error:
        raise UsageError(f"v2m.toml: {error.message}", hint=error.hint) from error
    return preset


def _value(key: str, value: object) -> object:
    if key == "path_map":
        if not isinstance(value, dict):
            raise UsageError('v2m.toml: path_map is no table, expected {"D:/Edit" = "/mnt/edit"}.')
        return tuple(value.items())
    return value
