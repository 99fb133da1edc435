"""What a job's spec means to the code that does it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from v2m.errors import PathRefusedError
from v2m.score import ScoreSettings
from v2m_daemon.jobs.folder import JobFolder
from v2m_daemon.programme import Viewing, check_files
from v2m_daemon.worker.executor import Work

_NO_MATTER: Final = ("client", "priority", "request_id")
"""Fields that change nothing of the result."""

_SEEDS: Final = 2**31
"""As many as `v2m score` draws from."""


def settings_of(work: Work) -> ScoreSettings:
    """The knobs of a scoring job.

    A seed that nobody named is the job's own, so that every attempt composes the same.

    Raises:
        UsageError: a value makes no sense.
        PathRefusedError: SoundFont or adapter lies outside the folders that may be touched.
    """
    spec = work.spec
    drawn = int.from_bytes(hashlib.sha256(work.job_id.encode()).digest()[:8]) % _SEEDS
    return ScoreSettings(
        prompt=spec.prompt,
        backbone=spec.backbone,
        takes=spec.takes,
        seed=drawn if spec.seed is None else spec.seed,
        adherence=spec.adherence,
        steps=spec.steps,
        tempo_bpm=spec.tempo_bpm,
        tempo_freedom=spec.tempo_freedom,
        loudness_lufs=spec.loudness_lufs,
        soundfont=inside(work, Path(spec.soundfont)) if spec.soundfont else None,
        adapter=inside(work, Path(spec.adapter)) if spec.adapter else None,
        lora_strength=spec.lora_strength,
        window_scale=work.window_scale,
    )


def viewing_of(work: Work) -> Viewing:
    """What is looked at.

    Raises:
        InputError: a file is not there.
        PathRefusedError: it lies outside the folders that may be touched.
    """
    spec = work.spec
    path, picture = check_files(spec.document, spec.picture)
    return Viewing(
        inside(work, path),
        inside(work, picture) if picture else None,
        encoder=spec.encoder,
        in_point=spec.in_point,
        out_point=spec.out_point,
        path_map=spec.path_map,
        frame_rate=spec.frame_rate,
        roots=tuple(Path(root) for root in work.roots),
    )


def place_of(work: Work, folder: JobFolder) -> Path:
    """The folder in which the results are put.

    Raises:
        PathRefusedError: it lies outside the folders that may be touched.
    """
    place = Path(work.spec.result_dir(str(folder.out)))
    return place if place == folder.out else inside(work, place)


def wording_of(work: Work) -> str:
    """Everything in a spec that shapes the result, as text."""
    shaping = {name: value for name, value in work.spec.to_json().items() if name not in _NO_MATTER}
    return json.dumps([shaping, work.job_id, work.window_scale], sort_keys=True)


def inside(work: Work, path: Path) -> Path:
    """The path, if it may be touched: links may have changed since the submit was checked.

    Raises:
        PathRefusedError: it may not.
    """
    real = path.resolve()
    if work.roots and not any(real.is_relative_to(Path(root).resolve()) for root in work.roots):
        raise PathRefusedError(
            f"{path} lies outside the folders that jobs may touch.", hint="See `roots` in the configuration."
        )
    return path
