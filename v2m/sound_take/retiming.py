"""The second verb for composed sound: hits elsewhere, the sound bent, or composed again where it must be.

The plan is that for notes: the beats that were heard take the place of written ones. Outside of the spans
that it announces the samples are the take's own.
Conventions: as in `opened`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from v2m import __version__
from v2m.audio import as_stored
from v2m.backbones import load_sound_model
from v2m.backbones.sound.following import read_following
from v2m.backbones.sound.model import FractionDone, SoundModel
from v2m.backbones.sound.programme import Latents, SoundOrder, decode, renew
from v2m.codecs.synth import Stems
from v2m.errors import DocumentError, OutputWriteError, UsageError
from v2m.excerpt import Excerpts
from v2m.measures import measures
from v2m.opened_take import analysis_of, curve_of
from v2m.plan import offbeat_notes
from v2m.report.write import write_looks
from v2m.retime.edit import Edit
from v2m.retime.plan import RetimePlan, plan_of
from v2m.retime.splice import Recorded, Splice
from v2m.retime.verb import Retiming, kept_notes
from v2m.score import Scored
from v2m.shelf import TakeShelf
from v2m.sound_take.asking import words_with_tempo
from v2m.sound_take.edited import Region, cut_patch, joined, knots_of, on_attacks, region_of
from v2m.sound_take.files import (
    BEFORE,
    COMPOSED,
    Samples,
    SoundLatents,
    check_file,
    sha256_of,
    to_programme_rate,
    write_latents,
    write_sound,
)
from v2m.sound_take.laying import Knots, warp_through
from v2m.sound_take.opened import SoundTake
from v2m.sound_take.playing import Along
from v2m.stages import Cancel, StageClock, never_cancel
from v2m.swell import swelled
from v2m.take import Origin, Patch, Sound, TakeRecord, read_record, write_record
from v2m.take_pictures import moved_pictures, read_pictures

if TYPE_CHECKING:
    from v2m.backbones.sound.head import LatentHead

_NAME: Final = "patch-{}.wav"


@dataclass(frozen=True)
class Remade:
    """What an edit composes again, with this edit alone."""

    region: Region
    latents: Latents  # (n, c)
    patch: Samples
    knots: Knots


def retime_sound(
    take: SoundTake,
    wish: Retiming,
    *,
    shelf: TakeShelf,
    stem: str,
    clock: StageClock | None = None,
    cancel: Cancel = never_cancel,
    model: SoundModel | None = None,
    with_report: bool = True,
) -> Scored:
    """Make the take that a plan tells of.

    Args:
        take: the take as it is.
        wish: what is done.
        shelf: gets `STEM.v2m`.
        stem: name of the new take.
        clock: hears of the stages.
        cancel: raises CancelledError to stop; the shelf then leaves nothing behind.
        model: one that is loaded already; None loads the take's own where something is composed again.
        with_report: whether the new take gets a page to look at.

    Raises:
        V2MError: see `v2m.errors`.
    """
    clock = clock or StageClock()
    shelf.check(stem)
    building = shelf.new()
    if (building / "take.json").is_file():  # an earlier attempt came so far
        done = read_record(building)
        return Scored(shelf.put(building, stem), done)
    with clock.stage("compose") as report:
        remade = _remade(take, wish, model, report, cancel)
    try:
        with clock.stage("render"):
            sound = _write(take, wish.plan, remade, building, cancel)
            if not wish.plan.edits:  # all hits are back where they were
                (building / BEFORE).unlink()
        with clock.stage("master"):
            record = _record(take, wish, sound)
            found = measures(analysis_of(record), record.tempo_map, building / "music.wav")
            record = replace(record, metrics={**_lasting(take.record), **found})
        with clock.stage("master"):
            pictures = moved_pictures(read_pictures(take.folder), take.record, record)
            write_looks(building, record, clock.seconds, pictures, report=with_report)
            write_record(building, record)
    except OSError as error:
        raise OutputWriteError(f"The take could not be written: {error.strerror or error}.") from error
    return Scored(shelf.put(building, stem), record)


def remake_sound(take: SoundTake, folder: Path, clock: StageClock, cancel: Cancel = never_cancel) -> None:
    """Make all files of a take again from its sound, in an empty folder.

    Raises:
        DocumentError: a file that it was made from is not there, or was changed.
        OutputWriteError: the folder cannot be written to.
    """
    record, plan = take.record, plan_of(take.record)
    with clock.stage("render"):
        if plan is None:
            shutil.copyfile(
                check_file(take.folder, take.sound.laid.song, take.sound.laid.sha256), folder / COMPOSED
            )
            with before_moves(take).play(cancel, spool_folder=folder) as recording:
                recording.write(folder, take.mastering, cancel)
            write_latents(folder, take.latents)
        else:
            _write(take, plan, remade_before(take, plan), folder, cancel)
    with clock.stage("master"):
        found = measures(analysis_of(record), record.tempo_map, folder / "music.wav")
        write_record(folder, replace(record, metrics={**record.metrics, **found}))


def before_moves(take: SoundTake) -> Along:
    """The take before any hit was moved, ready to be played."""
    before, laid = take.record.before, take.sound.laid
    return Along(take.composed, laid.pieces, laid.knots, before.tempo_map, before.hits, before.duration_s)


# --- what is composed again -----------------------------------------------------------------------------


def remade_before(take: SoundTake, plan: RetimePlan | None = None) -> dict[Edit, Remade]:
    """What the take's own plan composed again, read from its folder."""
    plan = plan or plan_of(take.record)
    edits = [placed.edit for placed in plan.edits if placed.edit.renewal is not None] if plan else []
    if len(edits) != len(take.sound.patches):
        raise DocumentError(f"{take.folder.name} does not hold what its plan composed again.")
    found, grown = {}, 0
    for edit, patch, sound in zip(edits, take.sound.patches, take.patches, strict=True):
        region = _region(take, edit)
        first = patch.first_frame + grown
        latents = take.latents.composed[first : first + patch.frame_count]
        found[edit] = Remade(region, latents, sound, patch.knots)
        grown += patch.frame_count - (patch.last_frame - patch.first_frame)
    return found


