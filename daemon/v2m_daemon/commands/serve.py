"""`v2m serve`: run the daemon in the foreground, or let the system start it with every login."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from dataclasses import replace

from v2m.errors import AlreadyRunningError, V2MError
from v2m_daemon.config import Config, read_config
from v2m_daemon.endpoint import Endpoint
from v2m_daemon.home import Home
from v2m_daemon.logbook import keep_log

log = logging.getLogger(__name__)


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop; 0 when everything ended in order."""
    if arguments.home is not None:
        os.environ["V2M_HOME"] = os.path.abspath(arguments.home)  # the worker's too
    home = Home.find()
    if arguments.install or arguments.uninstall:
        from v2m_daemon.install.service import install, service, uninstall

        read_config(home.config_file)  # a service that could not start would fail where nobody looks
        ours = service(home, _flags(arguments))
        print(install(ours) if arguments.install else uninstall(ours))
        return 0
    home.make()
    keep_log(home.logs)
    try:
        return _serve(home, arguments)
    except AlreadyRunningError:
        raise  # the log is the other's
    except V2MError as error:
        log.error("%s", error.sentence())  # a service has no terminal to say it on
        raise


def _serve(home: Home, arguments: argparse.Namespace) -> int:
    from v2m_daemon.intake import attendants
    from v2m_daemon.server.run import run_daemon
    from v2m_daemon.worker.choose import choose_executor

    config = _config(home, arguments)
    executor = choose_executor(config.worker, home)
    return run_daemon(home, config, executor, attendants=attendants(config, home), ready=_say)


def _config(home: Home, arguments: argparse.Namespace) -> Config:
    """The configuration, with what the flags say instead."""
    config = read_config(home.config_file)
    if arguments.listen is not None:
        config = replace(config, server=replace(config.server, listen=arguments.listen))
    if arguments.executor is not None:
        config = replace(config, worker=replace(config.worker, executor=arguments.executor))
    return config


def _flags(arguments: argparse.Namespace) -> list[str]:
    """What a service passes on."""
    pairs = (("--listen", arguments.listen), ("--executor", arguments.executor))
    return [text for flag, value in pairs if value is not None for text in (flag, value)]


def _say(endpoint: Endpoint) -> None:
    if sys.stderr is not None:
        print(f"v2m: ready at {endpoint.target}; Ctrl-C stops it, and jobs go on later.", file=sys.stderr)
