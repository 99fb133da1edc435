"""What a listener sees: one pair at a time, two questions, nothing that says who made what.

The page itself is always the same; which pair comes is asked of the server. Its policy allows its own style
and script by their hashes, and pictures and sound from the server alone.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from v2m.evaluation.listening.trials import QUESTIONS
from v2m.report.markup import Markup, tag
from v2m.report.palette import palette_css
from v2m.report.policy import content_policy

KEYS = (
    ("A", "play A"),
    ("B", "play B"),
    ("Space", "stop"),
    ("1 2", "first question"),
    ("3 4", "second"),
    ("Enter", "next"),
)


@cache
def page() -> str:
    """The whole document."""
    style, script = palette_css() + _asset("listen.css"), _asset("listen.js")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", "Which music? \N{EN DASH} V2M"),
        tag("style", Markup(style)),
    )
    header = tag(
        "header",
        tag("h1", "Which music?"),
        tag("span", tag("span", id="place"), " ", tag("progress", id="progress", value=0, max=1)),
    )
    main = tag("main", _stage(), _questions(), tag("p", id="told", role="status"), _next(), _keys())
    done = tag(
        "section", tag("h2", "Thank you, that was all."), tag("p", "You may close this page."), id="done"
    )
    body = tag("body", header, main, done, tag("script", Markup(script)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def policy() -> str:
    """The policy that goes with the page, as a header."""
    style, script = palette_css() + _asset("listen.css"), _asset("listen.js")
    return content_policy(style, script).replace("media-src data:", "media-src 'self'; connect-src 'self'")


def _stage() -> Markup:
    sides = [
        tag(
            "button",
            f"Play {name} ",
            tag("kbd", name),
            id=f"play-{side}",
            type="button",
            aria_pressed="false",
        )
        for side, name in (("left", "A"), ("right", "B"))
    ]
    sounds = [tag("audio", id=side, preload="auto") for side in ("left", "right")]
    video = tag("video", id="video", muted=True, playsinline=True, preload="auto", aria_label="The video")
    return tag("section", video, sounds, tag("div", sides, class_="sides"))


def _questions() -> Markup:
    keys = iter("1234")
    sets = []
    for name, words in QUESTIONS.items():
        answers = [
            tag(
                "button",
                f"{shown} ",
                tag("kbd", next(keys)),
                id=f"{name}-{side}",
                type="button",
                disabled=True,
            )
            for side, shown in (("left", "A"), ("right", "B"))
        ]
        sets.append(tag("fieldset", tag("legend", words), answers))
    return tag("section", sets)


def _next() -> Markup:
    return tag("button", "Next ", tag("kbd", "Enter"), id="next", type="button", disabled=True)


def _keys() -> Markup:
    return tag("p", [tag("span", tag("kbd", key), f" {words}  ") for key, words in KEYS])


def _asset(name: str) -> str:
    return files("v2m.evaluation.listening").joinpath("assets", name).read_text(encoding="utf-8")
