"""JSON Schemas of the files by which jobs come and go, made from the dataclasses that read and write them.

    python -m v2m_daemon.intake.schema     writes schemas/*.schema.json anew, after a change

Source: json-schema.org, draft 2020-12. Writers of clients take the files; a test holds them to this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Final

from v2m.errors import error_kinds
from v2m.part_names import PART_NAMES
from v2m.stages import STAGES
from v2m_daemon.intake.status import VERSION
from v2m_daemon.jobs.spec import LONGEST_NAME, LONGEST_TEXT, MOST_PAIRS, NUMBERS, JobKind, JobSpec
from v2m_daemon.jobs.view import JobState

FOLDER: Final = Path(__file__).with_name("schemas")

NOT_ASKED: Final = "request_id"
"""A field of a spec that is no client's: the directory itself is the request."""

JOB_FIELDS: Final[Mapping[str, str]] = {
    "kind": "What is done.",
    "document": "Timeline or video, else the take's folder. Relative to the job's directory.",
    "out_dir": "Folder of the results; without it, and without in_place, the job's directory.",
    "in_place": "Put the results beside the document.",
    "overwrite": "Replace results of an earlier run.",
    "to": "Format of the scored timeline.",
    "client": "Who asks: clients are served in turn.",
    "priority": "A higher one goes first.",
    "picture": "A render of the programme, looked at instead of its media. Relative to the job's directory.",
    "encoder": "What looks at the picture.",
    "in_point": "Begin here: seconds 12.5, frames 300f or a timecode.",
    "out_point": "End here.",
    "path_map": "Pairs: beginning of a path in the document, folder on this machine.",
    "frame_rate": "Frames a second of an EDL, which says none: 25, 29.97, 24000/1001.",
    "tempo_bpm": "Beats a minute to stay near.",
    "tempo_freedom": "0 a steady click, 1 free rubato.",
    "prompt": "Style, mood, instruments, tempo, key, metre.",
    "backbone": "What composes.",
    "takes": "How many to compose.",
    "seed": "The same seed makes the same music.",
    "adherence": "How closely the music follows how much the picture changes.",
    "steps": "Sampling steps.",
    "loudness_lufs": "Loudness of the result, LUFS.",
    "soundfont": "The instruments, an .sf2 or .sf3. Relative to the job's directory.",
    "adapter": "What tells a model of sound the event curve. Relative to the job's directory.",
    "lora_strength": "How strongly the LoRA files of a Stable Audio 3 model change it.",
    "timeline": "Of a retime: the document with the new timing. Relative to the job's directory.",
    "nudges": "Of a retime: pairs of where a hit is and where it goes, as in_point.",
    "max_bend": "Of a retime: percent by which a beat may stretch before music is composed again.",
    "lock": "Of a restyle: parts kept to the sample: drums, bass, harmony, melody, extras, rhythm.",
    "only": "Of a restyle: parts that are made again; all others are kept.",
    "mute": "Of a restyle: parts that are left out.",
    "solo": "Of a restyle: parts of which all others are left out.",
    "intensity": "Of a restyle: pairs of a range A..B or a hit's id, and how much more happens, -5 to 5.",
    "range": "Of a restyle: the range A..B that alone is composed again.",
}

_PARTS_PATTERN: Final = "^ *({0})( *, *({0}))* *$".format("|".join(PART_NAMES))

_VERSION: Final = {"const": VERSION, "description": "Of this form; another is not read."}
_TEXT: Final = {"type": "string"}


def job() -> dict[str, Any]:
    """`job.json`, which a client writes."""
    asked = [field for field in fields(JobSpec) if field.name != NOT_ASKED]
    needed = ["version", *(field.name for field in asked if field.default is MISSING)]
    properties = {"version": _VERSION} | {field.name: _asked(field) for field in asked}
    return _object("job.json", "A job that a client asks for.", properties, needed)


def status() -> dict[str, Any]:
    """`status.json`."""
    return _object("status.json", "How a job stands; rewritten whole.", _status_properties())


