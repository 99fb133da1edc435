"""OpenTimelineIO finds our linker, adapter and schema by its own discovery, and pays nothing for them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


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


@pytest.fixture
def take(tmp_path: Path) -> Path:
    folder = tmp_path / "film.v2m"
    (folder / "stems").mkdir(parents=True)
    for name in ("music.wav", "stems/bass.wav", "stems/drums.wav"):
        (folder / name).write_bytes(b"x")
    hit = {"id": "cut-1", "time_s": "1001/240", "kind": "cut", "weight": 0.8}
    record = {"frame_rate": "24000/1001", "start_frame": 86400, "duration_s": "1001/100", "hits": [hit],
              "prompt": "calm", "seed": 7, "backbone": "sketch"}  # fmt: skip
    (folder / "take.json").write_text(json.dumps(record))
    return folder


def test_a_take_is_a_timeline_with_stems_and_hits(take: Path, tmp_path: Path) -> None:
    script = f"""
import opentimelineio as otio
timeline = otio.adapters.read_from_file({str(take)!r})
print([(track.name, track.enabled, track.duration().value) for track in timeline.tracks])
markers = timeline.tracks.markers
print(timeline.global_start_time.value, [(m.name, m.marked_range.start_time.value) for m in markers])
otio.adapters.write_to_file(timeline, {str(tmp_path / "take.otio")!r})
again = otio.adapters.read_from_file({str(tmp_path / "take.otio")!r})
print(type(again.metadata["v2m"]["take"]).__name__, again.metadata["v2m"]["take"].seed)
"""
    assert run(script).splitlines() == [
        "[('V2M Score', True, 240.0), ('bass', False, 240.0), ('drums', False, 240.0)]",
        "86400.0 [('cut-1', 100.0)]",
        "V2MTake 7",
    ]


def test_a_host_without_the_plugin_keeps_our_data(take: Path, tmp_path: Path) -> None:
    written, kept = tmp_path / "take.otio", tmp_path / "kept.otio"
    run(f"""
import opentimelineio as otio
otio.adapters.write_to_file(otio.adapters.read_from_file({str(take)!r}), {str(written)!r})
""")
    run(f"""
import os; os.environ["OTIO_DISABLE_ENTRYPOINTS_PLUGINS"] = "1"
import opentimelineio as otio
timeline = otio.adapters.read_from_file({str(written)!r})
assert type(timeline.metadata["v2m"]["take"]).__name__ == "UnknownSchema"
otio.adapters.write_to_file(timeline, {str(kept)!r})
""")
    assert json.loads(kept.read_text()) == json.loads(written.read_text())
