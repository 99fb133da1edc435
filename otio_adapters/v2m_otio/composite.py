"""Layers of pictures over one another, reduced to what a viewer sees.

Conventions: times are exact seconds from the layer's own beginning; the spans of a layer are in order and
do not overlap; where no span lies the layer is empty and lets lower layers through. A title or other
see-through span shows only where no opaque span of any layer lies. A seam is a transition around a change
of picture. Nothing here knows OpenTimelineIO.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from v2m.timeline import Marker, Media
from v2m_otio.clock import on_flick


@dataclass(frozen=True, eq=False)
class Picture:
    """What a clip shows; compared by identity, as two clips of one file are two pictures."""

    media: Media | None
    name: str = ""
    key: str = ""
    """Equal for clips of the same file; empty where nothing tells the file."""

    see_through: bool = False


@dataclass(frozen=True)
class Span:
    """A stretch of a layer that shows one picture."""

    start_s: Fraction
    end_s: Fraction
    picture: Picture
    source_s: Fraction = Fraction(0)
    """Time in the file seen at `start_s`."""

    speed: Fraction = Fraction(1)

    def source_at(self, time_s: Fraction) -> Fraction:
        """Time in the file seen at a time of the layer."""
        return self.source_s + (time_s - self.start_s) * self.speed

    def between(self, start_s: Fraction, end_s: Fraction) -> Span:
        """The part of the span that lies between two times."""
        start, end = max(self.start_s, start_s), min(self.end_s, end_s)
        return replace(self, start_s=start, end_s=end, source_s=self.source_at(start))

    def moved(self, by_s: Fraction) -> Span:
        """The span at another place."""
        return replace(self, start_s=self.start_s + by_s, end_s=self.end_s + by_s)


@dataclass(frozen=True)
class Seam:
    """A transition: it reaches `before_s` to the left of its seam and `after_s` to the right."""

    time_s: Fraction
    before_s: Fraction
    after_s: Fraction


@dataclass(frozen=True)
class Mark:
    """An editor's marker at a time of a layer."""

    time_s: Fraction
    marker: Marker
    owner: Picture | None = None
    """The clip it was set on, whose picture it goes with; None on a track or the timeline."""


@dataclass(frozen=True)
class Layer:
    """A composition's picture over its length."""

    duration_s: Fraction
    spans: tuple[Span, ...] = ()
    seams: tuple[Seam, ...] = ()
    marks: tuple[Mark, ...] = ()


def blank(layer: Layer) -> Layer:
    """A disabled item: it takes its time and shows nothing."""
    return Layer(layer.duration_s)


def trimmed(layer: Layer, start_s: Fraction, duration_s: Fraction) -> Layer:
    """The stretch of a layer that a range lets through; past its content it is empty."""
    end_s = start_s + duration_s
    first = bisect_right(layer.spans, start_s, key=lambda span: span.end_s)
    last = bisect_left(layer.spans, end_s, key=lambda span: span.start_s)
    return Layer(
        duration_s,
        tuple(span.between(start_s, end_s).moved(-start_s) for span in layer.spans[first:last]),
        tuple(
            replace(seam, time_s=seam.time_s - start_s)
            for seam in layer.seams
            if start_s < seam.time_s < end_s
            or (seam.time_s == start_s == 0)
            or (seam.time_s == end_s == layer.duration_s)
        ),
        tuple(
            replace(mark, time_s=mark.time_s - start_s)
            for mark in layer.marks
            if start_s <= mark.time_s < end_s
        ),
    )


def retimed(
    layer: Layer, start_s: Fraction, duration_s: Fraction, speed: Fraction, frame_s: Fraction
) -> Layer:
    """A composition played at another speed: `duration_s` of record time that begins at `start_s` inside.

    Backwards, the last frame of the range is seen first. `frame_s` is the length of that frame.
    """
    if speed == 1:
        return trimmed(layer, start_s, duration_s)
    if speed == 0:
        return _frozen(layer, start_s, duration_s)
    inside = trimmed(layer, start_s, on_flick(duration_s * abs(speed)))
    if speed < 0:
        inside = _reversed(inside, frame_s)
    factor = abs(speed)
    spans = (
        replace(
            span,
            start_s=on_flick(span.start_s / factor),
            end_s=on_flick(span.end_s / factor),
            speed=span.speed * factor,
        )
        for span in inside.spans
    )
    return Layer(
        duration_s,
        tuple(span for span in spans if span.end_s > span.start_s),
        tuple(Seam(*(on_flick(time_s / factor) for time_s in (seam.time_s, seam.before_s, seam.after_s)))
              for seam in inside.seams),
        tuple(replace(mark, time_s=on_flick(mark.time_s / factor)) for mark in inside.marks),
    )  # fmt: skip


