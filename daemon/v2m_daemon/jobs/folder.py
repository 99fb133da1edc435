"""A job's own folder: what a worker leaves there so that a later attempt, or a later daemon, can go on.

    JOB/stages/      resumable files of the stages; whoever writes one makes it whole by `durable.write_whole`
    JOB/out/         the results of a job that named no folder
    JOB/publish.json before the first output is put in place: which outputs will be, from where to where
    JOB/result.json  after the last one is in place and on disk: the job is done, whoever dies now

An attempt that finds `publish.json` finishes the moves instead of composing again, so outputs never come
twice. `result.json` is the one thing that the daemon believes after a crash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from v2m_daemon.durable import write_json


@dataclass(frozen=True)
class JobFolder:
    """The names in one job's folder."""

    path: Path

    @property
    def stages(self) -> Path:
        """Resumable files."""
        return self.path / "stages"

    @property
    def out(self) -> Path:
        """Results of a job that named no folder."""
        return self.path / "out"

    @property
    def publish(self) -> Path:
        """The plan of the moves."""
        return self.path / "publish.json"

    @property
    def result(self) -> Path:
        """The mark that the job is done."""
        return self.path / "result.json"

    def write_result(self, result: Mapping[str, Any], outputs: Mapping[str, str]) -> None:
        """Mark the job as done; the outputs are in place and synced before.

        Raises:
            OutputWriteError: disk full, folder not writable.
        """
        write_json(self.result, {"result": dict(result), "outputs": dict(outputs)})

    def read_result(self) -> tuple[dict[str, Any], dict[str, str]] | None:
        """Result and outputs of a job that was marked as done, else None."""
        try:
            data = json.loads(self.result.read_bytes())
            return dict(data["result"]), dict(data["outputs"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # it is written whole or not at all: whatever else lies there is not our mark
