"""A take: one result and all that made it, as a folder `NAME.v2m/`.

    take.json             what was asked, read, planned and measured (format below)
    latents.safetensors   what the backbone composed, (t, c) float32; see `v2m.take.latents`
    music.wav             the mastered music, 48 kHz 24 bit stereo, whole frames long
    composed.wav          what a model of sound composed, before it was laid on the hits: `v2m.sound_take`
    stems/*.wav           the parts that sound, with the master's gain, so that they sum to the music
    score.mid             the notes with the tempo map
    pictures.jpg          some of the pictures that were looked at; see `v2m.take.pictures`
    report.html           all of it to look at and listen to; see `v2m.report`

The last two are for people: a take without them is whole.
How takes come to stand in their folder whole is the business of `v2m.take.shelf`. Times in `take.json` are
seconds; exact ones are strings such as "1001/24". A take of format 1 sounds and is listed, but lacks what it
takes to be made again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from v2m.errors import DocumentError, OutputWriteError
from v2m.hits import Hit
from v2m.swell import Swell
from v2m.tempo import TempoMap
from v2m.timeline import Cut

TAKE_FORMAT: Final = 2
"""Raised when `take.json` changes in a way that old readers cannot follow."""

TAKE_SUFFIX: Final = ".v2m"


@dataclass(frozen=True)
class Source:
    """A file that the take was made from."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Parent:
    """The take that another was made from."""

    name: str
    """Its folder's name without the suffix."""

    id: str
    """See `take_id`."""


@dataclass(frozen=True)
class Origin:
    """What a take with moved hits was before: all moves are planned from here, so none adds to another."""

    duration_s: Fraction
    hits: tuple[Hit, ...]
    cuts: tuple[Cut, ...]
    tempo_map: TempoMap
    curve: dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """Parts that were taken over from another take, sample for sample, and all that makes them again."""

    parts: tuple[str, ...]
    record: TakeRecord
    """Of that take; its latents lie beside the take's own."""


@dataclass(frozen=True)
class Fitted:
    """A song of the user's own, laid under the picture; all that makes its music again with the song."""

    song: str
    """Its copy in the take's folder."""

    name: str
    """What the file was called."""

    sha256: str
    pieces: tuple[tuple[float, float, float], ...]
    """What is played in order, in seconds: where it begins counted through all cuts, where in the song, and
    where in the song it ends."""

    knots: tuple[tuple[float, float], ...]
    """(seconds counted through all cuts, seconds of the programme) of the beats; even in between."""


@dataclass(frozen=True)
class Patch:
    """Sound that was composed again, with a little of what was there on both sides."""

    file: str
    sha256: str
    first_frame: int
    """Of the latents, the same before and now."""

    last_frame: int
    """Past the last that is replaced, as it was."""

    frame_count: int
    """How many take their place."""

    knots: tuple[tuple[float, float], ...]
    """As in `Fitted`, with this patch alone."""


@dataclass(frozen=True)
class Sound:
    """Music of a model that composes sound; all that makes it again with the sound in the take's folder."""

    laid: Fitted
    """When the sound that was composed is heard, before any hit was moved."""

    latent_rate_hz: Fraction
    words: str
    """What the model was told."""

    scale: float
    """What the model's sound was multiplied by, to stay below full scale."""

    adapter: str = ""
    """Name of the file that told it the event curve; empty: it did not hear of it."""

    adapter_sha256: str = ""
    before: str = ""
    """The music before any hit was moved; empty where it is the take's own."""

    patches: tuple[Patch, ...] = ()
    """What was composed again, in the order of the plan's edits that compose."""


@dataclass(frozen=True)
class Redone:
    """Spans that were composed again by themselves."""

    spans: tuple[tuple[int, int], ...]
    """Of each the first beat of the tempo map and the one past the last, in order and apart."""

    seed: int
    prompt: str
    """What the model was told; the players are those of the take."""

    swells: tuple[Swell, ...] = ()
    """Where more or less was to happen."""


@dataclass(frozen=True)
class TakeRecord:
    """What `take.json` holds: enough, with the latents, to make the same bytes again."""

    sources: tuple[Source, ...]
    prompt: str
    terms: tuple[str, ...]
    unknown_words: tuple[str, ...]
    seed: int
    backbone: str
    weights_sha256: str
    soundfont_sha256: str
    encoder: str
    settings: dict[str, Any]
    """Every knob, by its name on the command line."""

    frame_rate: Fraction
    start_frame: int
    """Frame number on the timeline of the music's first sample."""

    duration_s: Fraction
    hits: tuple[Hit, ...]
    tempo_map: TempoMap
    tonic: int
    curve: dict[str, Any]
    """`rate_hz`, `values`, `encoder`, `encoder_sha256`, `kernel_s` of the event curve that was followed."""

    metrics: dict[str, Any]
    notes: tuple[str, ...]
    """What a person should know: media not found, words not understood, hits not reached."""

    v2m_version: str
    format: int = TAKE_FORMAT
    arithmetic: str = ""
    """Where and in which numbers it was composed: another device rounds otherwise."""

    master_gain: float = 1.0
    """Linear, before the limiter: kept when hits are moved, so that what stays sounds as loud as it did."""

    cuts: tuple[Cut, ...] = ()
    drop_frame: bool = False
    """Whether the timeline counts in drop-frame timecode."""

    goes_on: bool = False
    """Whether the timeline went on where the music ended."""

    parent: Parent | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    """What was asked of the parent: nudges, a new timeline, new words."""

    origin: Origin | None = None
    """None where no hit was moved and no span composed again."""

    redone: Redone | None = None
    """None where no span was composed again by itself; never beside moved hits."""

    kept: Kept | None = None
    """None where all parts are its own."""

    fitted: Fitted | None = None
    """None where the music was composed."""

    sound: Sound | None = None
    """None where notes were composed."""

    @property
    def before(self) -> Origin:
        """The take before any hit was moved."""
        return self.origin or Origin(self.duration_s, self.hits, self.cuts, self.tempo_map, self.curve)


