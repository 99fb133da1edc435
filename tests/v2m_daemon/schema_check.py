"""Holds a JSON value to a schema: those words of draft 2020-12 that our schemas use, and no other.

A word that is not known here is an error, so that no schema can ask for what nobody looks at.
"""

import re
from collections.abc import Iterator
from typing import Any

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
NOTES = {"$schema", "title", "description", "default"}
CHECKED = {
    "type", "const", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "items",
    "pattern", "properties", "required", "additionalProperties",
}  # fmt: skip


def violations(value: Any, schema: dict[str, Any], place: str = "$") -> Iterator[str]:
    """What is wrong with a value, as sentences."""
    assert set(schema) <= NOTES | CHECKED, set(schema) - NOTES - CHECKED
    if "type" in schema and not any(_is(value, kind) for kind in _listed(schema["type"])):
        yield f"{place} is {value!r}, expected {schema['type']}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{place} is {value!r}, expected {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is {value!r}, expected one of {schema['enum']}"
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        yield f"{place} is {value!r}, expected {schema['pattern']}"
    yield from _bounds(value, schema, place)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from violations(item, schema["items"], f"{place}[{number}]")
    if isinstance(value, dict):
        yield from _members(value, schema, place)


def _members(value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{place} has no {name}" for name in schema.get("required", []) if name not in value)
    for name, member in value.items():
        if name in known:
            yield from violations(member, known[name], f"{place}.{name}")
        elif schema.get("additionalProperties", True) is False:
            yield f"{place} has {name}, which is not known"
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from violations(member, schema["additionalProperties"], f"{place}.{name}")


def _bounds(value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:
    sizes = {"Length": str, "Items": list}
    for word, limit in schema.items():
        for ending, kind in sizes.items():
            if word == f"min{ending}" and isinstance(value, kind) and len(value) < limit:
                yield f"{place} is shorter than {limit}"
            if word == f"max{ending}" and isinstance(value, kind) and len(value) > limit:
                yield f"{place} is longer than {limit}"
        if word == "minimum" and _is(value, "number") and value < limit:
            yield f"{place} is {value}, expected at least {limit}"
        if word == "maximum" and _is(value, "number") and value > limit:
            yield f"{place} is {value}, expected at most {limit}"


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
