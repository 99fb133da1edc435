"""What this machine has for V2M, what is missing, and exactly how to get it.

Conventions: `report()` is plain data, the object that `v2m doctor --json` prints; sizes in bytes. Nothing
here imports torch: it is asked in a process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess  # runs our own interpreter on our own module
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from v2m import __version__
from v2m.errors import V2MError
from v2m_daemon.home import Home
from v2m_daemon.memory import memory
from v2m_daemon.models.outlook import mismatched, model_problems, outlook, outlook_words
from v2m_daemon.models.store import ModelStore
from v2m_daemon.resolve import health as resolve_health

PROBE_LIMIT_S = 120
"""A cold start of torch from a slow disk takes up to a minute."""

NEEDED_BYTES = 1_500_000_000
"""What scoring may take at its peak (the project's own bar)."""

WITHOUT_DEPENDENCIES = {"tinysoundfont"}
"""Needed, but no declared dependency of the package: it would bring pyaudio, which needs a C compiler."""


@dataclass(frozen=True)
class Problem:
    """Something that is missing or wrong."""

    what: str
    fix: str
    """What to type or do."""

    blocks_score: bool = True
    """False: `v2m score` runs all the same."""


def report() -> dict[str, Any]:
    """Everything that is known of this machine, with `problems` and whether `v2m score` is `ready` to run."""
    libraries, probed, soundfont, room = _libraries(), _probe(), _soundfont(), memory()
    resolve = resolve_health.look(Home.find())
    models = outlook(
        ModelStore(Home.find().models), _model_memory(probed, room.total_bytes if room else None)
    )
    problems = [
        *_library_problems(libraries),
        *_probe_problems(probed),
        *_soundfont_problems(soundfont),
        *_memory_problems(room.free_bytes if room else None),
        *(
            Problem(what, fix, blocks_score=False)
            for what, fix in (*mismatched(), *model_problems(models), *resolve_health.problems(resolve))
        ),
    ]
    return {
        "v2m": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": asdict(room) if room else None,
        "libraries": libraries,
        "torch": probed,
        "soundfont": soundfont,
        "models": models,
        "folders": _folders(),
        "resolve": resolve,
        "problems": [asdict(problem) for problem in problems],
        "ready": not any(problem.blocks_score for problem in problems),
    }


def describe(found: dict[str, Any]) -> str:
    """A report as a person reads it."""
    room, torch, font = found["memory"], found["torch"], found["soundfont"]
    weights = torch.get("weights") or {}
    rows = {
        "v2m": f"{found['v2m']} on Python {found['python']}, {found['system']}",
        "device": f"{torch['device']}, computing in {torch['dtype']}" if "device" in torch else "unknown",
        **({"GPU": _gpu_words(torch["gpu"])} if torch.get("gpu") else {}),
        "cores": found["cores"],
        "memory": f"{_size(room['total_bytes'])}, {_size(room['free_bytes'])} free" if room else "unknown",
        "weights": _file(weights, f"{weights.get('backbone')}, {weights.get('licence')}"),
        "SoundFont": _file(font, _size(font["size_bytes"]) if font["path"] else ""),
        **{f"{name} folder": path for name, path in found["folders"].items()},
        "Resolve": resolve_health.words(found["resolve"]),
        "libraries": ", ".join(
            f"{name} {version or 'missing'}" for name, version in found["libraries"].items()
        ),
    }
    lines = [f"{name:<14}{value}" for name, value in rows.items()]
    lines += outlook_words(found["models"])
    for problem in found["problems"]:
        lines += ["", f"{'Missing' if problem['blocks_score'] else 'Note'}: {problem['what']}"]
        lines += [f"  {problem['fix']}"]
    return "\n".join([*lines, "", "Ready: `v2m score` can run." if found["ready"] else "Not ready yet."])


def exit_code(found: dict[str, Any]) -> int:
    """0 where `v2m score` can run, else 4."""
    return 0 if found["ready"] else 4


# --- what is here ---------------------------------------------------------------------------------------


def _libraries() -> dict[str, str | None]:
    """Version of every library that V2M needs, None for one that is not installed."""
    try:
        wanted = metadata.requires("v2m") or []
    except metadata.PackageNotFoundError:
        wanted = []  # run from a folder without installation: only what is known without it
    names = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted if "extra ==" not in line}
    return {name: _version(name) for name in sorted(names | WITHOUT_DEPENDENCIES, key=str.lower)}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _probe() -> dict[str, Any]:
    command = [sys.executable, "-m", "v2m_daemon.probe"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_LIMIT_S)  # noqa: S603
        if done.returncode == 0:
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer
        last_words = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        return {"problem": last_words[0]}
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return {"problem": str(error)}


