"""What the stages of a job leave on their way, so that an interrupted job ends in the same bytes.

    STAGES/part-HASH.json       what was seen: curve, hits, notes; `video-HASH.json` with the cuts found
    STAGES/composition-HASH.…   .safetensors the latents of takes on the same beats, .json all else of them
    STAGES/window-HASH.…        .safetensors what a model of sound composed at once
    STAGES/take-HASH-N/         a take, whole; see `v2m_daemon.worker.draft_shelf`

Conventions: files are written whole or not at all. Their names carry a hash of what they were made from, so a
file of a document that was changed meanwhile, or of another window, is never taken for the wanted one. Plain
JSON and safetensors; exact numbers as "n/d", floats as Python prints them, which reads back to the same bits.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from v2m import __version__
from v2m.analysis import Analysis
from v2m.backbones.base import Backbone, Commission, Composition
from v2m.backbones.sound.model import Remember, SoundModel, SoundWindow
from v2m.codecs.arrangement import Arrangement, Note
from v2m.curves import EventCurve
from v2m.frames import Sheet
from v2m.hits import Hit
from v2m.stages import Cancel, FractionDone
from v2m.take.record import Source
from v2m.timeline import Cut, Marker, Media, Shot, Timeline
from v2m_daemon import durable

_DIGITS: Final = 16
"""Of a hash in a name: one job has a handful of drafts."""


@dataclass(frozen=True)
class Drafts:
    """The drafts of one job, in a folder that is there."""

    folder: Path
    asked: str
    """What was asked for, as text: part of what every draft is made from."""

    def analysis(self, name: str, sources: tuple[Source, ...], make: Callable[[], Analysis]) -> Analysis:
        """What an earlier attempt saw in these very files, else what is seen now."""
        path = self.folder / f"{name}-{self.key(sources)}.json"
        try:
            return analysis_from_json(json.loads(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError):
            made = make()
            durable.write_whole(path, _dump(made))
            return made

    def key(self, made_from: object) -> str:
        """What a draft is called after."""
        return hashlib.sha256(_dump([__version__, self.asked, made_from])).hexdigest()[:_DIGITS]

    def compositions(
        self, commission: Commission, weights_sha256: str, make: Callable[[], tuple[Composition, ...]]
    ) -> tuple[Composition, ...]:
        """What an earlier attempt composed for this very commission, else what is composed now."""
        stem = self.folder / f"composition-{self.key([commission, weights_sha256])}"
        latents, notes = stem.with_suffix(".safetensors"), stem.with_suffix(".json")
        try:
            return _read_compositions(commission.seeds, latents, notes)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            made = make()
            tensors = {str(index): np.ascontiguousarray(one.latents) for index, one in enumerate(made)}
            durable.write_whole(latents, save(tensors))
            durable.write_whole(notes, _dump([replace(one, latents=np.zeros(0, np.float32)) for one in made]))
            return made

    def windows(self, model: SoundModel) -> Remember:
        """What an earlier attempt let this very model compose for a window, else what it composes now."""
        weights = (model.weights_sha256, model.arithmetic)

        def remember(window: SoundWindow, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
            path = self.folder / f"window-{self.key([weights, _facts_of(window)])}.safetensors"
            try:
                with safe_open(path, "np") as file:
                    return cast(NDArray[np.float32], file.get_tensor("latents"))
            except (OSError, SafetensorError):
                made = make()
                durable.write_whole(path, save({"latents": np.ascontiguousarray(made)}))
                return made

        return remember


class DraftedBackbone:
    """A backbone whose compositions outlive an interruption."""

    def __init__(self, backbone: Backbone, drafts: Drafts) -> None:
        self.name = backbone.name
        self._backbone = backbone
        self._drafts = drafts

    @property
    def weights_sha256(self) -> str:
        """That of the backbone."""
        return self._backbone.weights_sha256

    def compose(
        self, commission: Commission, on_progress: FractionDone, cancel: Cancel
    ) -> tuple[Composition, ...]:
        """As the backbone would; where memory is short, one take after the other."""

        def make() -> tuple[Composition, ...]:
            if commission.window_scale == 1:
                return self._backbone.compose(commission, on_progress, cancel)
            return self._one_by_one(commission, on_progress, cancel)

        return self._drafts.compositions(commission, self.weights_sha256, make)

    def _one_by_one(
        self, commission: Commission, on_progress: FractionDone, cancel: Cancel
    ) -> tuple[Composition, ...]:
        composed: list[Composition] = []
        count = len(commission.seeds)
        for index, seed in enumerate(commission.seeds):

            def report(fraction: float, index: int = index) -> None:
                on_progress((index + fraction) / count)

            composed += self._backbone.compose(replace(commission, seeds=(seed,)), report, cancel)
        return tuple(composed)


def _facts_of(window: SoundWindow) -> dict[str, object]:
    """All that a window says; of long lists of numbers their hash."""
    told: dict[str, object] = {}
    for field in fields(window):
        value = getattr(window, field.name)
        if isinstance(value, np.ndarray):
            value = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        told[field.name] = value if field.name != "steering" or value is None else value.sha256
    return told


def analysis_from_json(data: dict[str, Any]) -> Analysis:
    """The analysis that a draft holds.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    line, curve = data["timeline"], data["curve"]
    return Analysis(
        timeline=Timeline(**{
            **_exact(line, "rate", "duration_s"),
            "shots": tuple(_shot(shot) for shot in line["shots"]),
            "cuts": tuple(Cut(**_exact(c, "time_s", "width_s", "center_offset_s")) for c in line["cuts"]),
            "markers": tuple(Marker(**_exact(m, "time_s", "duration_s")) for m in line["markers"]),
            "notes": tuple(line["notes"]),
        }),
        curve=EventCurve(**{**curve, "values": np.array(curve["values"], np.float64)}),
        hits=tuple(Hit(**_exact(hit, "time_s")) for hit in data["hits"]),
        notes=tuple(data["notes"]),
        sheet=_sheet(data["sheet"]),
    )  # fmt: skip


def _sheet(data: dict[str, Any] | None) -> Sheet | None:
    if data is None:
        return None
    return Sheet(tuple(data["times_s"]), data["aspect"], base64.b64decode(data["jpeg"], validate=True))


def _shot(data: dict[str, Any]) -> Shot:
    media = data["media"]
    if media is not None:
        media = Media(**{**media, "path": None if media["path"] is None else Path(media["path"])})
    return Shot(**{**_exact(data, "start_s", "duration_s", "source_start_s", "speed"), "media": media})


def _exact(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**data, **{name: Fraction(data[name]) for name in names}}


def _read_compositions(seeds: tuple[int, ...], latents: Path, notes: Path) -> tuple[Composition, ...]:
    kept = json.loads(notes.read_bytes())
    with safe_open(latents, "np") as file:
        return tuple(
            Composition(
                seed,
                cast(Any, file.get_tensor(str(index))),
                _arrangement(kept[index]["arrangement"]),
                tuple(kept[index]["channels"]),
                kept[index]["arithmetic"],
            )
            for index, seed in enumerate(seeds)
        )


def _arrangement(data: dict[str, Any]) -> Arrangement:
    notes = tuple(Note(**note) for note in data["notes"])
    return Arrangement(**{**{name: _tuples(value) for name, value in data.items()}, "notes": notes})


def _tuples(value: Any) -> Any:  # noqa: ANN401  whatever JSON can say
    """JSON knows no tuples: what was one is one again, however deep."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def _dump(value: object) -> bytes:
    return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False).encode()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return str(value)
