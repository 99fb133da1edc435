"""A real daemon process that makes silence of the right length, with a hit on each cut: for end-to-end tests.

    python musical_daemon.py HOME

`tests/v2m_daemon`, where the executor is, must be on the path. Prints its target when it listens. A nudge
moves the hit that it names; a take knows its own hits.
"""

import json
import sys
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import instant
from v2m_daemon import durable
from v2m_daemon.config import read_config
from v2m_daemon.home import Home
from v2m_daemon.intake import attendants
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.jobs.spec import JobKind
from v2m_daemon.server.run import run_daemon
from v2m_daemon.worker.executor import Done, Work

SAMPLE_RATE_HZ = 48000


def publish(work: Work) -> Done:
    """A take as a real executor leaves it, as far as an editor looks at it."""
    spec = work.spec
    take = Path(spec.result_dir(str(JobFolder(work.folder).out))) / f"{Path(spec.document).stem}.v2m"
    take.mkdir(parents=True)
    if spec.kind is JobKind.SCORE:
        music = of_document(json.loads(Path(spec.document).read_bytes()), spec.in_point, spec.out_point)
    else:
        music = json.loads((Path(spec.document) / "made.json").read_bytes())
        music["hits"] = [nudged(frame, dict(spec.nudges)) for frame in music["hits"]]
    durable.write_json(take / "made.json", music)
    rate = Fraction(music["rate"])
    with wave.open(str(take / "music.wav"), "wb") as file:
        file.setparams((2, 3, SAMPLE_RATE_HZ, 0, "NONE", ""))
        file.writeframes(bytes(6 * -int(-music["frames"] * SAMPLE_RATE_HZ // rate)))
    wav = str(take / "music.wav")
    result = {
        "take": str(take), "wav": wav, "prompt": spec.prompt or "",
        "duration_s": float(music["frames"] / rate),
        "hits": [
            {"id": f"cut-{n}", "time_s": float(f / rate), "kind": "cut", "weight": 1.0, "error_s": 0.0}
            for n, f in enumerate(music["hits"], start=1)
        ],
        "sch": {"value": 1.0, "tolerance_s": 0.1, "chance": 0.4}, "notes": [],
    }  # fmt: skip
    JobFolder(work.folder).write_result(result, {"wav": wav, "take": str(take)})
    return Done(result, {"wav": wav, "take": str(take)})


def of_document(document: dict[str, Any], in_point: str | None, out_point: str | None) -> dict[str, Any]:
    """Rate, length and cuts, in frames from the in point."""
    rate = Fraction(document["global_start_time"]["rate"]).limit_denominator(1001)
    clips = document["tracks"]["children"][0]["children"]
    ends, at = [], 0
    for clip in clips:
        at += round(clip["source_range"]["duration"]["value"])
        ends.append(at)
    first = int(in_point.rstrip("f")) if in_point else 0
    last = int(out_point.rstrip("f")) if out_point else at
    hits = [cut - first for cut in ends if first < cut < last]
    return {"rate": str(rate), "frames": last - first, "hits": hits}


def nudged(frame: int, nudges: dict[str, str]) -> int:
    """Where a hit is afterwards."""
    return int(nudges.get(f"{frame}f", f"{frame}f").rstrip("f"))


def serve(home: Home) -> int:
    """Until it is told to stop."""
    instant.publish = publish
    config = read_config(home.config_file)
    return run_daemon(
        home,
        config,
        instant.InstantExecutor(),
        attendants=attendants(config, home),
        ready=lambda endpoint: print(endpoint.target, flush=True),
    )


if __name__ == "__main__":
    sys.exit(serve(Home.at(Path(sys.argv[1]))))
