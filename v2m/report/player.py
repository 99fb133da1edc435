"""The player of the page: what shows and moves the position."""

from __future__ import annotations

from typing import Final

from v2m.frames import SMALL
from v2m.report.contents import Contents
from v2m.report.markup import Content, Markup, tag
from v2m.report.strip import SHEET_ID
from v2m.report.tables import card, mapping_rows

_ICONS: Final = {
    "play": "M7 4.5v15l12-7.5z",
    "pause": "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
    "back": "M6 5h2.2v14H6zM19 5v14L9.5 12z",
    "on": "M15.8 5H18v14h-2.2zM5 5v14l9.5-7z",
    "closer": "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",
    "wider": "M5 11h14v2H5z",
    "theme": "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zm0 2v14a7 7 0 0 0 0-14z",
}
"""Paths in a square of 24."""

KEYS: Final = {
    "Space": "play, pause",
    "← →": "one second back, on; with Shift one frame",
    ", .": "one frame back, on",
    "J K L": "run back, stop, play; again: faster",
    "P N": "hit before, next hit",
    "Home End": "start, end",
    "\N{MINUS SIGN} +": "wider, closer",
    "T": "light, dark",
}
"""What the keyboard does; `assets/keyboard.js` does it."""


def player(contents: Contents) -> Markup:
    """The bar that stays in sight."""
    buttons = tag(
        "div",
        _button("before", "Hit before", "P", _icon("back")),
        _button("play", "Play", "Space", [_icon("play"), _icon("pause")]),
        _button("next", "Next hit", "N", _icon("on")),
        class_="buttons",
    )
    clock = tag(
        "div",
        tag("output", "00:00:00:00", id="timecode", class_="timecode"),
        tag("div", (tag("span", id=name) for name in ("seconds", "bar", "speed")), class_="small"),
        class_="clock", role="timer", aria_live="off",
    )  # fmt: skip
    volume = tag(
        "label", tag("span", "Volume"),
        tag("input", type="range", id="volume", min=0, max=1, step=0.01, value=1), class_="volume",
    )  # fmt: skip
    view = tag(
        "div", _button("wider", "Show more time", "-", _icon("wider")),
        tag("output", "1\N{MULTIPLICATION SIGN}", id="zoom"),
        _button("closer", "Show less time", "+", _icon("closer")),
        _button("theme", "Light or dark", "T", _icon("theme")), class_="buttons",
    )  # fmt: skip
    return tag(
        "section", _monitor(contents), buttons, clock, volume, view, class_="player", aria_label="Player"
    )


def _monitor(contents: Contents) -> Content:
    """The picture at the position."""
    sheet = contents.sheet
    if sheet is None:
        return Markup("")
    shape = f"0 0 {SMALL[0]} {SMALL[1]}"
    height = 72
    return tag(
        "svg", tag("use", href=f"#{SHEET_ID}"), id="monitor", view_box=shape, preserve_aspect_ratio="none",
        width=round(height * min(2.4, max(0.5, sheet.aspect))), height=height, role="img",
        aria_label="The picture at the position",
    )  # fmt: skip


def _button(name: str, label: str, key: str, icon: Content) -> Markup:
    return tag(
        "button", icon, type="button", id=name, aria_label=label, title=f"{label} ({key})",
        aria_keyshortcuts=key,
    )  # fmt: skip


def _icon(name: str) -> Markup:
    path = tag("path", d=_ICONS[name])
    return tag("svg", path, view_box="0 0 24 24", class_=f"icon {name}", aria_hidden="true")


def keys_card() -> Markup:
    """What the keyboard does."""
    return card("Keys", tag("table", tag("tbody", mapping_rows(KEYS))), kind="keys")
