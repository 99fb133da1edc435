"""The colours of the page and of its picture, by day and by night, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COLORS: Final[Mapping[str, tuple[str, str]]] = {
    "paper": ("#f5f6f8", "#0f1217"),
    "card": ("#ffffff", "#171b22"),
    "lane": ("#fbfcfd", "#12161c"),
    "ink": ("#1c2230", "#e8ecf3"),
    "quiet": ("#5c677a", "#97a2b5"),
    "line": ("#e0e4eb", "#2a313d"),
    "faint": ("#eef1f5", "#1e242d"),
    "accent": ("#0f6cbd", "#62b0f5"),
    "cursor": ("#d6243c", "#ff6b7d"),
    "cut": ("#aab3c2", "#465061"),
    "seen": ("#1f7a9c", "#56bde0"),
    "heard": ("#c65a11", "#f5a04e"),
    "tempo": ("#6d4bb0", "#b59bf0"),
    "beat": ("#c3ccd9", "#3b4454"),
    "bar": ("#8e9bb0", "#66738a"),
    "peak": ("#a9bfd6", "#3d5876"),
    "rms": ("#3f6a96", "#7fb2e5"),
    "good": ("#18804a", "#4fc985"),
    "fair": ("#8f6200", "#e9b949"),
    "poor": ("#c8334a", "#f5798a"),
    "k-cut": ("#c8334a", "#f5798a"),
    "k-dissolve": ("#c2691a", "#f0a15c"),
    "k-fade": ("#a07d0c", "#e3c04c"),
    "k-marker": ("#1d8a50", "#4fc985"),
    "k-visual": ("#4c5bd0", "#8f9bff"),
    "k-end": ("#5c677a", "#97a2b5"),
    "p-drums": ("#c8334a", "#f5798a"),
    "p-bass": ("#b97a06", "#e9b949"),
    "p-harmony": ("#1d8a50", "#4fc985"),
    "p-lead": ("#0f6cbd", "#62b0f5"),
    "p-extras": ("#6d4bb0", "#b59bf0"),
}
"""(on white, on black). Words in `ink` and `quiet` keep 4.5 to 1 against every ground, marks 3 to 1."""


def day(name: str) -> str:
    """A colour on white."""
    return COLORS[name][0]


def palette_css() -> str:
    """The colours as variables: as the system asks, as the reader chose, and for print by day."""
    light, dark = (_variables(index) for index in (0, 1))
    return (
        f":root{{color-scheme:light;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
        f"@media print{{:root,:root[data-theme]{{color-scheme:light;{light}}}"
        f":root:not([data-theme=light]){{color-scheme:light;{light}}}}}"
    )


def _variables(index: int) -> str:
    return "".join(f"--{name}:{pair[index]};" for name, pair in COLORS.items())