def result() -> dict[str, Any]:
    """`result.json`."""
    properties = {
        "version": _VERSION,
        "job": _JOB,
        "outputs": _OUTPUTS,
        "result": {"type": "object", "description": "What the same command prints with --json."},
    }
    return _object("result.json", "What a job that is done has made.", properties)


def error() -> dict[str, Any]:
    """`error.json`."""
    return _object(
        "error.json", "Why a job has no result.", {"version": _VERSION, **_error_properties()}
    )  # fmt: skip


def drop_status() -> dict[str, Any]:
    """`Output/STEM.status.json` of a watch folder."""
    told = {
        "type": ["object", "null"],
        "description": "Of a failed one: why.",
        **_closed(_error_properties()),
    }
    properties = {
        **_status_properties(),
        "document": {"type": "string", "description": "Name of what was dropped."},
        "outputs": _OUTPUTS,
        "error": told,
    }
    return _object("STEM.status.json", "How a document in a watch folder stands.", properties)


SCHEMAS: Final = {
    "job": job,
    "status": status,
    "result": result,
    "error": error,
    "drop_status": drop_status,
}
"""Name of the file, without its ending -> what makes it."""

_JOB: Final = {"type": "string", "description": "The job's id; empty while or where there is none."}
_OUTPUTS: Final = {
    "type": "object",
    "additionalProperties": _TEXT,
    "description": "What was made (take, wav, timeline) and its absolute path.",
}


def write_all(folder: Path = FOLDER) -> None:
    """Write the files anew."""
    folder.mkdir(exist_ok=True)
    for name, make in SCHEMAS.items():
        text = json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


def _status_properties() -> dict[str, Any]:
    return {
        "version": _VERSION,
        "job": _JOB,
        "state": {"enum": [str(state) for state in JobState]},
        "stage": {"enum": ["", *STAGES], "description": "Empty before the first and at the end."},
        "fraction": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "Of the whole; never falls.",
        },
        "eta_s": {"type": ["number", "null"], "description": "Seconds that it will still take, if known."},
        "message": {"type": "string", "description": "For a person: what it does or waits for."},
    }


def _error_properties() -> dict[str, Any]:
    return {
        "code": {"enum": sorted({kind.code for kind in error_kinds()})},
        "message": {"type": "string", "description": "One sentence: what was seen and what was expected."},
        "detail": {"type": "string", "description": "For a log."},
        "hint": {"type": "string", "description": "What to do next."},
    }


def _asked(field: Field[Any]) -> dict[str, Any]:
    """The schema of a field of a spec."""
    schema = _values(field.name)
    if field.default is None:
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        else:
            schema["type"] = [schema["type"], "null"]
    if field.default not in (MISSING, None, ()):
        schema["default"] = field.default
    return {**schema, "description": JOB_FIELDS[field.name]}


def _values(name: str) -> dict[str, Any]:
    if name in NUMBERS:
        low, high = NUMBERS[name]
        return {"type": "integer" if isinstance(low, int) else "number", "minimum": low, "maximum": high}
    if name == "kind":
        return {"enum": [str(kind) for kind in JobKind]}
    if name in ("lock", "only", "mute", "solo"):
        return {"type": "string", "maxLength": LONGEST_NAME, "pattern": _PARTS_PATTERN}
    if name in ("in_place", "overwrite"):
        return {"type": "boolean"}
    if name in ("path_map", "nudges", "intensity"):
        pair = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 2, "maxItems": 2}
        return {"type": "array", "items": pair, "maxItems": MOST_PAIRS}
    short = name in ("client", "to", "encoder", "backbone", "in_point", "out_point", "frame_rate", "range")
    return {"type": "string", "maxLength": LONGEST_NAME if short else LONGEST_TEXT}


def _object(
    title: str, description: str, properties: dict[str, Any], required: list[str] | None = None
) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description,
        "type": "object",
        **_closed(properties, required),
    }


def _closed(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


if __name__ == "__main__":
    write_all()
