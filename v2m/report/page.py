"""The page: one file that shows a take, plays it, and asks nothing of any network.

Pictures, sound, style and script lie inside; its policy (`policy`) forbids everything else. The same contents
give the same bytes: there is no clock in it. The times of the stages, which differ each time a take is made,
stand in an element of their own, see `stage_times`.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from v2m.frames import SMALL
from v2m.report import tables
from v2m.report.axis import WIDTH, Axis
from v2m.report.beats_lane import beats_lane
from v2m.report.contents import Contents
from v2m.report.curve_lane import curve_lane
from v2m.report.film import Film
from v2m.report.hits_lane import errors_lane, hits_lane
from v2m.report.lane import Lane
from v2m.report.markup import Content, Markup, tag
from v2m.report.palette import palette_css
from v2m.report.piano_roll import piano_roll
from v2m.report.player import keys_card, player
from v2m.report.policy import content_policy
from v2m.report.ruler import ruler
from v2m.report.sound_lanes import spectrogram, waveform
from v2m.report.stage_times import stages_card
from v2m.report.strip import SHEET_ID, strip
from v2m.take.family import told_wish

_STYLES: Final = ("page.css", "player.css", "lanes.css", "print.css")
_SCRIPTS: Final = (
    "time.js", "sound.js", "lanes.js", "picture.js", "readout.js", "keyboard.js", "theme.js", "start.js",
)  # fmt: skip
"""In their order: each uses what stands before it."""


def page(contents: Contents) -> str:
    """The whole document."""
    style, script = _style(), _script()
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{_title(contents)} \N{EN DASH} V2M"),
        tag("style", Markup(style)),
    )
    body = tag(
        "body", _header(contents), player(contents), tag("main", _desk(contents), _cards(contents)),
        _footer(contents), _sheet(contents), _sound(contents), _data(contents), tag("script", Markup(script)),
    )  # fmt: skip
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _title(contents: Contents) -> str:
    sources = contents.record.sources
    return tables.bare_name(sources[0].path) if sources else "A take"


def _header(contents: Contents) -> Markup:
    record = contents.record
    came = Markup("")
    if record.parent is not None:
        asked = f", {told_wish(record)}" if record.asked else ""
        came = tag("p", "From ", tag("bdi", record.parent.name), asked, class_="parent")
    return tag(
        "header",
        tag("h1", tag("bdi", _title(contents))),
        tag("p", tag("bdi", record.prompt), class_="prompt") if record.prompt else "",
        came,
        tables.figures(contents),
    )


def lanes_of(contents: Contents) -> list[Lane]:
    """All lanes from top to bottom."""
    axis = Axis(contents.duration_s)
    return [
        ruler(axis),
        strip(contents, axis),
        curve_lane(contents, axis),
        hits_lane(contents, axis),
        errors_lane(contents, axis),
        beats_lane(contents, axis),
        waveform(contents),
        spectrogram(contents),
        *piano_roll(contents, axis),
    ]


def _desk(contents: Contents) -> Markup:
    """The lanes, with their names to the left of what scrolls."""
    lanes = lanes_of(contents)
    names = [
        tag("div", tag("h3", lane.title), tag("p", lane.aside, class_="aside"), class_=f"name {lane.kind}")
        for lane in lanes
    ]
    drawn = [
        tag("div", lane.drawing, class_=f"lane {lane.kind}", role="img", aria_label=lane.told)
        for lane in lanes
    ]
    axis = Axis(contents.duration_s)
    cuts = "".join(f"M{place} 0v1" for place in axis.units(np.array(contents.bounds_s[1:-1])))
    through = tag(
        "svg", tag("path", d=cuts) if cuts else "", class_="through", view_box=f"0 0 {WIDTH} 1",
        preserve_aspect_ratio="none", aria_hidden="true",
    )  # fmt: skip
    ghost = tag("div", class_="ghost", hidden=True)
    cursor = tag(
        "div", class_="cursor", role="slider", tabindex=0, aria_label="Position", aria_valuemin=0,
        aria_valuemax=f"{contents.duration_s:.2f}", aria_valuenow=0, aria_valuetext="0:00",
    )  # fmt: skip
    tracks = tag("div", drawn, through, ghost, cursor, class_="tracks", id="tracks")
    scroll = tag("div", tracks, class_="scroll", id="scroll")
    return tag(
        "section", tag("div", names, class_="names"), scroll, class_="desk zoom-1", id="desk",
        aria_label="The take over time",
    )  # fmt: skip


def _cards(contents: Contents) -> Markup:
    return tag(
        "div",
        tables.hits(contents),
        tables.words(contents),
        tables.song(contents),
        tables.composed_sound(contents),
        tables.notes(contents),
        tables.settings(contents),
        tables.sources(contents),
        keys_card(),
        stages_card(contents.stages_s),
        class_="cards",
    )


def _footer(contents: Contents) -> Markup:
    return tag(
        "footer",
        f"Made by V2M {contents.record.v2m_version}. This page is one file and asks nothing of any network.",
    )


def _sheet(contents: Contents) -> Content:
    """The pictures, once; the strip and the player show parts of them."""
    sheet = contents.sheet
    if sheet is None:
        return Markup("")
    width, height = sheet.size_px
    address = "data:image/jpeg;base64," + base64.b64encode(sheet.jpeg).decode("ascii")
    image = tag("image", id=SHEET_ID, href=address, width=width, height=height)
    return tag("svg", tag("defs", image), class_="store", width=0, height=0, aria_hidden="true")


def _sound(contents: Contents) -> Markup:
    address = "data:audio/webm;base64," + base64.b64encode(contents.listening.webm).decode("ascii")
    return tag("audio", id="sound", src=address, preload="auto")


def _data(contents: Contents) -> Markup:
    """What the script needs to know."""
    record, sheet = contents.record, contents.sheet
    pictures: dict[str, Any] | None = None
    if sheet is not None:
        starts_s = Film.of(sheet, contents.bounds_s).starts_s.round(4).tolist()
        places = [sheet.place(index) for index in range(len(starts_s))]
        pictures = {"times": starts_s, "places": places, "size": SMALL}
    data = {
        "duration": contents.duration_s,
        "rate": [record.frame_rate.numerator, record.frame_rate.denominator],
        "startFrame": record.start_frame,
        "dropFrame": record.drop_frame,
        "hits": [round(float(hit.time_s), 4) for hit in record.hits if hit.time_s < record.duration_s],
        "beats": [round(beat_s, 3) for beat_s in record.tempo_map.beats_s],
        "beatsPerBar": record.tempo_map.beats_per_bar,
        "firstDownbeat": record.tempo_map.first_downbeat,
        "pictures": pictures,
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return tag("script", Markup(text), id="take", type="application/json")


@cache
def _style() -> str:
    return palette_css() + "".join(map(_asset, _STYLES))


@cache
def _script() -> str:
    return '"use strict";\n{' + "".join(map(_asset, _SCRIPTS)) + "}\n"  # a block keeps its names to itself


def _asset(name: str) -> str:
    return files("v2m.report").joinpath("assets", name).read_text(encoding="utf-8")
