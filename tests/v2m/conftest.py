"""Makes what several tests of takes share importable: tests are no packages."""

import importlib.util
import sys
from pathlib import Path


def _share(name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


_share("plain_backbone")
_share("drawn_take")
_share("toy_sound")
