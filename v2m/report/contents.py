"""All that a report tells of a take, gathered from its folder: plain data that the drawings show.

Conventions: times in seconds of the programme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from v2m.codecs.arrangement import Part
from v2m.codecs.midi_notes import PartNotes, read_notes
from v2m.frames import Sheet
from v2m.prompt.words import Brief, read_prompt
from v2m.report.listening import Listening, listen
from v2m.take.record import TakeRecord


@dataclass(frozen=True)
class Contents:
    """What is told."""

    record: TakeRecord
    brief: Brief
    """What was understood of the words."""

    listening: Listening
    notes: Mapping[Part, PartNotes]
    """Of the parts that sound."""

    sheet: Sheet | None
    stages_s: Mapping[str, float]
    """Wall seconds of the stages; empty where they are not known."""

    @property
    def duration_s(self) -> float:
        """Of the programme."""
        return float(self.record.duration_s)

    @property
    def bounds_s(self) -> tuple[float, ...]:
        """Where shots begin and end: the programme's start, its cuts in order, its end."""
        duration_s = self.record.duration_s
        cuts = {cut.time_s + cut.center_offset_s for cut in self.record.cuts}
        inside = sorted(float(time_s) for time_s in cuts if 0 < time_s < duration_s)
        return (0.0, *inside, float(duration_s))

    @property
    def errors_s(self) -> Mapping[str, float | None]:
        """How far the onset lies from each hit by its id; None where none is near."""
        errors: Mapping[str, float | None] = self.record.metrics.get("hit_errors_s", {})
        return errors


def gather(folder: Path, record: TakeRecord, sheet: Sheet | None, stages_s: Mapping[str, float]) -> Contents:
    """Read what lies in a take's folder.

    Raises:
        DocumentError: its MIDI file is damaged.
        MediaError: its music is missing or damaged.
    """
    heard = listen(
        folder / "music.wav",
        duration_s=float(record.duration_s),
        rate_hz=record.curve["rate_hz"],
        kernel_s=record.curve["kernel_s"],
    )
    score = folder / "score.mid"
    notes = read_notes(score) if score.exists() else {}  # a song that was fitted has none
    return Contents(record, read_prompt(record.prompt), heard, notes, sheet, dict(stages_s))
