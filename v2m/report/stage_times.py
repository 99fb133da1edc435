"""How long the stages took: the one part of a report that is not the same each time a take is made.

So it stands in an element of its own, which also tells the numbers to whoever makes the report again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from v2m.report.markup import Markup, tag
from v2m.stages import STAGES

_ID: Final = "stages"
_TOLD: Final = re.compile(rf'<script id="{_ID}" type="application/json">([^<]*)</script>')


def stages_card(stages_s: Mapping[str, float]) -> Markup:
    """The stages with their times as bars; nothing where none is known."""
    known = {name: stages_s[name] for name in STAGES if name in stages_s}
    if not known:
        return Markup("")
    most = max(*known.values(), 1e-9)
    rows = [
        tag(
            "tr", tag("th", name, scope="row"), tag("td", _bar(taken / most)),
            tag("td", f"{taken:.2f} s", class_="number"),
        )
        for name, taken in known.items()
    ]  # fmt: skip
    total = tag("p", f"{sum(known.values()):.1f} s in all, up to this page", class_="more")
    data = tag("script", Markup(json.dumps(known)), id=_ID, type="application/json")
    table = tag("table", tag("tbody", rows), class_="stages")
    return tag("section", tag("h2", "Stages"), table, total, data, class_="card made")


def _bar(share: float) -> Markup:
    bar = tag("rect", width=f"{100 * share:.1f}%", height="100%", rx=2)
    return tag("svg", bar, class_="stage", width="100%", height="10", aria_hidden="true")


def told_stages(html: str) -> dict[str, float]:
    """The times that a report tells; empty where it tells none."""
    found = _TOLD.search(html)
    try:
        told = json.loads(found[1]) if found else {}
        return {name: float(told[name]) for name in STAGES if name in told}
    except (ValueError, TypeError):
        return {}
