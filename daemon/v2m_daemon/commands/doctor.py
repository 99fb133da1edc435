"""`v2m doctor`: what is here, what is missing, how to get it."""

from __future__ import annotations

import argparse
import json

from v2m_daemon.doctor import describe, exit_code, report


def run(arguments: argparse.Namespace) -> int:
    """Print the report; 0 where `v2m score` can run, else 4."""
    found = report()
    print(json.dumps(found) if arguments.json else describe(found))
    return exit_code(found)
