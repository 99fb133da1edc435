"""A run's log: lines of JSON in a file, events for TensorBoard, and for who watches, stderr.

Conventions: a line is {"step", …}; training gives loss, learning_rate, gradient_norm and steps_per_s, the
measures what `measures` says. A run that goes on takes back the lines after the state it goes on from.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from v2m_training.fit.tensorboard import EventFile
from v2m_training.fit.trainer import StepResult


class Log:
    """Written by one process; the others, whose `writes` is false, count along and stay silent."""

    def __init__(self, folder: Path, first_step: int, every: int, *, writes: bool) -> None:
        self._path = folder / "log.jsonl"
        self._every = every
        self._writes = writes
        self._losses: list[float] = []
        self._since = time.monotonic()
        if writes:
            _take_back(self._path, first_step)
            self.events = EventFile(folder / "tensorboard")

    def step(self, step: int, result: StepResult) -> None:
        """Note the result of the step that made it `step` steps; every so many become a line."""
        self._losses.append(result.loss)
        if step % self._every:
            return
        seconds, self._since = time.monotonic() - self._since, time.monotonic()
        count, mean = len(self._losses), sum(self._losses) / len(self._losses)
        self._losses = []
        self.write(step, {**asdict(result), "loss": mean, "steps_per_s": float(f"{count / seconds:.4g}")})

    def write(self, step: int, values: dict[str, float]) -> None:
        """A line of numbers."""
        if not self._writes:
            return
        text = json.dumps({"step": step, **values})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
        self.events.scalars(step, values)
        print(text, file=sys.stderr, flush=True)

    def sound(self, step: int, tag: str, path: Path, sample_rate_hz: int, frames: int) -> None:
        """A WAV file that the events shall hold too."""
        if self._writes:
            self.events.audio(step, tag, path.read_bytes(), sample_rate_hz, frames)


def _take_back(path: Path, first_step: int) -> None:
    """Drop lines of steps that will be made again, and a last one that a kill cut short."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text("utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= first_step:
                kept.append(line + "\n")
        except (ValueError, KeyError):
            continue
    path.write_text("".join(kept), encoding="utf-8")
