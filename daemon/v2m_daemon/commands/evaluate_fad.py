"""`v2m evaluate fad`: how far a body of music lies from another one, in VGGish's space."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from v2m.metrics.fad import FAD, audio_distance, embed_files
from v2m.metrics.vggish import VGGish
from v2m_daemon.commands.evaluate_files import audio_files
from v2m_daemon.progress import show_progress


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 0 when it was done."""
    network = VGGish(Path(arguments.weights) if arguments.weights else None, arguments.device)
    judged, reference = audio_files(arguments.audio), audio_files(arguments.reference)
    total, seen = len(judged) + len(reference), 0
    with show_progress(quiet=arguments.json) as progress:

        def heard(_path: Path) -> None:
            nonlocal seen
            seen += 1
            progress("Listening", seen / total)

        bodies = [embed_files(files.values(), network, heard) for files in (reference, judged)]
    found = audio_distance(*bodies)
    told = asdict(found) | {"weights_sha256": network.sha256}
    print(json.dumps(told) if arguments.json else _words(found))
    return 0


def _words(found: FAD) -> str:
    infinity = f"; extrapolated to endlessly many {found.infinity.value:.3f}" if found.infinity else ""
    short = f"; {found.too_short} files were shorter than a patch" if found.too_short else ""
    return (
        f"FAD {found.value:.3f}{infinity}. {found.patches} patches of {found.files} files against "
        f"{found.reference_patches} of {found.reference_files}{short}."
    )
