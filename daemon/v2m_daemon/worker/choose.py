"""The executor that an address names; the module behind it is imported only when it is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

from v2m.errors import MissingPartError, UsageError
from v2m_daemon.config import WorkerSettings
from v2m_daemon.home import Home
from v2m_daemon.worker.executor import Executor

EXECUTORS: Final = {
    "local": ("v2m_daemon.worker.local", "LocalExecutor"),
    "ray": ("v2m_daemon.worker.ray", "RayExecutor"),
}
"""Scheme of the address -> module and class, which is called with the settings and the home."""


def choose_executor(settings: WorkerSettings, home: Home) -> Executor:
    """The executor for `local` or `ray://HOST:PORT`, not opened yet.

    Raises:
        UsageError: no executor has this name.
        MissingPartError: its libraries are not installed.
    """
    scheme = settings.executor.partition(":")[0]
    if scheme not in EXECUTORS:
        raise UsageError(f"There is no executor {settings.executor!r}, expected local or ray://HOST:PORT.")
    module, name = EXECUTORS[scheme]
    try:
        kind = getattr(import_module(module), name)
    except ImportError as error:
        raise MissingPartError(
            f"The executor {scheme} cannot be used: {error}.", hint=f'Try: pip install "v2m[{scheme}]"'
        ) from error
    return cast(Executor, kind(settings, home))
