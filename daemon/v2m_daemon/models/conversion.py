"""Turns a checkpoint of torch.save into safetensors by a process of its own, which alone may open it."""

from __future__ import annotations

import json
import subprocess  # runs our own interpreter on our own module
import sys
from pathlib import Path
from typing import Any, Final

from v2m.errors import CheckpointError, MissingPartError

_LIMIT_S: Final = 3600
"""Some ten gigabytes from a slow disk."""


def convert(source: Path, target: Path) -> None:
    """Write the tensors of a pickle as safetensors.

    Args:
        source: a file of torch.save.
        target: a new file.

    Raises:
        CheckpointError: it holds anything but numbers, is damaged, or holds no tensors.
        MissingPartError: torch does not load here.
    """
    command = [sys.executable, "-m", "v2m_daemon.models.unpickle", str(source), str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S)  # noqa: S603
        answer: dict[str, Any] = json.loads(done.stdout or "{}")
    except (subprocess.SubprocessError, ValueError, OSError) as error:
        answer, done = {"problem": str(error)}, None
    problem = answer.get("problem", "" if "tensors" in answer else "the process that read it died")
    if done is not None and "ModuleNotFoundError" in done.stderr:
        raise MissingPartError(
            "torch is not installed, and it is needed to convert a checkpoint.",
            hint="Run `pip install torch`.",
            detail=done.stderr[-500:],
        )
    if problem:
        target.unlink(missing_ok=True)
        raise CheckpointError(
            f"{source.name} was not taken: {problem}.",
            hint="Only files that hold nothing but numbers are converted. Fetch it again from its makers, "
            "or ask them for safetensors.",
        )
