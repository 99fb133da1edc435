"""The process in which one adapter is called once: `-m v2m_otio.exchange.adapter_process VERB KIND OPTIONS`.

Conventions: bytes come on stdin and go to stdout, to which nothing else is printed; see
`v2m_otio.exchange.foreign` for the exit statuses. Imported by nothing.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from v2m_otio.exchange.foreign import FAILED, MISSING

MOST_MEMORY_BYTES: Final = 4 << 30
"""Of address space: the largest accepted document takes under one gigabyte."""


def main() -> int:
    """Call the adapter; the exit status."""
    verb, kind, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    _bound_memory()
    given = sys.stdin.buffer.read()
    with _stdout_to_stderr() as stdout:
        try:
            adapter = _adapter(kind)
        except ImportError as error:
            print(error, file=sys.stderr)
            return MISSING
        try:
            made = _read(adapter, given, options) if verb == "read" else _write(adapter, given, options)
        except Exception as error:
            print("\n" + json.dumps({"type": type(error).__name__, "message": str(error)}), file=sys.stderr)
            return FAILED
        with os.fdopen(os.dup(stdout), "wb") as stream:
            stream.write(made)
    return 0


def _adapter(kind: str) -> ModuleType:
    """The module of an adapter, imported by its own name: no search for plugins."""
    if kind == "fcp7":
        return _from_within_opentimelineio("fcp_xml", importlib.util.find_spec("otio_fcp_adapter"))
    if kind == "fcpxml":
        from otio_fcpx_xml_adapter import fcpx_xml as adapter
    elif kind == "edl":
        from otio_cmx3600_adapter import cmx_3600 as adapter
    elif kind == "aaf":
        from otio_aaf_adapter.adapters import advanced_authoring_format as adapter
    else:
        from otio_kdenlive_adapter.adapters import kdenlive as adapter
    module: ModuleType = adapter
    return module


def _from_within_opentimelineio(name: str, package: ModuleSpec | None) -> ModuleType:
    """An adapter that imports its neighbours in OpenTimelineIO, run as if it still lived there."""
    if package is None or not package.submodule_search_locations:
        raise ImportError(f"no module {name}")
    path = Path(package.submodule_search_locations[0]) / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"opentimelineio.adapters.{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no module {path}")
    module = importlib.util.module_from_spec(spec)
    importlib.import_module("opentimelineio.adapters")
    spec.loader.exec_module(module)
    return module


def _read(adapter: ModuleType, given: bytes, options: dict[str, Any]) -> bytes:
    if hasattr(adapter, "read_from_string"):
        document = adapter.read_from_string(given.decode("utf-8"), **options)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "document"
            path.write_bytes(given)
            document = adapter.read_from_file(str(path), **options)
    text: str = document.to_json_string()
    return text.encode()


def _write(adapter: ModuleType, given: bytes, options: dict[str, Any]) -> bytes:
    import opentimelineio as otio

    document = otio.core.deserialize_json_from_string(given.decode("utf-8"))
    if hasattr(adapter, "write_to_string"):
        text: str = adapter.write_to_string(document, **options)
        return text.encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document"
        adapter.write_to_file(document, str(path), **options)
        return path.read_bytes()


@contextlib.contextmanager
def _stdout_to_stderr() -> Iterator[int]:
    """Whatever prints, in Python or below it, prints to stderr; gives the real stdout."""
    real = os.dup(1)
    os.dup2(2, 1)
    try:
        yield real
    finally:
        os.close(real)


def _bound_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):  # macOS refuses some on address space
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main())
