"""A Resolve in memory driven by real LuaJIT, and a stand-in that answers job directories."""

import json
import subprocess
import threading
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from v2m_daemon.resolve.scripts import Addresses, addressed, shipped

HERE = Path(__file__).parent
JSON_PART = HERE.parents[1] / "resolve_scripts/src/json.lua"
RATES = {"23.976": Fraction(24000, 1001), "29.97": Fraction(30000, 1001), "29.97 DF": Fraction(30000, 1001),
         "59.94": Fraction(60000, 1001)}  # fmt: skip
START = 86400
"""The first frame of a timeline at 24 that starts at one o'clock: where "one hour off" comes from."""

State = dict[str, Any]


def exact(rate: str) -> Fraction:
    return RATES.get(rate) or Fraction(rate)


def timeline(**told: Any) -> dict[str, Any]:
    """A timeline of ten seconds or so with two cuts, to be changed as a test likes."""
    plain = {
        "id": "timeline-1",
        "name": "Spot",
        "rate": "24",
        "start": START,
        "length": 240,
        "cuts": [90, 180, 240],
    }
    return plain | told


def world(*timelines: dict[str, Any], **told: Any) -> dict[str, Any]:
    """A Resolve to be changed as a test likes."""
    all_of_them = list(timelines) or [timeline()]
    plain = {
        "version": [21, 1],
        "studio": False,
        "project_rate": all_of_them[0]["rate"],
        "timelines": all_of_them,
    }
    return plain | told


def write_wav(path: Path, frames: int, rate: Fraction) -> None:
    """Silence of so many frames at a frame rate, to the sample."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(48000)
        file.writeframes(bytes(6 * -(-frames * 48000 * rate.denominator // rate.numerator)))


@dataclass
class StandIn:
    """Does what a daemon does in its inbox, by the same files, in a thread."""

    inbox: Path
    here: Callable[[str], Path] = Path
    """A path of the scripts on this machine."""

    frames: int = 240
    rate: Fraction = Fraction(24)
    hits: tuple[tuple[str, float, str], ...] = (
        ("cut-1", 3.75, "cut"),
        ("cut-2", 7.5, "cut"),
        ("end", 10.0, "end"),
    )
    takes: int = 1
    answer: str = "done"
    """done, fail, wait (until cancelled), slow (half a second), silent."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join(10)

    def _work(self) -> None:
        while not self._ends.wait(0.02):
            for job in self.inbox.glob("*/job.json"):
                if job not in self.seen and self.answer != "silent":
                    self.seen.add(job)
                    self._do(job.parent, json.loads(job.read_bytes()))

    def _put(self, folder: Path, name: str, value: dict[str, Any]) -> None:
        (folder / f".{name}").write_text(json.dumps({"version": 1} | value), encoding="utf-8")
        (folder / f".{name}").replace(folder / name)

    def _status(self, folder: Path, state: str, fraction: float, message: str = "") -> None:
        told = {
            "job": "1",
            "state": state,
            "stage": "compose",
            "fraction": fraction,
            "eta_s": None,
            "message": message,
        }
        self._put(folder, "status.json", told)

    def _do(self, folder: Path, job: dict[str, Any]) -> None:
        self.jobs.append(job)
        self._status(folder, "running", 0.25)
        if self.answer == "wait":
            while not (folder / "cancel").exists():
                if self._ends.wait(0.02):
                    return
            self._fail(folder, "cancelled", "The job was cancelled.", "Submit it again to have it done.")
        elif self.answer == "fail":
            self._fail(folder, "bad_document", "The document holds no picture.", "Add a clip.")
        else:
            if self.answer == "slow":
                self._ends.wait(2.5)
            self._finish(folder, job)

    def _fail(self, folder: Path, code: str, message: str, hint: str) -> None:
        self._put(folder, "error.json", {"code": code, "message": message, "detail": "", "hint": hint})

    def _finish(self, folder: Path, job: dict[str, Any]) -> None:
        out = job["out_dir"]
        kind: type[PureWindowsPath] | type[PurePosixPath]
        kind = PureWindowsPath if "\\" in out else PurePosixPath
        made = [kind(out) / f"music-{number}.v2m" for number in range(1, self.takes + 1)]
        for take in made:
            write_wav(self.here(str(take)) / "music.wav", self.frames, self.rate)
        result = {
            "take": str(made[0]), "wav": str(made[0] / "music.wav"), "prompt": job.get("prompt", ""),
            "duration_s": float(self.frames / self.rate), "sch": {"value": 0.95}, "notes": ["a note"],
            "hits": [{"id": i, "time_s": t, "kind": k, "weight": 1, "error_s": 0} for i, t, k in self.hits],
            "takes": [{"take": str(t), "wav": str(t / "music.wav")} for t in made],
        }  # fmt: skip
        self._put(folder, "result.json", {"job": "1", "outputs": {"wav": result["wav"]}, "result": result})


@dataclass
class Stage:
    """The double, the scripts and the stand-in of one test."""

    folder: Path
    addresses: Addresses
    preferences: Path
    windows: str = ""

    def here(self, path: str) -> Path:
        """Where a path of the scripts lies on this machine."""
        if not self.windows:
            return Path(path)
        parts = PureWindowsPath(path)
        drive = parts.drive.rstrip(":").strip("\\").replace("\\", "/")
        return Path(self.windows, drive, *parts.parts[1:])

    def script(self, name: str) -> str:
        path = self.folder / f"{name}.lua"
        path.write_text(addressed(shipped(name), self.addresses), encoding="utf-8")
        return str(path)

    def prefer(self, **wished: Any) -> None:
        self.preferences.write_text(json.dumps({"notify": False} | wished), encoding="utf-8")

    def play(self, world: dict[str, Any], *steps: Any, answers: dict[str, Any] | None = None) -> State:
        """Play a story; a text is the name of a menu entry, or a path of a script, to run."""
        told = [step if isinstance(step, dict) else self.run(step) for step in steps]
        story = {"world": world, "steps": told, "answers": answers or {}}
        if self.windows:
            story["windows"] = self.windows
        story_path, state_path = self.folder / "story.json", self.folder / "state.json"
        story_path.write_text(json.dumps(story, ensure_ascii=False), encoding="utf-8")
        command = ["luajit", HERE / "drive.lua", HERE, JSON_PART, story_path, state_path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        state: State = json.loads(state_path.read_bytes())
        return state

    def run(self, name: str | Path, *during: dict[str, Any]) -> dict[str, Any]:
        script = str(name) if isinstance(name, Path) else self.script(name)
        return {"act": "run", "script": script, "during": list(during)}


def stage_at(folder: Path, base: str, windows: str = "") -> Stage:
    """A stage whose V2M lives in the folder `base`, named as the scripts see it."""
    separator = "\\" if windows else "/"
    addresses = Addresses(
        "0",
        *(
            base + separator + name
            for name in ("inbox", "music", "endpoint.json", "resolve.json", "resolve.log")
        ),
    )
    stage = Stage(folder, addresses, Path(), windows)
    stage.preferences = stage.here(addresses.preferences)
    stage.here(addresses.inbox).mkdir(parents=True)
    stage.here(addresses.endpoint).write_text('{"version": "0"}')
    stage.prefer()
    return stage


def score_track(state: State, at: int = 0) -> list[dict[str, Any]]:
    """The items on the track V2M Score of a timeline."""
    tracks = [t for t in state["timelines"][at]["tracks"] or [] if t["name"] == "V2M Score"]
    assert len(tracks) == 1, state["words"]
    assert tracks[0]["subtype"] == "stereo"
    return list(tracks[0]["items"] or [])
