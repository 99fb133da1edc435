"""Which prompt a programme gets that nobody gave one for, and what is told of it.

A model that looks is asked where one was added and runs in reasonable time; else light, colour, motion and
the pace of the cutting give a modest prompt, and the note says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from v2m.added_models import models_folder
from v2m.errors import InputError, MediaError, MissingPartError, OutOfMemoryError, UsageError
from v2m.frames.stills import sheet_pictures
from v2m.licences import licence_notes
from v2m.prompt.pace import picture_look, prompt_from_pace
from v2m.prompt.watching.description import Description
from v2m.stages import Cancel, StageClock, never_cancel

if TYPE_CHECKING:
    from v2m.analysis import Analysis
    from v2m.prompt.watching.watch import Crew

WATCHERS: Final = ("gemma-3-4b-it", "qwen3-vl")
"""Models that look, in the order in which they are taken; they write too."""

WRITERS: Final = (*WATCHERS, "llama")
LISTENER: Final = "whisper"

_SLOW_BYTES: Final = 2_000_000_000
"""Weights above this take minutes without a GPU, and are then only used when they are asked for."""


@dataclass(frozen=True)
class Unasked:
    """A prompt that nobody gave."""

    prompt: str
    note: str
    """Where it comes from, as a sentence for a person."""

    models: tuple[str, ...] = ()
    """Names of the models that made it, for their licences."""

    description: Description | None = None
    """The steps, where the programme was watched."""


@dataclass(frozen=True)
class Watchers:
    """What a user asks for: by default whatever is here."""

    watcher: str = ""
    """A name in `WATCHERS`; empty: the first that is here."""

    writer: str = ""
    """A name in `WRITERS`; empty: the watcher."""

    asked: bool = False
    """Whether watching was asked for, whatever it costs: then what goes wrong is an error."""

    start: Description = field(default_factory=Description)
    """Steps that stand."""

    def __post_init__(self) -> None:
        """Refuse names that are none.

        Raises:
            UsageError: there is no such model, or it cannot do that.
        """
        for name, known, what in ((self.watcher, WATCHERS, "looks"), (self.writer, WRITERS, "writes")):
            if name and name not in known:
                raise UsageError(f"There is no model {name!r} that {what}, expected {' or '.join(known)}.")


def with_words(
    analysis: Analysis, prompt: str | None, *, clock: StageClock, cancel: Cancel = never_cancel
) -> Analysis:
    """An analysis that knows what to compose, where neither it nor the user says it."""
    if (prompt and prompt.strip()) or analysis.words is not None:
        return analysis
    if not _may_watch():
        return replace(analysis, words=unasked(analysis))
    with clock.stage("analyze") as report:
        return replace(analysis, words=unasked(analysis, on_progress=report, cancel=cancel))


def words_of(analysis: Analysis, prompt: str | None) -> tuple[str, tuple[str, ...]]:
    """What to compose, and what a take should say of where that comes from.

    Args:
        analysis: of the programme, with the words that it was found to ask for.
        prompt: the user's own words, which come first.
    """
    if prompt and prompt.strip():
        return prompt, ()
    words = analysis.words or _plain(analysis, _why_not())
    return words.prompt, (words.note, *licence_notes(words.models))


def unasked(
    analysis: Analysis,
    watchers: Watchers | None = None,
    *,
    picture: Path | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
    cancel: Cancel = never_cancel,
) -> Unasked:
    """The prompt of a programme that nobody gave one for.

    Args:
        analysis: of the programme.
        watchers: who looks and writes, and what stands already.
        picture: a render of the programme, looked at in place of its media.
        on_progress: told the fraction that is done.
        cancel: raises CancelledError to stop.

    Raises:
        MissingPartError: a model was named that is not here, or watching was asked for and a library is not.
        V2MError: a model that was asked for cannot be used; see `v2m.errors`.
    """
    watchers = watchers or Watchers()
    if watchers.start.prompt is not None:
        given = watchers.start
        note = f'The prompt is that of the description, "{given.prompt}".'
        return Unasked(given.prompt or "", note, tuple(dict.fromkeys(given.models.values())), given)
    named = watchers.watcher or watchers.writer or watchers.start != Description()
    if not (named or _present_watcher()) or not (watchers.asked or _may_watch()):
        return _plain(analysis, _why_not())
    try:
        return _watched(analysis, watchers, picture, on_progress, cancel)
    except (MissingPartError, OutOfMemoryError, InputError) as error:
        if watchers.asked:
            raise
        return _plain(analysis, error.message)


def _watched(
    analysis: Analysis,
    watchers: Watchers,
    picture: Path | None,
    on_progress: Callable[[float], None],
    cancel: Cancel,
) -> Unasked:
    from v2m.prompt.watching.watch import Watching  # torch is loaded here and not before

    notes: list[str] = []
    watching = Watching(
        analysis.timeline, _crew(watchers, cancel), picture, note=notes.append, on_progress=on_progress,
        cancel=cancel,
    )  # fmt: skip
    seen = watching.complete(watchers.start)
    models = tuple(dict.fromkeys(seen.models.values()))
    note = f'No prompt was given; {" and ".join(models)} watched the programme and asked for "{seen.prompt}".'
    return Unasked(seen.prompt or "", " ".join([note, *dict.fromkeys(notes)]), models, seen)


def _crew(watchers: Watchers, cancel: Cancel) -> Crew:
    from v2m.prompt.watching.listening import Listener
    from v2m.prompt.watching.looking import Reader
    from v2m.prompt.watching.watch import Crew

    folder = models_folder()
    watcher_name = watchers.watcher or _present_watcher() or WATCHERS[0]
    watcher = Reader(folder / watcher_name, watcher_name, cancel)
    other = watchers.writer and watchers.writer != watcher_name
    writer = Reader(folder / watchers.writer, watchers.writer, cancel) if other else watcher
    listener = Listener(folder / LISTENER, LISTENER) if _is_here(LISTENER) else None
    return Crew(watcher, writer, listener)


def _plain(analysis: Analysis, why: str) -> Unasked:
    """By what can be measured of the picture."""
    look = None
    if analysis.sheet is not None:
        with contextlib.suppress(MediaError):
            pictures = sheet_pictures(analysis.sheet)
            look = picture_look(analysis.timeline, analysis.sheet.times_s, pictures)
    text = prompt_from_pace(analysis.timeline, look)
    by = "the pace of the cutting" if look is None else "light, colour, motion and the pace of the cutting"
    return Unasked(text, f'No prompt was given; by {by} it is "{text}" ({why}).')


def _why_not() -> str:
    if (name := _present_watcher()) is not None:
        return f"{name} would take minutes without a GPU: --describe uses it all the same"
    return f"`v2m models add {WATCHERS[0]}` brings a model that understands the picture"


def _may_watch() -> bool:
    """Whether a model that looks is here and takes seconds rather than minutes."""
    name = _present_watcher()
    if name is None:
        return False
    size = sum(path.stat().st_size for path in (models_folder() / name).glob("*.safetensors"))
    if size <= _SLOW_BYTES:
        return True
    from v2m.model.device import choose_device  # weights lie here that need torch anyway

    return choose_device().type != "cpu"


def _present_watcher() -> str | None:
    return next((name for name in WATCHERS if _is_here(name)), None)


def _is_here(name: str) -> bool:
    return any((models_folder() / name).glob("*.safetensors"))
