"""The paper's algorithm 2: listen, look, sum up, and write what music to ask for.

The models are loaded one after another and each is given back when its part is done, so the largest decides
what memory is needed; answers that were given before cost nothing and load nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from v2m.errors import InputError
from v2m.frames.stills import Still, read_stills
from v2m.frames.voice import read_voice
from v2m.prompt.watching import instructions
from v2m.prompt.watching.description import Caption, Description
from v2m.prompt.watching.listening import Listener, is_silent
from v2m.prompt.watching.looking import Reader
from v2m.prompt.watching.remembered import Remembered, key_of
from v2m.stages import Cancel, never_cancel
from v2m.timeline import Timeline

MOST_PICTURES: Final = 16
"""A shot has one picture, and so many at most are looked at: more add words to the summary, nothing new."""

_HEIGHT_PX: Final = 512
"""Of the pictures that are looked at; the models see 400 to 900 pixels."""


@dataclass(frozen=True)
class Crew:
    """Who listens, looks and writes."""

    watcher: Reader
    writer: Reader
    """The watcher itself, or another."""

    listener: Listener | None = None
    """None: nobody listens."""


@dataclass(frozen=True)
class Watching:
    """One programme that is watched."""

    timeline: Timeline
    crew: Crew
    picture: Path | None = None
    """A render of the programme, looked at and heard in place of its media."""

    remembered: Remembered | None = None
    """None: the cache of this user."""

    note: Callable[[str], None] = lambda sentence: None
    """Hears which file could not be read."""

    on_progress: Callable[[float], None] = lambda fraction: None
    cancel: Cancel = never_cancel

    def complete(self, start: Description) -> Description:
        """The description with all its steps; those that are there already stand.

        Raises:
            InputError: there is nothing to see and nothing to hear.
            V2MError: a model cannot be loaded; see `v2m.errors`.
        """
        done = start
        if done.prompt is None and done.summary is None and done.transcript is None:
            done = self._with_transcript(done)
        self.on_progress(0.3)
        if done.prompt is None and done.summary is None:
            done = self._with_summary(done)
        self.on_progress(0.9)
        if done.prompt is None:
            done = self._with_prompt(done)
        self.on_progress(1.0)
        return done

    def _with_transcript(self, done: Description) -> Description:
        listener = self.crew.listener
        if listener is None:
            self.note("What is said was not listened to: `v2m models add whisper` brings what listens.")
            return replace(done, transcript="")
        said = []
        for piece in read_voice(self.timeline, picture=self.picture, note=self.note, cancel=self.cancel):
            if is_silent(piece.samples):
                continue
            key = key_of("transcript", listener.sha256, piece.samples)
            samples = piece.samples
            said.append(self._recall(key, lambda: listener.heard(samples)))  # noqa: B023 - asked at once
            self.on_progress(0.3 * piece.start_s / float(self.timeline.duration_s))
        listener.unload()
        transcript = " ".join(filter(None, said))
        return replace(done, transcript=transcript, models={**done.models, "transcript": listener.name})

    def _with_summary(self, done: Description) -> Description:
        watcher = self.crew.watcher
        if done.captions is None:
            stills = self._stills()
            captions = tuple(self._caption(still, index / len(stills)) for index, still in enumerate(stills))
            done = replace(done, captions=captions, models={**done.models, "captions": watcher.name})
        if not done.captions and not done.transcript:
            raise InputError("There is nothing to see and nothing to hear in the programme.")
        summary = ""
        if done.captions:
            summary = self._ask(watcher, instructions.for_summary(done.captions), instructions.SUMMARY_TOKENS)
        if self.crew.writer is not watcher:
            watcher.unload()
        return replace(done, summary=summary, models={**done.models, "summary": watcher.name})

    def _with_prompt(self, done: Description) -> Description:
        writer = self.crew.writer
        question = instructions.for_prompt(done.transcript or "", done.summary or "not known")
        answer = self._recall(
            key_of("prompt", writer.sha256, question),
            lambda: writer.answer(question, instructions.PROMPT_TOKENS),
        )
        writer.unload()
        prompt = instructions.tidy_prompt(answer)
        return replace(done, prompt=prompt, models={**done.models, "prompt": writer.name})

    def _stills(self) -> tuple[Still, ...]:
        return read_stills(
            self.timeline, moments(self.timeline), height_px=_HEIGHT_PX, picture=self.picture,
            note=self.note, cancel=self.cancel,
        )  # fmt: skip

    def _caption(self, still: Still, share: float) -> Caption:
        watcher, picture = self.crew.watcher, still.picture
        key = key_of("caption", watcher.sha256, instructions.CAPTION, picture)
        text = self._recall(
            key, lambda: watcher.answer(instructions.CAPTION, instructions.CAPTION_TOKENS, picture)
        )
        self.on_progress(0.3 + 0.5 * share)
        return Caption(round(still.time_s, 3), instructions.tidy(text))

    def _ask(self, reader: Reader, question: str, longest_tokens: int) -> str:
        key = key_of("summary", reader.sha256, question)
        return instructions.tidy(self._recall(key, lambda: reader.answer(question, longest_tokens)))

    def _recall(self, key: str, ask: Callable[[], str]) -> str:
        self.cancel()
        return (self.remembered or Remembered()).or_ask(key, ask)


def moments(timeline: Timeline) -> Sequence[Fraction]:
    """When to look: in the middle of each shot; where there are more, or one alone, in as many even spans."""
    shots = [shot for shot in timeline.shots if shot.media is not None] or list(timeline.shots)
    if 1 < len(shots) <= MOST_PICTURES:
        return [shot.start_s + shot.duration_s / 2 for shot in shots]
    count = min(MOST_PICTURES, max(4, int(timeline.duration_s / 4)))  # a picture in four seconds of one shot
    step_s = timeline.duration_s / count
    return [step_s * index + step_s / 2 for index in range(count)]
