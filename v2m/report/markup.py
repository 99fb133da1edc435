"""Elements of HTML and SVG as text: whatever is not markup already is escaped.

Conventions: `tag("g", "text", class_="x", view_box=...)`: attribute names lose a trailing underscore and turn
other underscores to dashes, but for SVG's own names in `_CAMEL`. A value None or False leaves the attribute
out, True writes it bare. No attribute `style` is ever written: the page's policy forbids it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final


class Markup(str):
    """Text that is markup."""

    __slots__ = ()


Content = str | int | float | Iterable["Content"]
"""What stands in an element; plain text is escaped."""

_CAMEL: Final = {"view_box": "viewBox", "preserve_aspect_ratio": "preserveAspectRatio"}
_VOID: Final = frozenset(("meta", "link", "input", "img", "br", "hr"))


def tag(name: str, /, *content: Content, **attributes: str | float | bool | None) -> Markup:
    """One element."""
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{markup(content)}</{name}>")


def markup(content: Content) -> Markup:
    """Anything as markup."""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(html.escape(content))
    if isinstance(content, int | float):
        return Markup(f"{content:g}")
    return Markup("".join(map(markup, content)))


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = _CAMEL.get(key) or key.removesuffix("_").replace("_", "-")
    if value is True:
        return f" {name}"
    text = value if isinstance(value, str) else f"{value:g}"
    return f' {name}="{html.escape(text)}"'