def _reversed(layer: Layer, frame_s: Fraction) -> Layer:
    end_s = layer.duration_s
    return Layer(
        end_s,
        tuple(
            Span(end_s - span.end_s, end_s - span.start_s, span.picture,
                 span.source_at(span.end_s - frame_s), -span.speed)
            for span in reversed(layer.spans)
        ),
        tuple(Seam(end_s - seam.time_s, seam.after_s, seam.before_s) for seam in reversed(layer.seams)),
        tuple(replace(mark, time_s=end_s - mark.time_s) for mark in reversed(layer.marks)),
    )  # fmt: skip


def _frozen(layer: Layer, start_s: Fraction, duration_s: Fraction) -> Layer:
    for span in layer.spans:
        if span.start_s <= start_s < span.end_s:
            still = Span(Fraction(0), duration_s, span.picture, span.source_at(start_s), Fraction(0))
            return Layer(duration_s, (still,))
    return Layer(duration_s)


def joined(parts: Iterable[tuple[Fraction, Layer]]) -> Layer:
    """Layers one after another, as on a track: each with the time at which it begins."""
    spans: list[Span] = []
    seams: list[Seam] = []
    marks: list[Mark] = []
    end_s = Fraction(0)
    for start_s, part in parts:
        spans.extend(span.moved(start_s) for span in part.spans)
        seams.extend(replace(seam, time_s=seam.time_s + start_s) for seam in part.seams)
        marks.extend(replace(mark, time_s=mark.time_s + start_s) for mark in part.marks)
        end_s = max(end_s, start_s + part.duration_s)
    return Layer(end_s, tuple(spans), tuple(seams), tuple(marks))


def overlaid(layers: Sequence[Layer]) -> Layer:
    """Layers over one another, the first at the bottom: at each time the topmost opaque span is seen."""
    ranked = [(_rank(span, order), span) for order, layer in enumerate(layers) for span in layer.spans]
    visible = _topmost(ranked)
    spans = tuple(span for _, span in visible)
    seams = [
        seam
        for order, layer in enumerate(layers)
        for seam in layer.seams
        if not _covered(seam.time_s, (1, order), visible, spans)
    ]
    marks = [
        mark
        for layer in layers
        for mark in layer.marks
        if mark.owner is None or mark.owner is picture_at(spans, mark.time_s)
    ]
    return Layer(
        max((layer.duration_s for layer in layers), default=Fraction(0)),
        spans,
        tuple(sorted(seams, key=lambda seam: seam.time_s)),
        tuple(marks),
    )


def picture_at(spans: Sequence[Span], time_s: Fraction) -> Picture | None:
    """What is seen at a time, or None."""
    index = bisect_right(spans, time_s, key=lambda span: span.start_s) - 1
    return spans[index].picture if index >= 0 and time_s < spans[index].end_s else None


Rank = tuple[int, int]
"""Opaque above see-through, then by order of the layers."""


def _rank(span: Span, order: int) -> Rank:
    return (0 if span.picture.see_through else 1, order)


def _topmost(ranked: list[tuple[Rank, Span]]) -> list[tuple[Rank, Span]]:
    """Sweep over all beginnings and ends: O(n log n) in the number of spans, whatever the layers."""
    ranked = sorted(ranked, key=lambda entry: entry[1].start_s)
    edges = sorted({edge for _, span in ranked for edge in (span.start_s, span.end_s)})
    active: list[tuple[int, int, int]] = []  # negated rank and index: the heap's head is what is seen
    visible: list[tuple[Rank, Span]] = []
    arrived, shown, since = 0, -1, Fraction(0)
    for edge in edges:
        while arrived < len(ranked) and ranked[arrived][1].start_s <= edge:
            (opaque, order), _ = ranked[arrived]
            heapq.heappush(active, (-opaque, -order, arrived))
            arrived += 1
        while active and ranked[active[0][2]][1].end_s <= edge:
            heapq.heappop(active)
        top = active[0][2] if active else -1
        if top != shown:
            if shown >= 0:
                visible.append((ranked[shown][0], ranked[shown][1].between(since, edge)))
            shown, since = top, edge
    return visible


def _covered(time_s: Fraction, rank: Rank, visible: list[tuple[Rank, Span]], spans: Sequence[Span]) -> bool:
    """Whether a higher layer hides the picture on either side of a seam."""
    last = bisect_right(spans, time_s, key=lambda span: span.start_s) - 1
    around = [index for index in (last - 1, last) if index >= 0]
    return any(spans[i].end_s >= time_s and visible[i][0] > rank for i in around)