def _soundfont() -> dict[str, Any]:
    from v2m.codecs.soundfont import find_soundfont

    try:
        font = find_soundfont()
        size_bytes, sha256 = font.path.stat().st_size, font.sha256
    except (V2MError, OSError) as error:
        fix = getattr(error, "hint", "") or "Check that the file can be read."
        return {"path": None, "size_bytes": None, "sha256": None, "problem": str(error), "fix": fix}
    return {"path": str(font.path), "size_bytes": size_bytes, "sha256": sha256}


def _folders() -> dict[str, str]:
    home = os.environ.get("V2M_HOME")
    if home:
        return dict.fromkeys(("config", "data", "cache"), str(Path(home).expanduser()))
    import platformdirs

    return {
        "config": platformdirs.user_config_dir("v2m", appauthor=False),
        "data": platformdirs.user_data_dir("v2m", appauthor=False),
        "cache": platformdirs.user_cache_dir("v2m", appauthor=False),
    }


# --- what is missing ------------------------------------------------------------------------------------


def _library_problems(libraries: dict[str, str | None]) -> Iterator[Problem]:
    for name, version in libraries.items():
        if version is None:
            flag = "--no-deps " if name in WITHOUT_DEPENDENCIES else ""
            yield Problem(f"The library {name} is not installed.", f"{_pip()} install {flag}{name}")


def _probe_problems(probed: dict[str, Any]) -> Iterator[Problem]:
    if "problem" in probed:
        fix = f"{_pip()} install --force-reinstall torch"
        yield Problem(f"torch or the embedded model does not load: {probed['problem']}", fix)
    elif "problem" in probed["weights"]:
        fix = "Install v2m again from where you got it: the weights are part of the package."
        yield Problem(probed["weights"]["problem"], fix)


def _soundfont_problems(soundfont: dict[str, Any]) -> Iterator[Problem]:
    if soundfont["path"] is None:
        yield Problem(soundfont["problem"], soundfont["fix"])


def _memory_problems(free_bytes: int | None) -> Iterator[Problem]:
    if free_bytes is not None and free_bytes < NEEDED_BYTES:
        what = f"Only {_size(free_bytes)} of memory is free, scoring may need {_size(NEEDED_BYTES)}."
        yield Problem(what, "Close other programs.", blocks_score=False)


def _model_memory(probed: dict[str, Any], total_bytes: int | None) -> int | None:
    """What a model may take: the GPU's memory where there is one, else the machine's."""
    gpu = probed.get("gpu") or {}
    return gpu.get("total_bytes", total_bytes)


# --- words ----------------------------------------------------------------------------------------------


def _pip() -> str:
    return f"{sys.executable} -m pip"


def _gpu_words(gpu: dict[str, Any]) -> str:
    sizes = f"{_size(gpu['total_bytes'])}, {_size(gpu['free_bytes'])} free"
    bf16 = "multiplies bfloat16" if gpu["bf16"] else "does not multiply bfloat16: models compute in float32"
    return f"{gpu['name']}, {sizes}, CUDA {gpu['cuda']}, {bf16}"


def _file(found: dict[str, Any], words: str) -> str:
    if not found.get("path") or not found.get("sha256"):
        return "missing"
    return f"{found['path']} ({words}, sha256 {found['sha256'][:12]}…)"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"
