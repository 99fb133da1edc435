"""Asks torch what it can do here, in a process of its own, and prints the answer as JSON.

    python -m v2m_daemon.probe

torch takes seconds to import, and a build that does not fit the machine can take its process down with it:
whoever wants to know runs this and lives on.
"""

from __future__ import annotations

import json

from safetensors import SafetensorError, safe_open

from v2m.backbones.sketch import weights_path
from v2m.errors import CheckpointError
from v2m.model.checkpoint import weights_hash
from v2m.model.device import choose_device, fast_dtype, gpu_facts

OWN_LICENCE = "Apache-2.0"
"""The shipped weights are the project's own, trained on music that it composed."""


def probe() -> dict[str, object]:
    """`device` and `dtype` as torch names them, the GPU if there is one, and the embedded weights."""
    device = choose_device("auto")
    return {
        "device": str(device),
        "dtype": str(fast_dtype(device)).removeprefix("torch."),
        "gpu": gpu_facts(device),
        "weights": _weights(),
    }


def _weights() -> dict[str, object]:
    path = weights_path()
    found: dict[str, object] = {
        "backbone": "sketch",
        "path": str(path),
        "sha256": None,
        "licence": OWN_LICENCE,
    }
    try:
        found["sha256"] = weights_hash(path)
        with safe_open(path, "np") as file:
            found["licence"] = (file.metadata() or {}).get("licence", OWN_LICENCE)
    except (CheckpointError, SafetensorError, OSError) as error:
        found["problem"] = str(error)
    return found


if __name__ == "__main__":
    print(json.dumps(probe()))
