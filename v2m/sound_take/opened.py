"""A take of composed sound, read back from its folder.

Conventions: 48 kHz float32 (s, 2); positions in seconds of the composed sound, times in seconds of the
programme.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from v2m.audio import MasterSettings, read_wav
from v2m.encoders import protocol
from v2m.errors import DocumentError
from v2m.sound_take.files import Samples, SoundLatents, check_file, read_latents
from v2m.sound_take.spool import StoredSound
from v2m.take.opened import OpenedTake
from v2m.take.record import TAKE_SUFFIX, Origin, Parent, Sound, TakeRecord, read_record, take_id


@dataclass(frozen=True)
class SoundTake:
    """A take on disk whose music a model of sound composed."""

    folder: Path
    record: TakeRecord
    sound: Sound
    latents: SoundLatents
    music: Path
    """The music before any hit was moved."""

    known_as: Parent | None = None
    """Of a take in a form that never lay on disk: the one that it stands for."""

    joined: protocol.Sound | None = None
    """Of the same: its composed sound."""

    @classmethod
    def read(cls, folder: Path) -> SoundTake:
        """The take in a folder.

        Raises:
            DocumentError: it is none, is damaged, or notes were composed.
        """
        record = read_record(folder)
        if record.sound is None:
            raise DocumentError(f"{folder.name} holds no composed sound.")
        before = record.sound.before or "music.wav"
        return cls(folder, record, record.sound, read_latents(folder), folder / before)

    @property
    def name(self) -> str:
        """What the take is called."""
        return self.folder.name.removesuffix(TAKE_SUFFIX)

    @property
    def as_parent(self) -> Parent:
        """How takes that are made from this one name it."""
        return self.known_as or Parent(self.name, take_id(self.record))

    @property
    def mastering(self) -> MasterSettings:
        """How loud it was delivered."""
        return MasterSettings(self.record.settings["loudness_lufs"])

    @property
    def lora_strength(self) -> float:
        """How strongly LoRA files changed the model; takes of before there was a choice say nothing of it."""
        return float(self.record.settings.get("lora_strength", 1.0))

    @cached_property
    def composed(self) -> protocol.Sound:
        """The sound as composed, before any hit was moved.

        Raises:
            DocumentError: the file is not there, or was changed.
        """
        if self.joined is not None:
            return self.joined
        return StoredSound(check_file(self.folder, self.sound.laid.song, self.sound.laid.sha256))

    @cached_property
    def patches(self) -> tuple[Samples, ...]:
        """What was composed again, in the order of `sound.patches`.

        Raises:
            DocumentError: a file is not there, or was changed.
        """
        return tuple(
            read_wav(check_file(self.folder, patch.file, patch.sha256)) for patch in self.sound.patches
        )

    @cached_property
    def settled(self) -> SoundTake:
        """The same with all that was done to it taken for given: what it is now, it was before."""
        if self.record.origin is None:
            return self
        from v2m.sound_take.settling import settle  # which opens takes itself

        return settle(self)

    def settled_as(self, sound: Sound, joined: protocol.Sound) -> SoundTake:
        """This take with another account of its sound, and no moves."""
        record = replace(self.record, origin=None, redone=None, sound=sound)
        latents = SoundLatents(self.latents.composed)
        return SoundTake(
            self.folder, record, sound, latents, self.folder / "music.wav", self.as_parent, joined
        )

    @property
    def now(self) -> Origin:
        """Hits, beats and curve as they are."""
        record = self.record
        return Origin(record.duration_s, record.hits, record.cuts, record.tempo_map, record.curve)


AnyTake = OpenedTake | SoundTake
"""A take that can be changed, of notes or of sound."""


def open_take(folder: Path) -> AnyTake:
    """The take in a folder, of whichever kind.

    Raises:
        DocumentError: it is none, is damaged, or was made before takes could be made again.
        InputError: it is a song that was fitted.
    """
    return OpenedTake.read(folder) if read_record(folder).sound is None else SoundTake.read(folder)
