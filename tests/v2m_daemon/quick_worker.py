"""The real worker process with a stand-in for the model, which composes in milliseconds and fails on demand.

The prompt orders what happens while it composes: "sleep 0.5" (seconds, cancellable), "deaf 5" (seconds, not
cancellable), "hang" (says nothing more), "memory" (an allocation fails), "kill" (SIGKILL to itself), "frame"
(a frame that is none), "chatter" (prints on stdout), "bug" (an exception that nobody expected), "small"
(memory runs out unless the window is small). Anything else just composes.
"""

import os
import signal
import time

import numpy as np
from v2m_daemon.worker.main import main

from v2m.backbones.base import Commission, Composition
from v2m.codecs.arrangement import Arrangement, Note
from v2m.stages import Cancel, FractionDone

STEPS = 4


class QuickBackbone:
    """A drum on every beat, and a bass line that the seed draws."""

    name = "quick"
    weights_sha256 = "0" * 64

    def compose(
        self, commission: Commission, on_progress: FractionDone, cancel: Cancel
    ) -> tuple[Composition, ...]:
        for step in range(STEPS):
            cancel()
            on_progress(step / STEPS)
        obey(commission, on_progress, cancel)
        return tuple(self._piece(commission, seed) for seed in commission.seeds)

    def _piece(self, commission: Commission, seed: int) -> Composition:
        beats = len(commission.tempo_map.beats_s) - 1
        pitches = np.random.default_rng(seed).integers(33, 48, beats).tolist()
        notes = [
            note
            for beat in range(beats)
            for note in (
                Note("drums", float(beat), 0.25, 36, 100),
                Note("bass", beat + 1 / 3, 0.5, pitches[beat], 90),
            )
        ]
        latents = np.random.default_rng(seed).standard_normal((4 * beats, 8), np.float32)
        programs = {"drums": 0, "bass": 33}
        return Composition(seed, latents, Arrangement(beats, tuple(notes), programs=programs))


def obey(commission: Commission, on_progress: FractionDone, cancel: Cancel) -> None:
    word, _, number = commission.brief.text.partition(" ")
    if word == "sleep":
        ends_at = time.monotonic() + float(number)
        while (left_s := ends_at - time.monotonic()) > 0:
            on_progress(1 - left_s / float(number))
            cancel()
            time.sleep(min(0.02, left_s))
    elif word == "deaf":
        time.sleep(float(number))
    elif word == "hang":
        time.sleep(3600)
    elif word == "memory" or (word == "small" and commission.window_scale == 1):
        bytearray(1 << 60)
    elif word == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "frame":
        os.write(OUTGOING, b"\xff\xff\xff\xff no frame")
    elif word == "chatter":
        print("a library says hello", flush=True)
        os.write(1, b"and so does its C code\n")
    elif word == "bug":
        raise ZeroDivisionError("seconds per nothing")


def open_studio() -> object:
    from v2m_daemon.worker.attempt import Studio

    return Studio(lambda name: QuickBackbone())


OUTGOING = os.dup(1)
"""The pipe to the parent, for a frame that is none."""

if __name__ == "__main__":
    raise SystemExit(main(open_studio=open_studio))