def _region(take: SoundTake, edit: Edit) -> Region:
    frames = len(take.latents.before)
    region = region_of(edit, take.record.before, take.sound.laid.knots, take.sound.latent_rate_hz, frames)
    assert region is not None  # noqa: S101 - asked for edits that compose
    return region


def _remade(
    take: SoundTake, wish: Retiming, model: SoundModel | None, on_progress: FractionDone, cancel: Cancel
) -> dict[Edit, Remade]:
    """What the edits compose again: the take's own where it has the same, else composed now."""
    known = remade_before(take)
    wanted = [placed.edit for placed in wish.plan.edits if placed.edit.renewal is not None]
    missing = [edit for edit in wanted if edit not in known]
    if missing:
        model = model or model_of(take)
        check_model(take, model)
    for index, edit in enumerate(missing):

        def report(fraction: float, index: int = index) -> None:
            on_progress((index + fraction) / len(missing))

        assert model is not None  # noqa: S101 - loaded above
        known[edit] = _compose(take, edit, wish, model, report, cancel)
    return {edit: known[edit] for edit in wanted}


def model_of(take: SoundTake, arithmetic: str = "") -> SoundModel:
    """The model that composed a take, on the best device here or on a given one.

    Raises:
        UsageError: its adapter is not where it was.
        MissingPartError: the model was not added.
    """
    adapter = take.record.settings.get("adapter")
    path = Path(adapter) if adapter else None
    return load_sound_model(take.record.backbone, adapter=path, arithmetic=arithmetic)


def check_model(take: SoundTake, model: SoundModel) -> None:
    """Refuse to compose among what other weights composed.

    Raises:
        UsageError: the model's are not the take's.
    """
    if model.weights_sha256 != take.record.weights_sha256:
        raise UsageError(
            f"{take.folder.name} was composed by other weights of {take.record.backbone}, which alone can "
            "compose a part of it again.",
            hint="Allow more with --max-bend, or score the timeline again.",
        )


