"""Frozen dataclasses from TOML: what every file of settings here is read with; an unknown key is an error.

Conventions: a table is a dataclass, an array a tuple; paths are relative to the file. Values are checked
against the fields' annotations here, ranges in the dataclasses' `__post_init__`.
"""

from __future__ import annotations

import tomllib
import types
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from v2m.errors import InputError, UsageError

Made = TypeVar("Made")


def read_settings(kind: type[Made], path: Path) -> Made:
    """The settings that a TOML file holds.

    Raises:
        UsageError: unknown or missing keys, or values that make no sense.
        InputError: the file cannot be read or is no TOML.
    """
    return build_settings(kind, read_toml(path), path.parent)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        InputError: the file cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The run's settings {path} cannot be read: {error}.") from error


def build_settings(kind: type[Made], values: dict[str, Any], base: Path, where: str = "") -> Made:
    """A dataclass from plain values; `base` is what paths are relative to, `where` names the table.

    Raises:
        UsageError: unknown or missing keys, or values that make no sense.
    """
    hints = get_type_hints(kind)
    unknown = sorted(set(values) - {f.name for f in fields(kind)})  # type: ignore[arg-type]
    if unknown:
        names = ", ".join(where + key for key in unknown)
        raise UsageError(f"The run's settings have unknown keys: {names}.")
    made = {key: _value(hints[key], value, base, where + key) for key, value in values.items()}
    try:
        return kind(**made)
    except TypeError as error:  # a field without a default is missing
        raise UsageError(f"The run's settings {where.rstrip('.') or 'lack a key'}: {error}.") from error


def _value(hint: Any, value: Any, base: Path, name: str) -> Any:  # noqa: ANN401 - TOML, checked here
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise UsageError(f"{name} is {value!r}, expected a table.")
        return build_settings(hint, value, base, name + ".")
    if get_origin(hint) in (Union, types.UnionType):  # only `X | None` is used, and TOML has no None
        return _value(next(kind for kind in get_args(hint) if kind is not type(None)), value, base, name)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise UsageError(f"{name} is {value!r}, expected an array.")
        return tuple(_value(get_args(hint)[0], one, base, f"{name}[{i}]") for i, one in enumerate(value))
    if hint is Path:
        return base / str(value)
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise UsageError(f"{name} is {value!r}, expected one of {', '.join(map(str, get_args(hint)))}.")
    return _plain(hint, value, name)


def _plain(hint: Any, value: Any, name: str) -> Any:  # noqa: ANN401 - TOML, checked here
    wanted = {int: int, float: (int, float), bool: bool}.get(hint, str)
    if (isinstance(value, bool) and hint is not bool) or not isinstance(value, wanted):  # type: ignore[arg-type]
        raise UsageError(f"{name} is {value!r}, expected {getattr(hint, '__name__', 'a word')}.")
    return value