def to_json(record: TakeRecord) -> str:
    """The record as the text of `take.json`."""
    return json.dumps(asdict(record), default=_plain, indent=1, ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    raise TypeError(f"{type(value).__name__} has no place in take.json")


def from_json(text: str) -> TakeRecord:
    """The record in the text of a `take.json`.

    Raises:
        DocumentError: it is no record of a take, or of a newer format.
    """
    try:
        fields = json.loads(text)
        if fields["format"] > TAKE_FORMAT:
            raise DocumentError(
                f"The take has format {fields['format']}, this v2m reads up to {TAKE_FORMAT}.",
                hint="Install a newer v2m.",
            )
        return _record(fields)
    except (ValueError, KeyError, TypeError) as error:
        raise DocumentError("take.json holds no record of a take.", detail=repr(error)) from error


def _record(fields: dict[str, Any]) -> TakeRecord:
    return TakeRecord(**{**fields, **_typed(fields)})


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    parent, origin, kept, redone, fitted, sound = map(
        fields.get, ("parent", "origin", "kept", "redone", "fitted", "sound")
    )
    return {
        **_timed(fields),
        "sources": tuple(Source(**source) for source in fields["sources"]),
        "terms": tuple(fields["terms"]),
        "unknown_words": tuple(fields["unknown_words"]),
        "frame_rate": Fraction(fields["frame_rate"]),
        "notes": tuple(fields["notes"]),
        "parent": None if parent is None else Parent(**parent),
        "origin": None if origin is None else Origin(**{**origin, **_timed(origin)}),
        "redone": None if redone is None else _redone(redone),
        "fitted": None if fitted is None else _fitted(fitted),
        "sound": None if sound is None else _sound(sound),
        "kept": None if kept is None else Kept(tuple(kept["parts"]), _record(kept["record"])),
    }


def _fitted(fields: dict[str, Any]) -> Fitted:
    pieces, knots = (tuple(map(tuple, fields[name])) for name in ("pieces", "knots"))
    return Fitted(**{**fields, "pieces": pieces, "knots": knots})


def _sound(fields: dict[str, Any]) -> Sound:
    patches = tuple(
        Patch(**{**each, "knots": tuple(map(tuple, each["knots"]))}) for each in fields["patches"]
    )
    exact = _exact(fields, "latent_rate_hz")
    return Sound(**{**exact, "laid": _fitted(fields["laid"]), "patches": patches})


def _redone(fields: dict[str, Any]) -> Redone:
    spans = tuple((first, last) for first, last in fields["spans"])
    return Redone(**{**fields, "spans": spans, "swells": tuple(Swell(**each) for each in fields["swells"])})


def _timed(fields: dict[str, Any]) -> dict[str, Any]:
    """What a record and its origin have alike."""
    tempo = fields["tempo_map"]
    return {
        "duration_s": Fraction(fields["duration_s"]),
        "hits": tuple(Hit(**_exact(hit, "time_s")) for hit in fields["hits"]),
        "cuts": tuple(
            Cut(**_exact(cut, "time_s", "width_s", "center_offset_s")) for cut in fields.get("cuts", ())
        ),
        "tempo_map": TempoMap(**{**tempo, "beats_s": tuple(tempo["beats_s"])}),
    }


def _exact(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**fields, **{name: Fraction(fields[name]) for name in names}}


def read_record(folder: Path) -> TakeRecord:
    """The record of a take on disk.

    Raises:
        DocumentError: the folder is no take.
    """
    try:
        text = (folder / "take.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{folder} is no take: it has no readable take.json.") from error
    try:
        return from_json(text)
    except DocumentError as error:
        raise DocumentError(
            f"{folder.name}: {error.message}", detail=error.detail, hint=error.hint
        ) from error


def write_record(folder: Path, record: TakeRecord) -> None:
    """Write `take.json`; last of all files of a take, so that what has one is whole.

    Raises:
        OutputWriteError: it cannot be written.
    """
    try:
        (folder / "take.json").write_text(to_json(record), encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputWriteError(f"The take could not be written: {error.strerror}.") from error


def take_id(record: TakeRecord) -> str:
    """What a take is known by wherever its folder lies: the beginning of its record's hash.

    Fields at their default do not count, so that those of later versions change no id.
    """
    return hashlib.sha256(json.dumps(_telling(record), sort_keys=True).encode()).hexdigest()[:16]


def _telling(record: TakeRecord) -> dict[str, Any]:
    """The fields that are not at their default."""
    told: dict[str, Any] = json.loads(to_json(record))
    for each in fields(TakeRecord):
        if each.default is not MISSING and getattr(record, each.name) == each.default:
            del told[each.name]
    if record.kept is not None:
        told["kept"]["record"] = _telling(record.kept.record)
    return told
