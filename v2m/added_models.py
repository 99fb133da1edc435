"""Where the models that a user added lie."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def models_folder() -> Path:
    """Where added models lie, a folder each; `Home.models` of the daemon is the same."""
    if root := os.environ.get("V2M_HOME"):
        return Path(os.path.abspath(root)) / "data" / "models"
    return platformdirs.user_data_path("v2m", appauthor=False) / "data" / "models"
