"""A SoundFont is found without a download, and what is missing is named with its remedy."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from v2m.codecs import soundfont
from v2m.codecs.soundfont import SOUNDFONT_VARIABLE, find_soundfont
from v2m.errors import InputError, MissingPartError


@pytest.fixture(autouse=True)
def _no_fonts_of_this_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.setattr(soundfont, "_system_folders", lambda: ())


def test_the_bundled_font_is_found_without_importing_its_package() -> None:
    code = (
        "import sys; from v2m.codecs.soundfont import find_soundfont; font = find_soundfont();"
        "assert font.path.is_file() and 'pretty_midi' not in sys.modules and 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_order_argument_variable_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, wished, system = (tmp_path / name for name in ("named.sf2", "wished.sf2", "FluidR3_GM.sf2"))
    for file in (named, wished, system, tmp_path / "A piano.sf2"):
        file.write_bytes(file.name.encode())
    monkeypatch.setattr(soundfont, "_system_folders", lambda: (tmp_path,))
    assert find_soundfont().path == system
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(wished))
    assert find_soundfont().path == wished
    assert find_soundfont(named).path == named
    assert find_soundfont(named).sha256 == hashlib.sha256(b"named.sf2").hexdigest()


def test_a_font_that_is_named_but_missing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "gone.sf2"))
    with pytest.raises(InputError, match=r"gone\.sf2"):
        find_soundfont()


def test_no_font_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundfont, "_bundled_font", lambda: None)
    with pytest.raises(MissingPartError) as caught:
        find_soundfont()
    assert SOUNDFONT_VARIABLE in caught.value.hint


def test_a_missing_player_gives_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tinysoundfont", None)
    with pytest.raises(MissingPartError) as caught:
        find_soundfont().open_synth(48_000)
    assert "pip install --no-deps tinysoundfont" in caught.value.hint


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fake.sf2").write_bytes(b"RIFF" + bytes(200))
    with pytest.raises(InputError, match=r"fake\.sf2"):
        find_soundfont(tmp_path / "fake.sf2").open_synth(48_000)
