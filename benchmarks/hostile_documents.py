"""Timelines as nobody should send them: real documents with something wrong, and shapes out of nothing.

Conventions: a case is (suffix, bytes) and follows from a generator of random numbers alone, so every one can
be made again. Small generated timelines stand beside the real ones, for in a small document a change hits
something that matters.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

Case = tuple[str, bytes]

LARGEST_SEED_BYTES: Final = 300_000
"""Larger ones take long to read and say nothing new; this lets one AAF in."""

SUFFIXES: Final = (".otio", ".edl", ".xml", ".fcpxml", ".kdenlive", ".aaf")

HOSTILE: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 24, 2**31, 2**63, -(2**64), 10**30, 0.0, -0.0, 1e-300, 1e300, -1e308,
    23.976, "", " ", "\0", "\ud800", "a" * 5000, "../../etc/passwd", "file:///dev/zero",
    "http://127.0.0.1:9/a.mp4", "%00%2e%2e", "Clip.2", "Timeline.1", "Stack.1", [], {}, [[]], [None],
    {"": {}}, {"OTIO_SCHEMA": "Gap.1"}, {"OTIO_SCHEMA": "RationalTime.1", "rate": 1e-9, "value": 1},
    {"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "a"},
)  # fmt: skip
"""What stands where something else was expected."""

NAMES: Final = (
    "Timeline", "Stack", "Track", "Clip", "Gap", "Transition", "TimeRange", "RationalTime", "TimeTransform",
    "Marker", "ExternalReference", "MissingReference", "GeneratorReference", "ImageSequenceReference",
    "LinearTimeWarp", "FreezeFrame", "Effect", "SerializableCollection", "SerializableObjectRef", "Box2d",
    "V2d", "MediaReference", "Composition", "Item", "SerializableObject", "UnknownSchema", "Nonsense",
)  # fmt: skip

TOKENS: Final = (
    b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n\n", b"[" * 300, b'{"a":' * 300, b"]", b"}", b'"', b"\\",
    b"\\u0000", b"-", b"1e999", b"NaN", b"Infinity", b"9" * 400, b"<", b">", b"<![CDATA[", b"<!--",
    b"&amp;", b"&a;", b"</track>", b"<clipitem>", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
    b'<?xml version="1.0" encoding="UTF-7"?>', b"00:00:00:00", b"99:99:99:99", b"01:00:00;02",
    b"M2   AX       000.0                00:00:00:00\n", b"BL", b"* FROM CLIP NAME: ", b"FCM: DROP FRAME\n",
    b"-1/24s", b"1/0s",
)  # fmt: skip
"""What has a meaning to one reader or another."""


def seeds_in(folder: Path) -> list[Case]:
    """The real documents of a folder that are small enough, and a few small ones of our own."""
    found = [
        (path.suffix.lower(), path.read_bytes())
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and path.stat().st_size <= LARGEST_SEED_BYTES
    ]
    return [*found, *((".otio", json.dumps(small(cuts)).encode()) for cuts in range(1, 12))]


def small(cuts: int) -> dict[str, Any]:
    """A timeline with so many shots, nested, dissolved, marked and retimed in turn."""
    children: list[dict[str, Any]] = []
    for number in range(cuts):
        clip = {
            "OTIO_SCHEMA": "Clip.2", "name": f"shot {number}", "source_range": _span(number, 24 + number),
            "media_references": {"DEFAULT_MEDIA": _media(number)},
            "active_media_reference_key": "DEFAULT_MEDIA",
            "effects": [], "markers": [], "enabled": True, "metadata": {},
        }  # fmt: skip
        if number % 3 == 1:
            clip["effects"] = [
                {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 0.5 * number, "name": "slow"}
            ]
        if number % 4 == 2:
            clip["markers"] = [{"OTIO_SCHEMA": "Marker.2", "marked_range": _span(1, 0), "color": "RED"}]
        if number % 5 == 3:
            stack = {"OTIO_SCHEMA": "Stack.1", "children": [_track([clip])], "source_range": _span(0, 12)}
            clip = stack
        if number % 5 == 4:
            half = {"in_offset": _time(6), "out_offset": _time(5)}
            children.append({"OTIO_SCHEMA": "Transition.1", "transition_type": "SMPTE_Dissolve", **half})
        children.append(clip)
    tracks = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [_track(children)]}
    return {"OTIO_SCHEMA": "Timeline.1", "name": "film", "global_start_time": _time(86400), "tracks": tracks}


def _time(frames: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": frames}


def _span(start: float, length: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start), "duration": _time(length)}


def _media(number: int) -> dict[str, Any]:
    url = (f"media/{number}.mp4", f"file:///Volumes/A%20B/{number}.mov", f"D:\\Media\\{number}.mxf")[
        number % 3
    ]
    return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": url, "available_range": _span(0, 2400)}


def _track(children: list[dict[str, Any]]) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": children}


def mutated(chance: random.Random, seeds: Sequence[Case]) -> Case:
    """One of the seeds with something wrong."""
    suffix, data = chance.choice(seeds)
    if suffix == ".otio" and chance.random() < 0.7:
        try:
            tree = json.loads(data)
        except ValueError:  # a seed that is broken already
            return suffix, _bytes(chance, data)
        for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
            _change(chance, tree)
        return suffix, json.dumps(tree, allow_nan=True).encode(errors="surrogatepass")
    if suffix in (".xml", ".fcpxml", ".kdenlive", ".edl") and chance.random() < 0.6:
        return suffix, _parts(chance, data)
    if chance.random() < 0.02:
        suffix = chance.choice(SUFFIXES)
    return suffix, _bytes(chance, data)


def _change(chance: random.Random, tree: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Change one place of a tree."""
    places = _places(tree)
    if not places:
        return
    holder, key = chance.choice(places)
    match chance.randrange(7):
        case 0 | 1:
            holder[key] = copy.deepcopy(chance.choice(HOSTILE))
        case 2:
            del holder[key]
        case 3:
            other, its = chance.choice(places)
            holder[key] = copy.deepcopy(other[its])  # deep in itself, too
        case 4 if isinstance(holder, list):
            holder.extend(copy.deepcopy(holder[key]) for _ in range(chance.choice((1, 3, 50))))
        case 5 if isinstance(holder, dict):
            holder["OTIO_SCHEMA"] = f"{chance.choice(NAMES)}.{chance.choice((1, 1, 2, 3, 0, 99))}"
        case _:
            value = holder[key]
            if isinstance(value, int | float) and not isinstance(value, bool):
                holder[key] = value * chance.choice((-1, 0, 0.5, 2, 1e6, 1e-6)) + chance.choice(
                    (0, 1, -1, 0.1)
                )
            else:
                holder[key] = [value] if chance.random() < 0.5 else {"a": value}