def _compose(
    take: SoundTake,
    edit: Edit,
    wish: Retiming,
    model: SoundModel,
    on_progress: FractionDone,
    cancel: Cancel,
) -> Remade:
    region, before, rate_hz = _region(take, edit), take.record.before, take.sound.latent_rate_hz
    moments, told = edit.applied(before), wish.redone
    knots = knots_of(edit, before, take.sound.laid.knots, region, rate_hz)
    latents = take.latents.before
    fresh = np.zeros((region.count, latents.shape[1]), np.float32)
    canvas = np.concatenate([latents[: region.first], fresh, latents[region.last :]])
    renewed = np.zeros(len(canvas), bool)
    renewed[region.first : region.first + region.count] = True
    curve = curve_of(swelled(moments.curve, told.swells if told else ()))
    middles_s = np.asarray((np.arange(len(canvas)) + 0.5) / float(rate_hz), np.float64)
    heard_s = warp_through(knots).times(middles_s)
    settings = take.record.settings
    words = take.sound.words
    if told is not None and told.prompt != take.record.prompt:
        words = words_with_tempo(told.prompt, _asked_bpm(take))
    order = SoundOrder(
        prompt=words,
        duration_s=len(canvas) / float(rate_hz),
        curve=curve,
        seeds=(take.record.seed if told is None else told.seed,),
        adherence=settings["adherence"],
        steps=settings["steps"],
        window_scale=settings["window_scale"],
        head=head_of(take),
    )
    made = renew(model, order, canvas, renewed, on_progress, cancel, curve.at(heard_s).astype(np.float32))
    sound = to_programme_rate(decode(model, made, lambda fraction: None, cancel), model.grid)
    patch = as_stored(cut_patch(sound * np.float32(take.sound.scale), region, rate_hz))
    whole = joined(take.composed, patch, region, rate_hz)
    return Remade(region, made[renewed], patch, on_attacks(knots, whole, region, moments))


def head_of(take: SoundTake) -> LatentHead | None:
    """What led a take towards its curve, if it was a head.

    Raises:
        UsageError: it is not where it was.
    """
    named = take.record.settings.get("adapter")
    if not named:
        return None
    found = read_following(take.record.backbone, Path(named))
    return None if found.head is None else found.head.head


def _asked_bpm(take: SoundTake) -> float:
    return float(take.record.metrics.get("composed", {}).get("asked_bpm") or 120.0)


# --- the sound ------------------------------------------------------------------------------------------


class _Played:
    """A take with one edit, or none, of which any stretch can be played; as `v2m.excerpt.Excerpts`."""

    parts = ()

    def __init__(self, take: SoundTake, along: Along, cancel: Cancel) -> None:
        self._take, self._along, self._cancel = take, along, cancel

    def stretch(self, first: int, last: int) -> Iterator[Stems]:
        yield cast(Stems, {"music": self._mastered[first : min(last, len(self._mastered))]})

    @cached_property
    def _mastered(self) -> Samples:
        """With the take's own gain, so that what bends is as loud as what stays."""
        with self._along.play(self._cancel) as recording:
            plan = recording.meter.excerpt_plan(self._take.record.master_gain, self._take.mastering, 0)
            return np.concatenate([next(iter(stems.values())) for _, stems in recording.mastered(plan)])


def _write(
    take: SoundTake, plan: RetimePlan, remade: Mapping[Edit, Remade], folder: Path, cancel: Cancel
) -> Sound:
    """Write all files of a take but its record; returns what the record says of its sound."""
    edits = {placed.edit: _Played(take, _along(take, placed.edit, remade), cancel) for placed in plan.edits}
    before = cast(Excerpts, _Played(take, before_moves(take), cancel))
    shutil.copyfile(take.music, folder / BEFORE)
    files = (Recorded(folder / "held", (plan.all_kept,)),)
    (folder / "held").mkdir()
    try:
        shutil.copyfile(take.music, folder / "held" / "music.wav")
        Splice(plan, before, cast(Mapping[Edit, Excerpts], edits), files).write(folder, cancel)
    finally:
        shutil.rmtree(folder / "held")
    shutil.copyfile(folder / "music.wav", folder / "stems" / "music.wav")
    write_sound(folder / COMPOSED, take.composed)
    write_latents(folder, _latents(take, plan, remade))
    return _told(take, plan, remade, folder)


def _along(take: SoundTake, edit: Edit, remade: Mapping[Edit, Remade]) -> Along:
    """The take with this edit alone."""
    before, laid, rate_hz = take.record.before, take.sound.laid, take.sound.latent_rate_hz
    moments = edit.applied(before)
    composed, pieces = take.composed, laid.pieces
    if edit in remade:
        made = remade[edit]
        composed, knots = joined(composed, made.patch, made.region, rate_hz), made.knots
        pieces = _lengthened(pieces, len(composed) - len(take.composed))
    else:
        knots = knots_of(edit, before, laid.knots, None, rate_hz)
    return Along(composed, pieces, knots, moments.tempo_map, moments.hits, moments.duration_s)


