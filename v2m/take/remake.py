"""A take made again from its folder alone, and compared with what lies there.

From its latents the same bytes come on every machine that has the take's SoundFont and computes alike; where
they differ, by how much is said. Composing again also needs the take's weights, and the kind of device and of
numbers that composed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from v2m.audio import WavReader
from v2m.backbones import load_backbone
from v2m.backbones.base import RenewingBackbone
from v2m.codecs.layout import GROUPS
from v2m.errors import MediaError, MissingPartError
from v2m.measures import measures
from v2m.retime.renewal import commission_before, compose, renewed_before
from v2m.retime.verb import write_again
from v2m.stages import Cancel, StageClock, never_cancel
from v2m.take.latents import Values
from v2m.take.opened import OpenedTake, analysis_of
from v2m.take.record import read_record, write_record

if TYPE_CHECKING:
    from v2m.sound_take.opened import AnyTake

_PIECE_SAMPLES = 480_000  # ten seconds: two files at a time


@dataclass(frozen=True)
class Compared:
    """One file of a take beside the one that was made again."""

    name: str
    identical: bool
    loudest_difference_db: float | None = None
    """Of two sounds, against full scale; None for other files, or where one is missing."""


def remake_of(folder: Path, again: Path, clock: StageClock) -> AnyTake | None:
    """Make all files of the take in a folder again, in an empty one.

    Returns:
        The take, if it was composed; None for a song that was fitted.

    Raises:
        DocumentError: the folder is no take, or what it was made from is damaged.
        MissingPartError: its SoundFont is not here.
        OutputWriteError: the new folder cannot be written to.
    """
    record = read_record(folder)
    if record.fitted is not None:
        from v2m.fit.fit import refit  # whose libraries are optional

        refit(folder, record, analysis_of(record), again, clock)
        return None
    if record.sound is not None:
        from v2m.sound_take.opened import SoundTake
        from v2m.sound_take.retiming import remake_sound

        sound = SoundTake.read(folder)
        remake_sound(sound, again, clock)
        return sound
    take = OpenedTake.read(folder)
    remake(take, again, clock)
    return take


def remake(take: OpenedTake, folder: Path, clock: StageClock, cancel: Cancel = never_cancel) -> None:
    """Make all files of a take again, in an empty folder, from its latents.

    Raises:
        MissingPartError: its SoundFont is not here.
        OutputWriteError: the folder cannot be written to.
    """
    write_again(take, folder, clock, cancel)
    with clock.stage("master"):
        record = take.record
        found = measures(analysis_of(record), record.tempo_map, folder / "music.wav")
        write_record(folder, replace(record, metrics={**record.metrics, **found}))


def compare(folder: Path, other: Path) -> Iterator[Compared]:
    """Every file of a take beside the same one elsewhere."""
    names = {path.relative_to(base).as_posix() for base in (folder, other) for path in base.rglob("*.*")}
    # whoever looks at a take may leave pictures and reports in it: they are no part of how it sounds
    ours = {"take.json", "latents.safetensors", "music.wav", "score.mid"}
    for name in sorted(name for name in names if name in ours or name.startswith("stems/")):
        one, another = folder / name, other / name
        if not (one.is_file() and another.is_file()):
            yield Compared(name, False)
        elif name == "take.json":  # later versions write fields that earlier ones did not have
            yield Compared(name, read_record(folder) == read_record(other))
        elif _same_bytes(one, another):
            yield Compared(name, True)
        else:
            yield Compared(name, False, _difference_db(one, another) if name.endswith(".wav") else None)


def _same_bytes(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as a, other.open("rb") as b:
        while block := a.read(1 << 20):
            if block != b.read(1 << 20):
                return False
    return True


def _difference_db(one: Path, other: Path) -> float | None:
    try:
        with WavReader(one) as a, WavReader(other) as b:
            if len(a) != len(b):
                return None
            spans = [slice(at, at + _PIECE_SAMPLES) for at in range(0, len(a), _PIECE_SAMPLES)]
            largest = max((float(np.abs(a[span] - b[span]).max()) for span in spans), default=0.0)
    except MediaError:
        return None
    return round(20 * float(np.log10(largest)), 1) if largest > 0 else None


def composed_alike(take: AnyTake, cancel: Cancel = never_cancel) -> bool | None:
    """Whether the take's latents come again from its words, beats and curve.

    Returns:
        None for composed sound that is made of another take's.

    Raises:
        MissingPartError: its weights, or its device, are not here.
    """
    if not isinstance(take, OpenedTake):
        from v2m.sound_take.again import sound_composed_alike

        return sound_composed_alike(take, cancel)
    backbone = _backbone(take)
    again = _composed_again(take, backbone, cancel)
    if again is not None and not np.array_equal(again, take.latents.before):
        return False
    return all(
        np.array_equal(
            compose(take, edit, backbone, lambda fraction: None, cancel, take.record.redone), renewed
        )
        for edit, renewed in renewed_before(take).items()
    )


def _composed_again(take: OpenedTake, backbone: RenewingBackbone, cancel: Cancel) -> Values | None:
    """The latents before any hit was moved; None where they are another take's, unchanged."""
    commission = commission_before(take)
    if take.source is None:
        return backbone.compose(commission, lambda fraction: None, cancel)[0].latents
    canvas = take.source.latents.composed
    if np.array_equal(canvas, take.latents.before):
        return None
    renewed = np.array([group not in take.kept_parts for group in GROUPS])
    cells = np.tile(renewed, (len(canvas), 1))
    return backbone.renew(commission, canvas, cells, lambda fraction: None, cancel)


def _backbone(take: OpenedTake) -> RenewingBackbone:
    record = take.record
    backbone = load_backbone(record.backbone, record.arithmetic)
    if backbone.weights_sha256 != record.weights_sha256:
        raise MissingPartError(
            f"{take.folder.name} was composed by other weights of {record.backbone} "
            f"(SHA-256 {record.weights_sha256[:12]}…) than are here.",
            hint="Install the v2m that it was made with, or verify it without --compose.",
        )
    return backbone
