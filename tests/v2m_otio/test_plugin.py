"""OpenTimelineIO finds our media linker by its own discovery, and pays nothing for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_linker_links_through_opentimelineio(
    edit: Any, save: Callable[..., Path], files: Callable[..., list[Path]], tmp_path: Path
) -> None:
    (video,) = files("mnt/x y.mov")
    clips = [
        edit.clip("a", 24, url="file:///P:/x%20y.mov"),
        edit.clip("b", 24, url="http://x/y.mov"),
        edit.clip("c", 9),
    ]
    path = save(edit.timeline(edit.track(*clips)))
    script = f"""
import opentimelineio as otio
timeline = otio.adapters.read_from_file({str(path)!r}, media_linker_name="v2m",
    media_linker_argument_map={{"path_map": [["P:/", {str(tmp_path / "mnt")!r}]]}})
for clip in timeline.find_clips():
    print(getattr(clip.media_reference, "target_url", None))
"""
    assert run(script).splitlines() == [str(video), "http://x/y.mov", "None"]


def test_other_peoples_reads_stay_as_they_are(edit: Any, save: Callable[..., Path]) -> None:
    path = save(edit.timeline(edit.track(edit.clip("a", 24, url="C:\\x.mov"))))
    script = f"""
import sys, opentimelineio as otio
manifest = otio.plugins.ActiveManifest()
assert "v2m" in [linker.name for linker in manifest.media_linkers]
assert not any(manifest.hooks.values()), manifest.hooks
timeline = otio.adapters.read_from_file({str(path)!r})
print([clip.media_reference.target_url for clip in timeline.find_clips()])
assert not {{"numpy", "torch", "av", "grpc"}} & set(sys.modules)
"""
    assert run(script) == "['C:\\\\x.mov']"


def test_the_package_imports_nothing_heavy() -> None:
    script = "import sys, v2m_otio, v2m_otio.read, v2m_otio.place, v2m_otio.create, v2m_otio.link\n"
    script += "print(sorted({'numpy', 'torch', 'av', 'grpc', 'scipy'} & set(sys.modules)))"
    assert run(script) == "[]"
