"""Score, nudge a marker, retime, mix down: the add-on in a real Blender, its files saved and opened again."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from v2m.metrics.heard import hit_errors_s
from v2m.timebase import frame_to_sample

pytestmark = pytest.mark.slow

RATE = Fraction(30000, 1001)
FIRST = 11
CUTS = (56, 101, 146, 200)


def edit(film: Path, **settings: Any) -> dict[str, Any]:
    """Five shots of one film, the last one dissolved into; the picture begins on frame 11."""
    starts, ends = (FIRST, *CUTS), (*CUTS[:-1], CUTS[-1] + 6, 251)
    shots = [
        {"kind": "MOVIE", "name": f"shot {number}", "channel": 1 + number % 2, "start": start, "end": end,
         "file": str(film), "skip": 10 + 4 * number}
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]  # fmt: skip
    shots[-1]["start"] = CUTS[-1] - 6
    cross = {"kind": "CROSS", "name": "x", "channel": 3, "start": CUTS[-1] - 6, "end": CUTS[-1] + 6,
             "of": ["shot 3", "shot 4"]}  # fmt: skip
    return {
        "do": "make", "rate": [RATE.numerator, RATE.denominator], "items": [*shots, cross],
        "markers": {"door!": 75}, "settings": settings,
    }  # fmt: skip


def do(what: str, /, **values: Any) -> dict[str, Any]:
    return {"do": what, **values}


def test_a_nudged_marker_is_heard_where_it_was_put(
    blender: Any, composing: Any, packages: Path, film: Path, tmp_path: Path
) -> None:
    """Over gRPC, with music that is composed; each step in a Blender of its own that opens what was saved."""
    project, mixes = str(tmp_path / "cut.blend"), [tmp_path / "scored.wav", tmp_path / "retimed.wav"]
    grpc = do("prefer", packages=str(packages))
    _, _, _, said, scored, *_ = blender.do(
        edit(film, prompt="rock, drums, 120 BPM", seed=2), grpc, do("save", path=project),
        do("operate", name="score"), do("look"), do("save", path=project), do("mix", path=str(mixes[0])),
        home=composing,
    )  # fmt: skip
    assert not said
    (music,) = scored["music"]
    assert (music["start"], music["frames"], music["channel"]) == (FIRST, 240, "V2M Score")
    markers = dict(scored["markers"])
    hits = {hit["marker"]: hit["frame"] for hit in music["told"]["hits"].values()}
    assert set(CUTS) | {75} <= set(hits.values())
    assert hits["door!"] == 75, "the user's own marker shows its hit"

    _, _, _, said, retimed, *_ = blender.do(
        do("reopen", path=project), grpc, do("move_marker", name="door!", by=4), do("operate", name="retime"),
        do("look"), do("save", path=project), home=composing,
    )  # fmt: skip
    assert not said
    blender.do(do("reopen", path=project), do("mix", path=str(mixes[1])))
    (again,) = retimed["music"]
    assert (again["start"], again["frames"]) == (FIRST, 240)
    assert again["file"] != music["file"]
    assert retimed["others"] == scored["others"]
    assert sorted(dict(retimed["markers"]).values()) == sorted({*markers.values(), 79} - {75})
    assert not list(composing.inbox.glob("blender-*")), "the daemon was asked over gRPC"

    for mix, told, hit in zip(mixes, (music, again), (75, 79), strict=True):
        assert_heard(mix, Path(told["file"]), hit)


def assert_heard(mix: Path, wav: Path, hit: int) -> None:
    """The music lies in the mix to the sample, and a hit is heard on its frame, to the frame."""
    sound, rate_hz = soundfile.read(mix)
    music, _ = soundfile.read(wav)
    start = frame_to_sample(FIRST - 1, RATE)
    late = min(range(-2, 3), key=lambda by: apart(sound, music, start + by))
    assert abs(late) <= 1, f"{mix.name} is {late} samples late"
    assert apart(sound, music, start + late) < 1e-4
    (error_s,) = hit_errors_s(sound, rate_hz, [float((hit - 1) / RATE)])
    assert error_s is not None
    assert abs(error_s) <= 1 / RATE


def apart(sound: np.ndarray, music: np.ndarray, start: int) -> float:
    """How far the mix is from the music, past what Blender opens late."""
    skipped = 4800
    there = sound[start + skipped : start + len(music)]
    return float(np.abs(there - music[skipped : skipped + len(there)]).mean())
