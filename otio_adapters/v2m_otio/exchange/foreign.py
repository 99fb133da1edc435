"""OpenTimelineIO's adapters of other projects, each call in a process of its own.

They print on stdout, set up the root logger, run whatever hooks are installed, and take hostile files for
granted. In a child with bounded time and memory none of that reaches us: bytes go in, bytes come out, and
whatever else happens is one sentence. The child is `v2m_otio.exchange.adapter_process`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from v2m.errors import DocumentError, MissingPartError
from v2m_otio.exchange.kinds import INSTALL, PACKAGES, Kind

TIMEOUT_S: Final = 120
"""An AAF of a two-hour feature takes some twenty seconds."""

MISSING: Final = 10
"""Exit status of the child: the adapter is not installed."""

FAILED: Final = 11
"""Exit status of the child: the adapter raised; stderr ends with a JSON object {type, message}."""

_PLUGIN_VARIABLES: Final = ("OTIO_PLUGIN_MANIFEST_PATH", "OTIO_DEFAULT_MEDIA_LINKER", "PYTHONWARNINGS")


class AdapterError(Exception):
    """What an adapter raised; `kind` is the name of its class."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def call_adapter(verb: str, kind: Kind, given: bytes, options: Mapping[str, Any] | None = None) -> bytes:
    """What an adapter makes of a file's bytes.

    Args:
        verb: `read` a document into OpenTimelineIO's JSON, or `write` JSON as a document.
        kind: of the document.
        given: the document's bytes, or JSON.
        options: arguments of the adapter.

    Raises:
        AdapterError: the adapter raised.
        DocumentError: it took too long or died.
        MissingPartError: it is not installed.
    """
    command = [sys.executable, "-m", "v2m_otio.exchange.adapter_process", verb, kind]
    command.append(json.dumps(dict(options or {})))
    environment = {name: value for name, value in os.environ.items() if name not in _PLUGIN_VARIABLES}
    environment["OTIO_DISABLE_ENTRYPOINTS_PLUGINS"] = "1"
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own module, no shell
            command, input=given, capture_output=True, timeout=TIMEOUT_S, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DocumentError(f"was not read within {TIMEOUT_S} s, so it was given up.") from error
    if done.returncode == 0:
        return done.stdout
    raise _failure(done.returncode, done.stderr, kind)


def _failure(status: int, stderr: bytes, kind: Kind) -> Exception:
    lines = stderr.decode(errors="replace").strip().splitlines() or [""]
    if status == MISSING:
        return MissingPartError(
            f"The library {PACKAGES[kind]} is needed for this format and is not installed.",
            hint=f"Type: {INSTALL}",
            detail=lines[-1],
        )
    if status == FAILED:
        told = json.loads(lines[-1])
        return AdapterError(told["type"], told["message"])
    return DocumentError(
        "broke the process that read it: it is damaged, or larger than is read.",
        detail=f"status {status}: {lines[-1][:500]}",
    )