def _places(tree: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - whatever JSON can say
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        found += [(node, key) for key in keys]
        waiting += [node[key] for key in keys]
    return found


def _parts(chance: random.Random, data: bytes) -> bytes:
    """Tags of an XML, or lines of an EDL, out of order, doubled, gone or with other numbers."""
    parts = re.findall(rb"<[^>]*>|[^<\n]+\n?|\n", data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at, other = chance.randrange(len(parts)), chance.randrange(len(parts))
        match chance.randrange(5):
            case 0:
                parts[at], parts[other] = parts[other], parts[at]
            case 1:
                parts[at] = parts[at] * chance.choice((2, 3, 100))
            case 2:
                parts[at] = b""
            case 3:
                number = str(chance.choice((0, -1, 1, 99, 2**40, 10**30, "1e9", "nan", ""))).encode()
                parts[at] = re.sub(rb"\d+", number, parts[at])
            case _:
                parts[at] += chance.choice(TOKENS)
    return b"".join(parts)


def _bytes(chance: random.Random, data: bytes) -> bytes:
    """Bytes flipped, cut off, doubled, taken out, or tokens put in."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 8, 64))):
        at = chance.randrange(len(changed) + 1)
        to = min(len(changed), at + chance.choice((1, 1, 4, 64, 1024)))
        steps: tuple[Callable[[], Any], ...] = (
            lambda at=at, to=to: changed.__delitem__(slice(at, to)),
            lambda at=at, to=to: changed.__setitem__(
                slice(at, at), changed[at:to] * chance.choice((1, 2, 30))
            ),
            lambda at=at: changed.__setitem__(slice(at, at), chance.choice(TOKENS)),
            lambda at=at: changed.__setitem__(slice(at, at + 1), bytes([chance.randrange(256)])),
            lambda at=at: changed.__delitem__(slice(at, None)) if chance.random() < 0.2 else None,
        )
        chance.choice(steps)()
    return bytes(changed)


RATES: Final = (24, 24.0, 25, 23.976024627685547, 29.97, 30000 / 1001, 30, 50, 59.94, 60)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Timelines of every shape that a schema allows, most with something wrong in a place or two."""
    rare = draw(st.integers(0, 9))
    tree = draw({8: _collections(), 9: _anything()}.get(rare, _timelines()))
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311 - repeatable, not secret
    for _ in range(draw(st.sampled_from((1, 0, 2, 0, 1, 5)))):
        _change(chance, tree)
    return json.dumps(tree).encode(errors="surrogatepass")


@cache
def _anything() -> st.SearchStrategy[Any]:
    leaves = st.one_of(st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(HOSTILE))
    return st.recursive(
        leaves,
        lambda inside: st.one_of(
            st.lists(inside, max_size=4), st.dictionaries(st.text(max_size=8), inside, max_size=4)
        ),
        max_leaves=8,
    )


@cache
def _timelines() -> st.SearchStrategy[Any]:
    return _schema("Timeline", tracks=_stacks(), global_start_time=st.one_of(st.none(), _times()))


@cache
def _collections() -> st.SearchStrategy[Any]:
    return _schema("SerializableCollection", children=st.lists(_timelines(), max_size=2))


def _schema(name: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    version = "" if "." in name else ".1"
    return st.fixed_dictionaries({"OTIO_SCHEMA": st.just(name + version), **fields})


@cache
def _times(least: int = 0) -> st.SearchStrategy[Any]:
    return _schema("RationalTime", rate=st.sampled_from(RATES), value=st.integers(least, 500))


@cache
def _stacks() -> st.SearchStrategy[Any]:
    """Tracks in each other, with all that stands in tracks."""
    span = _schema("TimeRange", start_time=_times(), duration=_times())
    speed = {"time_scalar": st.sampled_from((0.5, 1, -1, 2, 0)), "effect_name": st.just("speed")}
    effect = st.one_of(_schema("LinearTimeWarp", **speed), _schema("FreezeFrame", **speed))
    common = {
        "source_range": st.one_of(span, span, st.none()),
        "effects": st.lists(effect, max_size=1),
        "markers": st.lists(_schema("Marker.2", marked_range=span), max_size=1),
    }
    reference = st.one_of(
        _schema("ExternalReference", target_url=st.text(max_size=30), available_range=span),
        _schema("MissingReference"),
    )
    clip = _schema("Clip", media_reference=reference, **common)
    kinds = st.sampled_from(("SMPTE_Dissolve", "Custom_Transition"))
    dissolve = _schema("Transition", in_offset=_times(), out_offset=_times(), transition_type=kinds)

    def track(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        kind = st.sampled_from(("Video", "Video", "Audio"))
        return _schema("Track", kind=kind, children=st.lists(inside, min_size=1, max_size=4), **common)

    def seen(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        """A track with a picture: a document without one is sent back before the rest of it is looked at."""
        length = _schema("TimeRange", start_time=_times(), duration=_times(least=1))
        shot = _schema("Clip", media_reference=reference, **common | {"source_range": length})
        children = st.tuples(shot, st.lists(inside, max_size=3)).map(lambda one: [one[0], *one[1]])
        return _schema("Track", kind=st.just("Video"), children=children)

    item = st.recursive(
        st.one_of(clip, clip, clip, _schema("Gap", **common), dissolve),
        lambda inside: st.one_of(
            inside, _schema("Stack", children=st.lists(track(inside), min_size=1, max_size=2), **common)
        ),
        max_leaves=5,
    )
    children = st.one_of(
        st.tuples(seen(item)).map(list),
        st.tuples(seen(item), track(item)).map(list),
        st.lists(track(item), min_size=1, max_size=2),
    )
    return _schema("Stack", children=children)