def _lengthened(
    pieces: Sequence[tuple[float, float, float]], samples: int
) -> tuple[tuple[float, float, float], ...]:
    (course_s, song_s, end_s), *others = pieces
    if others:
        raise DocumentError("The composed sound is cut, which composing a part of it again does not allow.")
    return ((course_s, song_s, end_s + samples / 48_000),)


def _latents(take: SoundTake, plan: RetimePlan, remade: Mapping[Edit, Remade]) -> SoundLatents:
    frames = take.latents.before
    for placed in reversed(plan.edits):
        if (made := remade.get(placed.edit)) is not None:
            region = made.region
            frames = np.concatenate([frames[: region.first], made.latents, frames[region.last :]])
    return SoundLatents(frames, take.latents.before if remade else None)


def _told(take: SoundTake, plan: RetimePlan, remade: Mapping[Edit, Remade], folder: Path) -> Sound:
    """Write the patches, and say where they are."""
    patches: list[Patch] = []
    for placed in plan.edits:
        if (made := remade.get(placed.edit)) is not None:
            path = folder / _NAME.format(len(patches) + 1)
            write_sound(path, made.patch)
            region = made.region
            patches.append(
                Patch(path.name, sha256_of(path), region.first, region.last, region.count, made.knots)
            )
    laid = replace(take.sound.laid, song=COMPOSED, sha256=sha256_of(folder / COMPOSED))
    return replace(take.sound, laid=laid, before=BEFORE, patches=tuple(patches))


def _lasting(record: TakeRecord) -> dict[str, Any]:
    """What was measured before and still holds."""
    return {name: record.metrics[name] for name in ("composed",) if name in record.metrics}


def _record(take: SoundTake, wish: Retiming, sound: Sound) -> TakeRecord:
    after, before = wish.plan.after, take.record.before
    is_changed = bool(wish.plan.edits)
    return replace(
        take.record,
        sources=tuple(dict.fromkeys((*wish.sources, *take.record.sources))),
        duration_s=after.duration_s,
        hits=after.hits,
        cuts=after.cuts,
        tempo_map=after.tempo_map,
        curve=after.curve,
        settings={**take.record.settings, "max_bend": wish.max_bend},
        notes=(*kept_notes(take.record), *offbeat_notes(after.hits, after.tempo_map), *wish.notes),
        v2m_version=__version__,
        parent=take.as_parent,
        asked=dict(wish.asked),
        origin=before if is_changed else None,
        redone=wish.redone,
        sound=sound if is_changed else replace(sound, before=""),
    )


# --- what was done, taken for given ---------------------------------------------------------------------


def settle(take: SoundTake) -> SoundTake:
    """A take with all its moves as if it had been composed like that."""
    plan = plan_of(take.record)
    if plan is None:
        return take
    remade = remade_before(take, plan)
    sound, pieces = take.composed, take.sound.laid.pieces
    knots = take.sound.laid.knots
    for placed in reversed(plan.edits):  # from the end on, so that what lies before is where it was
        edit = placed.edit
        made = remade.get(edit)
        if made is not None:
            length = len(sound)
            sound = joined(sound, made.patch, made.region, take.sound.latent_rate_hz)
            pieces = _lengthened(pieces, len(sound) - length)
        own = made.knots if made else knots_of(
            edit, take.record.before, take.sound.laid.knots, None, take.sound.latent_rate_hz
        )  # fmt: skip
        knots = _with_edit(knots, own, edit, take.record.before)
    laid = replace(take.sound.laid, pieces=pieces, knots=knots)
    return take.settled_as(replace(take.sound, laid=laid, before="", patches=()), sound)


def _with_edit(knots: Knots, own: Knots, edit: Edit, before: Origin) -> Knots:
    """The knots of later edits behind an edit's own."""
    if edit.last_beat is None:
        return own
    until_s = before.tempo_map.beats_s[edit.last_beat]
    shift_s = float(edit.shift_s)
    behind = [knot for knot in knots if knot[1] > until_s + 1e-6]
    kept = [knot for knot in own if knot[1] <= until_s + shift_s + 1e-6]
    if not behind or not kept:
        return own
    # the sound behind is the same, as much later in the composed sound as the edit's own says
    warp_own, warp_old = warp_through(own), warp_through(knots)
    added_s = float(warp_own.positions(np.array(until_s + shift_s))) - float(
        warp_old.positions(np.array(until_s))
    )
    moved = [(round(at + added_s, 6), round(time_s + shift_s, 6)) for at, time_s in behind]
    return tuple([*kept, *moved])
