"""A range of the programme as text: `A:B`; for timecodes, which have colons themselves, `A-B` or `A..B`."""

from __future__ import annotations

from typing import Final

_SEPARATORS: Final = ("..", "-", ":")


def split_range(text: str) -> tuple[str, str] | None:
    """The texts of both times; None where it is no range."""
    for separator in _SEPARATORS:
        parts = text.split(separator)
        if len(parts) == 2 and all(part.strip() for part in parts):
            return parts[0].strip(), parts[1].strip()
    return None


def join_range(begin: str, end: str) -> str:
    """The range between two times."""
    return f"{begin}{_SEPARATORS[0]}{end}"
