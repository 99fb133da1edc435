"""What every test may ask for: the repository, and the folder of real footage, timelines and music.

Properties try the same examples on every machine, so that a suite that passed passes again. To search for
new counterexamples, run `pytest --hypothesis-profile=search`.
"""

import importlib.util
import os
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent

# Each of pytest's workers computes on a core of its own, and so do the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A suite started in the background ignores Ctrl-C, and so would the programs that tests press it for.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The small font that comes along, whatever this machine has: tests sound alike everywhere, and load at once.
_PRETTY_MIDI = importlib.util.find_spec("pretty_midi")
if _PRETTY_MIDI is not None and _PRETTY_MIDI.origin is not None:
    os.environ.setdefault("V2M_SOUNDFONT", str(Path(_PRETTY_MIDI.origin).with_name("TimGM6mb.sf2")))

# A busy machine is slow, which is no fault of what is tested: hence no deadline and no check of speed.
SLOW_IS_FINE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, max_examples=50, **SLOW_IS_FINE)
settings.register_profile("search", max_examples=1000, **SLOW_IS_FINE)
settings.load_profile("same")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def blender_python() -> Path:
    """A Python with Blender in it: the one that `V2M_BLENDER_PYTHON` names, else that of `make blender`."""
    named = os.environ.get("V2M_BLENDER_PYTHON")
    python = Path(named) if named else REPOSITORY / ".venv-bpy" / "bin" / "python"
    if not python.exists():
        pytest.skip("there is no Python with bpy: type make blender, or set V2M_BLENDER_PYTHON")
    return python


@pytest.fixture(scope="session")
def media_dir() -> Path:
    """Third-party media, kept beside the checkout and never in it."""
    folder = REPOSITORY.parent / "shared" / "media"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/media with real footage is not beside this checkout")
    return folder
