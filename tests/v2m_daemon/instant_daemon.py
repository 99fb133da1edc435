"""A real daemon process whose jobs take milliseconds: `python instant_daemon.py HOME [--slots N]`.

Prints its target on stdout when clients can connect. What is in HOME's config.toml holds.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from instant import InstantExecutor
from v2m_daemon.config import read_config
from v2m_daemon.endpoint import Endpoint
from v2m_daemon.home import Home
from v2m_daemon.server.run import run_daemon

from v2m.errors import V2MError


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--slowness", type=float, default=1.0)
    arguments = parser.parse_args()
    home = Home.at(arguments.home)
    executor = InstantExecutor(arguments.slots, slowness=arguments.slowness)
    try:
        config = read_config(home.config_file)
        config = replace(config, queue=replace(config.queue, limit=arguments.limit))
        return run_daemon(home, config, executor, ready=say)
    except V2MError as error:
        print(error.sentence(), file=sys.stderr)
        return error.exit_code


def say(endpoint: Endpoint) -> None:
    print(endpoint.target, flush=True)


if __name__ == "__main__":
    sys.exit(main())
