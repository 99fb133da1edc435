"""The process of `fuzz.py` that reads hostile files, the way the daemon's worker does: a crash costs only it.

    python fuzz_reader.py FOLDER MEDIA

Questions come on stdin, one JSON object a line, answers go to what was stdout.
    {"kind": "mutated" | "generated" | "media", "seed": text, "first": n, "count": n}, or {"path": file}
    -> {"at": file} before each case, {"outcome": text, "cpu_s": seconds} after it, {"end": peak RSS in MB}
Outcomes are `read`, the name of an error of `v2m.errors`, or `raised …`, which none should be. Adapters of
other formats, for which the product starts a process each time, are called in this one.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TextIO

import hostile_documents
import hostile_media
import hypothesis
from v2m_daemon.programme import DOCUMENT_SUFFIXES, Viewing, open_programme
from v2m_otio.exchange import adapter_process, fcpxml_timeline, reading
from v2m_otio.exchange.foreign import AdapterError
from v2m_otio.read import open_document

from v2m.errors import V2MError
from v2m.stages import StageClock

MEMORY_BYTES: Final = 4 << 30
"""Of address space, as for whoever inspects what was dropped."""


class Reader:
    """Makes cases, reads them, tells."""

    def __init__(self, folder: Path, media: Path, answers: TextIO) -> None:
        """The folder is this process's own."""
        self._folder, self._media, self._answers = folder, media, answers

    def answer(self, question: Mapping[str, Any]) -> None:
        """Do what one question asks for."""
        if "path" in question:
            self._read(Path(question["path"]))
        else:
            make = {"mutated": self._mutated, "generated": self._generated, "media": self._broken}
            first = question["first"]
            make[question["kind"]](question["seed"], range(first, first + question["count"]))
        self._say({"end": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})

    def _mutated(self, seed: str, numbers: range) -> None:
        for number in numbers:
            chance = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
            self._read_case(*hostile_documents.mutated(chance, _documents(self._media)))

    def _broken(self, seed: str, numbers: range) -> None:
        for number in numbers:
            chance = random.Random(f"{seed}/{number}")  # noqa: S311
            self._read_case(*hostile_media.broken(chance, _videos(self._media)))

    def _generated(self, seed: str, numbers: range) -> None:
        quiet = hypothesis.settings(
            max_examples=len(numbers), database=None, deadline=None, phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip

        def one(data: bytes) -> None:
            self._read_case(".otio", data)

        run = quiet(hypothesis.given(hostile_documents.documents())(one))
        hypothesis.seed(f"{seed}/{numbers.start}")(run)()

    def _read_case(self, suffix: str, data: bytes) -> None:
        path = self._folder / f"case{suffix}"
        path.write_bytes(data)
        self._read(path)

    def _read(self, path: Path) -> None:
        self._say({"at": str(path)})
        began_s = time.process_time()
        outcome = _outcome(path)
        self._say({"outcome": outcome, "cpu_s": round(time.process_time() - began_s, 3)})

    def _say(self, answer: Mapping[str, Any]) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()


def _outcome(path: Path) -> str:
    try:
        if path.name.startswith("case") and path.suffix in DOCUMENT_SUFFIXES:
            with open_document(path):  # its media are nowhere: there is nothing to look at
                return "read"
        with open_programme(Viewing(path, roots=(path.parent,)), StageClock()):
            return "read"
    except V2MError as error:
        return type(error).__name__
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"


@cache
def _documents(media: Path) -> list[hostile_documents.Case]:
    return hostile_documents.seeds_in(media / "timelines")


@cache
def _videos(media: Path) -> list[hostile_media.Case]:
    return hostile_media.seeds_in(media)


def _adapt_here() -> None:
    """Call adapters in this process: starting one for each document takes a hundred times as long."""

    def call(verb: str, kind: str, given: bytes, options: Mapping[str, Any] | None = None) -> bytes:
        work = adapter_process._read if verb == "read" else adapter_process._write
        try:
            return work(_adapter(kind), given, dict(options or {}))
        except Exception as error:
            raise AdapterError(type(error).__name__, str(error)) from error

    for module in (reading, fcpxml_timeline):
        if hasattr(module, "call_adapter"):
            module.call_adapter = call


_adapter = cache(adapter_process._adapter)


def main() -> int:
    """Answer until stdin ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # adapters print
    _adapt_here()
    reader = Reader(Path(sys.argv[1]), Path(sys.argv[2]), answers)
    for question in map(json.loads, sys.stdin):
        reader.answer(question)
    return 0


if __name__ == "__main__":
    sys.exit(main())
