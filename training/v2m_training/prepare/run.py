"""From sources of music to a prepared set: examined, sorted, encoded, listed, described.

A folder that is prepared again keeps what was computed; only the listing is written anew. Its parts are
`set.json`, `tracks.jsonl`, `excluded.jsonl`, `found.json`, `found.png`, `curves/` and `latents/`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from v2m.errors import InputError, MissingPartError, UsageError
from v2m_training.prepare.cache import Cache
from v2m_training.prepare.checks import Limits, problems
from v2m_training.prepare.encode import Encoding, ModelSource, encode
from v2m_training.prepare.encoders import sound_encoder
from v2m_training.prepare.examine import Examined, Look, examine
from v2m_training.prepare.fingerprint import overlaps
from v2m_training.prepare.manifest import read_sources
from v2m_training.prepare.prepared import SetFacts, Track, write_lines
from v2m_training.prepare.statistics import Findings, draw, figures, write_figures
from v2m_training.prepare.workers import each
from v2m_training.prepare.works import duplicates, joined_works, splits


@dataclass(frozen=True)
class Order:
    """What is asked."""

    sources: tuple[Path, ...]
    out: Path
    model: ModelSource
    encoders: tuple[str, ...] = ("spectral",)
    licence: str = ""
    """Of pieces that name none."""

    limits: Limits = field(default_factory=Limits)
    validation_share: float = 0.05
    seed: int = 1
    workers: int = 1
    encode_workers: int = 1
    """Each holds the model: as many as its device has room for."""

    def __post_init__(self) -> None:
        """Refuse what cannot be split or worked on.

        Raises:
            UsageError: a number out of range, or no encoder.
        """
        if not 0 < self.validation_share < 1 or min(self.workers, self.encode_workers) < 1:
            raise UsageError("The held-out share lies between 0 and 1, and there is at least one worker.")
        if not self.encoders:
            raise UsageError("A set needs at least one encoder of sound.")


@dataclass(frozen=True)
class Excluded:
    """A piece that is not learned from."""

    id: str
    reason: str


def prepare(order: Order) -> Path:
    """Prepare a set; its folder.

    Raises:
        InputError: the sources cannot be read, or nothing of them may be learned from.
        MissingPartError: an encoder or the model is not here.
    """
    for name in order.encoders:
        sound_encoder(name)  # a missing one is told before the long work
    entries = read_sources(order.sources, order.licence)
    order.out.mkdir(parents=True, exist_ok=True)
    looks = [Look(entry, order.encoders, order.out) for entry in entries]
    examined = each("examined", examine, looks, order.workers)
    kept, works, excluded = _sorted_out(examined, order)
    if not kept:
        reasons = ", ".join(sorted({one.reason for one in excluded}))
        raise InputError(f"None of {len(entries)} pieces may be learned from: {reasons}.")
    tracks = _encoded(kept, works, order)
    write_lines(order.out / "excluded.jsonl", excluded)
    write_lines(order.out / "tracks.jsonl", tracks)
    _describe(Findings(examined, tracks, [one.reason for one in excluded]), order)
    return order.out


def _sorted_out(
    examined: Sequence[Examined], order: Order
) -> tuple[list[Examined], list[str], list[Excluded]]:
    """The pieces to learn from, their works, and what was left out."""
    passed: list[Examined] = []
    excluded: list[Excluded] = []
    for one in examined:
        if one.sounding is None:
            excluded.append(Excluded(one.entry.id, f"unreadable: {one.error}"))
        elif reasons := list(problems(one.entry, one.sounding, order.limits)):
            excluded.append(Excluded(one.entry.id, reasons[0]))
        else:
            passed.append(one)
    cache = Cache(order.out)
    overlapping = list(overlaps([cache.array(one.place, "fingerprint") for one in passed]))
    works = joined_works([one.entry.work for one in passed], overlapping)
    lengths = [one.sounding.duration_s if one.sounding else 0.0 for one in passed]
    copies = duplicates([one.entry.id for one in passed], lengths, overlapping)
    excluded += [Excluded(passed[i].entry.id, "duplicate") for i in sorted(copies)]
    kept = [i for i in range(len(passed)) if i not in copies]
    return [passed[i] for i in kept], [works[i] for i in kept], excluded


def _encoded(kept: Sequence[Examined], works: Sequence[str], order: Order) -> list[Track]:
    model = order.model()
    grid, weights_sha256 = model.grid, model.weights_sha256
    jobs = [Encoding(one.entry, one.sha256, order.model, weights_sha256, order.out) for one in kept]
    places = each("encoded", encode, jobs, order.encode_workers)
    facts = SetFacts(
        model.name, weights_sha256, grid.sample_rate_hz, grid.hop_samples, grid.channels, order.encoders,
        order.validation_share,
    )  # fmt: skip
    (order.out / "set.json").write_text(json.dumps(asdict(facts), indent=2) + "\n", encoding="utf-8")
    chosen = splits(works, order.validation_share, order.seed)
    return [
        Track(
            one.entry.id, one.sha256, one.entry.text, one.entry.licence, work, split,
            one.sounding.duration_s if one.sounding else 0.0, frames, latents, one.place,
        )
        for one, work, split, (latents, frames) in zip(kept, works, chosen, places, strict=True)
    ]  # fmt: skip


def _describe(found: Findings, order: Order) -> None:
    values = figures(found)
    write_figures(order.out / "found.json", values)
    left_out = ", ".join(f"{count} {reason}" for reason, count in values["left_out"].items()) or "none"
    print(
        f"{values['kept']} of {values['found']} pieces, {values['hours']:.2f} h, {values['works']} works; "
        f"left out: {left_out}",
        file=sys.stderr,
    )
    cache, encoder = Cache(order.out), order.encoders[0]
    some = [(track.id, cache.array(track.curves, encoder)) for track in found.tracks[:4]]
    try:
        draw(order.out / "found.png", found, some)
    except MissingPartError as error:  # the set is whole without its picture
        print(error.sentence(), file=sys.stderr)
