"""Edits built for the tests, with OpenTimelineIO's own objects, and saved as an editor would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest


class Edit:
    """Parts of a timeline in frames."""

    def span(self, start: float, count: float, rate: float = 24) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(count, rate)
        )

    def clip(
        self,
        name: str,
        frames: float,
        *,
        start: float = 0,
        rate: float = 24,
        url: str | None = None,
        available: otio.opentime.TimeRange | None = None,
        enabled: bool = True,
        speed: float | None = None,
    ) -> otio.schema.Clip:
        reference = (
            otio.schema.ExternalReference(url, available_range=available)
            if url is not None
            else otio.schema.MissingReference(available_range=available)
        )
        clip = otio.schema.Clip(name, media_reference=reference, source_range=self.span(start, frames, rate))
        clip.enabled = enabled
        if speed is not None:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
        return clip

    def gap(self, frames: float, rate: float = 24) -> otio.schema.Gap:
        return otio.schema.Gap(source_range=self.span(0, frames, rate))

    def transition(self, before: float, after: float, rate: float = 24) -> otio.schema.Transition:
        return otio.schema.Transition(
            transition_type="SMPTE_Dissolve",
            in_offset=otio.opentime.RationalTime(before, rate),
            out_offset=otio.opentime.RationalTime(after, rate),
        )

    def track(self, *items: Any, kind: str = "Video", enabled: bool = True) -> otio.schema.Track:
        track = otio.schema.Track(kind=kind, children=list(items))
        track.enabled = enabled
        return track

    def stack(self, *items: Any) -> otio.schema.Stack:
        return otio.schema.Stack(children=list(items))

    def marker(self, frame: float, name: str = "", color: str = "RED", **metadata: Any) -> otio.schema.Marker:
        return otio.schema.Marker(name, self.span(frame, 0), color=color, metadata=metadata)

    def timeline(self, *tracks: Any, start: float | None = None, rate: float = 24) -> otio.schema.Timeline:
        timeline = otio.schema.Timeline("edit")
        timeline.tracks.extend(list(tracks))
        if start is not None:
            timeline.global_start_time = otio.opentime.RationalTime(start, rate)
        return timeline


@pytest.fixture(scope="session")
def edit() -> Edit:
    return Edit()


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write a timeline, or a track layout, as `edit.otio`."""

    def save(timeline: otio.core.SerializableObject, name: str = "edit.otio") -> Path:
        path = tmp_path / name
        path.write_text(timeline.to_json_string(), encoding="utf-8")
        return path

    return save


@pytest.fixture
def read(edit: Edit, save: Callable[..., Path]) -> Callable[..., Any]:
    """What is read of a timeline, or of tracks one over another."""
    from v2m_otio.read import read_document

    def read(*parts: Any, **options: Any) -> Any:
        timeline = parts[0] if isinstance(parts[0], otio.schema.Timeline) else edit.timeline(*parts)
        return read_document(save(timeline), **options).timeline

    return read


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "music.wav"
    path.write_bytes(b"RIFF....WAVE")
    return path


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Sequence[Path]]:
    """Make files with something in them."""

    def files(*names: str) -> Sequence[Path]:
        paths = [tmp_path / name for name in names]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"picture")
        return paths

    return files
