"""Finding the SoundFont that turns notes into sound, and the library that reads it.

Order: the path given, `V2M_SOUNDFONT`, a font that `v2m models add` brought, a good General MIDI font in the
system's folders, and last the small one that comes with pretty_midi, so that a fresh installation makes music
without a download.
This module is the only importer of tinysoundfont.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from v2m.added_models import models_folder
from v2m.codecs.font_file import FontFile
from v2m.errors import InputError, MissingPartError

SOUNDFONT_VARIABLE: Final = "V2M_SOUNDFONT"

_PREFERRED = ("musescore_general", "fluidr3_gm", "fluidr3gm", "generaluser")
"""Beginnings of the names of full General MIDI fonts under free licences, best first."""

_SUFFIXES = (".sf2", ".sf3")


@dataclass(frozen=True)
class SoundFont:
    """A SoundFont file."""

    path: Path

    @cached_property
    def sha256(self) -> str:
        """The file's hash: with the notes it decides the sound."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def file(self) -> FontFile:
        """The font's tables.

        Raises:
            InputError: the file is no SoundFont.
        """
        return FontFile(self.path)

    def open_preset(self, bank: int, program: int, samples: Sequence[int], sample_rate_hz: int) -> Any:  # noqa: ANN401 - the library has no types
        """A synthesizer on whose font 0 one preset is loaded, with some of its samples.

        Raises:
            MissingPartError: tinysoundfont is not installed.
            InputError: the player cannot read them.
        """
        return self._opened(self.file.excerpt(bank, program, samples), sample_rate_hz, max_voices=64)[0]

    def open_synth(self, sample_rate_hz: int, max_voices: int = 64) -> tuple[Any, int]:
        """A synthesizer with this whole font loaded, and the font's number in it.

        Raises:
            MissingPartError: tinysoundfont is not installed.
            InputError: the file is no SoundFont.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise InputError(f"The SoundFont {self.path} could not be read.", detail=repr(error)) from error
        return self._opened(content, sample_rate_hz, max_voices)

    def _opened(self, content: bytes, sample_rate_hz: int, max_voices: int) -> tuple[Any, int]:
        synth = _tinysoundfont().Synth(samplerate=sample_rate_hz)
        try:
            return synth, synth.sfload(content, max_voices=max_voices)
        except RuntimeError as error:
            raise InputError(
                f"{self.path} could not be read as a SoundFont (.sf2 or .sf3).", detail=repr(error)
            ) from error


def find_soundfont(explicit: Path | None = None) -> SoundFont:
    """The SoundFont to play with.

    Raises:
        InputError: the file that was named, by argument or variable, is not there.
        MissingPartError: no SoundFont was found anywhere.
    """
    named = explicit or (Path(value) if (value := os.environ.get(SOUNDFONT_VARIABLE)) else None)
    if named is not None:
        if not named.is_file():
            raise InputError(f"The SoundFont {named} is not there.", hint=f"Check {SOUNDFONT_VARIABLE}.")
        return SoundFont(named)
    found = next(iter([*_added_fonts(), *system_fonts()]), None) or _bundled_font()
    if found is None:
        raise MissingPartError(
            "No SoundFont was found.",
            hint=f"Run `pip install pretty_midi`, or set {SOUNDFONT_VARIABLE} to an .sf2 file.",
        )
    return SoundFont(found)


def system_fonts() -> list[Path]:
    """The full General MIDI fonts in the system's folders, best first."""
    return _good_fonts(_system_folders())


def _system_folders() -> tuple[Path, ...]:
    if sys.platform == "darwin":
        shared = Path("Library/Audio/Sounds/Banks")
        return (Path.home() / shared, Path("/") / shared)
    if sys.platform == "win32":
        variables = ("ProgramFiles", "ProgramData", "LOCALAPPDATA")
        return tuple(Path(os.environ[v]) / "SoundFonts" for v in variables if v in os.environ)
    shares = (Path.home() / ".local/share", Path("/usr/local/share"), Path("/usr/share"))
    return tuple(share / name for share in shares for name in ("soundfonts", "sounds/sf2", "sounds/sf3"))


def _added_fonts() -> list[Path]:
    records = sorted(models_folder().glob("*/model.json"))  # without one a model is not whole
    return _good_fonts([record.parent for record in records])


def _good_fonts(folders: Iterable[Path]) -> list[Path]:
    """Those of the preferred names; others lying there may hold a single instrument."""
    files = [
        file
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in _SUFFIXES and file.is_file()
    ]
    return [
        file for name in _PREFERRED for file in files if file.name.lower().replace(" ", "_").startswith(name)
    ]


def _bundled_font() -> Path | None:
    """The font inside pretty_midi, found without the half second that importing it takes."""
    package = importlib.util.find_spec("pretty_midi")
    if package is None or package.origin is None:
        return None
    font = Path(package.origin).parent / "TimGM6mb.sf2"
    return font if font.is_file() else None


def _tinysoundfont() -> Any:  # noqa: ANN401 - the library has no types
    try:
        return importlib.import_module("tinysoundfont")
    except ImportError as error:
        raise MissingPartError(
            "The SoundFont player is not installed.",
            # its declared dependency pyaudio needs a compiler and a sound card, and is used only to play live
            hint="Run `pip install --no-deps tinysoundfont`.",
            detail=repr(error),
        ) from error
