"""A lane of the page: something drawn over the time of the programme, with its name beside it."""

from __future__ import annotations

from dataclasses import dataclass

from v2m.report.markup import Content


@dataclass(frozen=True)
class Lane:
    """What the page needs to show one."""

    kind: str
    """Its class in the style sheet, which gives its height and colours."""

    title: str
    told: str
    """What is seen in it, in a sentence, for who cannot see it."""

    drawing: Content
    aside: Content = ()
    """Under the title: figures, a legend."""
