"""The worker's process: does one job after the other until its parent lets go of the pipe.

    python -m v2m_daemon.worker.main --parent PID [--memory-bytes N]

Frames come on stdin and go out on what was stdout; stdout itself is turned to stderr, for libraries print
what they like. Three threads: one listens, so that a cancel is heard and the parent's end noticed while the
work goes on; one says twice a second that the process lives and what memory it holds; the main one works.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from v2m.errors import CancelledError, OutOfMemoryError, V2MError
from v2m_daemon.worker import limits
from v2m_daemon.worker.death import SMALLER
from v2m_daemon.worker.executor import Cause, Done, Event, Failed, Progress, Stopped, Work
from v2m_daemon.worker.messages import event_to_json, work_from_json
from v2m_daemon.worker.pipe import BadFrame, Channel

if TYPE_CHECKING:
    from v2m_daemon.worker.attempt import Studio

BEAT_EVERY_S: Final = 0.5
REPORT_EVERY_S: Final = 0.1
"""At most: more often nobody can see."""


class Worker:
    """The process from inside."""

    def __init__(self, channel: Channel, open_studio: Callable[[], Studio]) -> None:
        self._channel = channel
        self._open_studio = open_studio
        self._waiting: queue.SimpleQueue[tuple[Work, threading.Event]] = queue.SimpleQueue()

    def run(self) -> None:
        """Work until the parent has gone, or memory has run out."""
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()
        studio = self._open_studio()
        self._channel.send({"ready": {}})
        while True:
            outcome = self._outcome(studio, *self._waiting.get())
            self._channel.send({"event": event_to_json(outcome)})
            if isinstance(outcome, Failed) and outcome.cause is Cause.OUT_OF_MEMORY:
                return  # what a failed allocation leaves in pieces is whole again in a new process
            gc.collect()

    def _listen(self) -> None:
        stops: dict[str, threading.Event] = {}
        try:
            while (message := self._channel.receive()) is not None:
                if "do" in message:
                    work = work_from_json(message["do"])
                    stops = {work.job_id: threading.Event()}  # a late cancel is not for the next attempt
                    self._waiting.put((work, stops[work.job_id]))
                elif message.get("cancel") in stops:
                    stops[message["cancel"]].set()
        except (BadFrame, OSError) as error:
            print(f"The parent sent {error}.", file=sys.stderr, flush=True)
        os._exit(0)  # nobody is left to hear of a result; whatever is half done is made to be gone on from

    def _beat(self) -> None:
        while True:
            beat = {"rss_bytes": limits.rss_bytes(), "peak_rss_bytes": limits.peak_rss_bytes()}
            with contextlib.suppress(OSError):
                self._channel.send({"beat": beat})
            time.sleep(BEAT_EVERY_S)

    def _outcome(self, studio: Studio, work: Work, stop: threading.Event) -> Done | Failed | Stopped:
        def cancel() -> None:
            if stop.is_set():
                raise CancelledError("The job was cancelled.")

        try:
            return studio.do(work, _Report(self._channel), cancel)
        except CancelledError:
            return Stopped()
        except V2MError as error:
            cause = Cause.OUT_OF_MEMORY if isinstance(error, OutOfMemoryError) else Cause.REFUSED
            return Failed(error, cause)
        except Exception as error:
            return _unexpected(error)


class _Report:
    """Tells the parent how far a stage is, not more often than anybody can see."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stage = ""
        self._said_at = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._said_at < REPORT_EVERY_S:
            return
        self._stage, self._said_at = stage, now
        event: Event = Progress(stage, min(1.0, max(0.0, float(fraction))))
        self._channel.send({"event": event_to_json(event)})


def _unexpected(error: Exception) -> Failed:
    if _is_out_of_memory(error):
        said = str(error).partition("\n")[0]
        return Failed(
            OutOfMemoryError(f"Memory ran out: {said or type(error).__name__}.", hint=SMALLER),
            Cause.OUT_OF_MEMORY,
        )
    return Failed(
        V2MError(
            f"Something went wrong inside v2m: {type(error).__name__}: {error}.",
            hint="Please report it with the output of `v2m doctor`.",
            detail="".join(traceback.format_exception(error))[-4000:],
        )
    )


def _is_out_of_memory(error: Exception) -> bool:
    if "torch" not in sys.modules:
        return isinstance(error, MemoryError)
    from v2m.model.device import is_out_of_memory

    return is_out_of_memory(error)


def open_studio() -> Studio:
    """The studio, with every library that it needs: from here on silence means that something hangs."""
    import v2m.backbones.sketch
    from v2m.model.warm import WARM
    from v2m_daemon.worker.attempt import Studio

    del v2m
    WARM.keeps = True  # the next job may want the models of this one
    return Studio()


def main(argv: Sequence[str] | None = None, open_studio: Callable[[], Studio] = open_studio) -> int:
    """Run the worker's process to its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--memory-bytes", type=int, default=0)
    arguments = parser.parse_args(argv)
    limits.die_with(arguments.parent)
    limits.limit_process(arguments.memory_bytes)
    Worker(_own_channel(), open_studio).run()
    sys.stderr.flush()
    os._exit(0)  # the listening thread waits for a parent that need not come


def _own_channel() -> Channel:
    """The pipe, out of the reach of everything that prints."""
    incoming, outgoing = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for handle in (incoming, outgoing):
            msvcrt.setmode(handle, os.O_BINARY)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Channel(os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb"))


if __name__ == "__main__":
    raise SystemExit(main())
