"""The video encoders by name, and which one is taken where the user names none.

    auto      `dinov2` where its weights are and can be run in reasonable time, else `pixel`
    NAME      that one, or a sentence what it lacks
    NAME:crop the middle square only, as the model's own processor cuts it (dinov2)

Nothing heavy is imported until an encoder is made.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from v2m.added_models import models_folder
from v2m.encoders.pixel import PixelEncoder
from v2m.encoders.protocol import PictureEncoder
from v2m.errors import UsageError
from v2m.stages import Cancel, never_cancel

AUTO: Final = "auto"

ENCODERS: Final = (
    "pixel", AUTO, "flow", "dinov2", "dinov2-small", "dinov2-base", "dinov2-large", "vjepa2", "cotracker",
    "avsiam",
)  # fmt: skip
"""What `--encoder` takes; `dinov2` is the best of its sizes for the machine."""

_ON_GPU: Final = ("dinov2-large", "dinov2-base", "dinov2-small")
_ON_CPU: Final = ("dinov2-small", "dinov2-base", "dinov2-large")
"""Best first. On two cores a picture takes 0.5 s with the small model, 0.9 s with the base one and 2.9 s with
the large one: a minute of film in 12, 21 and 70 minutes at 24 pictures a second."""

_TOO_SLOW_ON_CPU: Final = frozenset({"dinov2-base", "dinov2-large"})
"""What is only taken on a processor when it is asked for."""

_CROP: Final = ":crop"


@dataclass(frozen=True)
class Choice:
    """An encoder that will look, and why it."""

    name: str
    """A name in `ENCODERS` that is neither `auto` nor `dinov2`, and `:crop` where that was asked for."""

    reason: str = ""
    """A sentence for a person; empty where nothing was chosen."""


def choose_encoder(name: str) -> Choice:
    """Which encoder a name means on this machine.

    Raises:
        UsageError: there is none of that name.
    """
    plain = name.removesuffix(_CROP)
    if plain not in ENCODERS or (plain != name and not plain.startswith("dinov2")):
        raise UsageError(f"There is no encoder {name!r}, expected one of {', '.join(ENCODERS)}.")
    if plain == AUTO:
        return _automatic()
    if plain == "dinov2":
        order = _ON_GPU if _has_gpu() else _ON_CPU
        best = next(_present(order), order[0])
        where = "on the GPU" if _has_gpu() else "without a GPU"
        return Choice(
            best + name[len(plain) :], f"{best} looks at the picture: the best of what is here {where}."
        )
    return Choice(name)


def _automatic() -> Choice:
    present = list(_present(_ON_GPU))
    if not present:
        return Choice("pixel")  # as on a machine that never heard of pretrained encoders
    if importlib.util.find_spec("transformers") is None:
        why = f'{present[0]} is here, but not the library to run it (`pip install "v2m[models]"`)'
        return Choice("pixel", f"pixel looks at the picture: {why}.")
    if _has_gpu():
        return Choice(present[0], f"{present[0]} looks at the picture: its weights and a GPU are here.")
    bearable = [model for model in _ON_CPU if model in present and model not in _TOO_SLOW_ON_CPU]
    if bearable:
        why = "its weights are here, and no GPU; --encoder pixel takes a hundredth of the time"
        return Choice(bearable[0], f"{bearable[0]} looks at the picture: {why}.")
    why = f"{present[0]} is here, but takes many times the programme's length without a GPU"
    return Choice(
        "pixel", f"pixel looks at the picture: {why} (--encoder {present[0]} uses it all the same)."
    )


def _present(models: Iterable[str]) -> Iterator[str]:
    folder = models_folder()
    return iter([model for model in models if any((folder / model).glob("*.safetensors"))])


def _has_gpu() -> bool:
    """Whether torch computes on a GPU here; only asked where weights lie that torch is needed for anyway."""
    from v2m.model.device import choose_device

    return choose_device().type != "cpu"


def new_encoder(name: str, *, cancel: Cancel = never_cancel) -> PictureEncoder:
    """An encoder that has seen nothing yet.

    Args:
        name: as `choose_encoder` gives it.
        cancel: raises CancelledError to stop; an encoder with a network asks it between batches.

    Raises:
        UsageError: there is none of that name.
        MissingPartError: its weights or its library are not here.
    """
    plain = choose_encoder(name).name.removesuffix(_CROP)
    make = _MAKERS[plain]
    return make(plain, name.endswith(_CROP), cancel)


def _pixel(name: str, crop: bool, cancel: Cancel) -> PictureEncoder:
    return PixelEncoder()


def _flow(name: str, crop: bool, cancel: Cancel) -> PictureEncoder:
    from v2m.encoders.flow import FlowEncoder

    return FlowEncoder(cancel=cancel)


def _dinov2(name: str, crop: bool, cancel: Cancel) -> PictureEncoder:
    from v2m.encoders.dinov2 import Dinov2Encoder

    return Dinov2Encoder(_folder(name), name=name, crop=crop, cancel=cancel)


def _vjepa2(name: str, crop: bool, cancel: Cancel) -> PictureEncoder:
    from v2m.encoders.vjepa2 import VJepa2Encoder

    return VJepa2Encoder(_folder(name), cancel=cancel)


def _avsiam(name: str, crop: bool, cancel: Cancel) -> PictureEncoder:
    from v2m.encoders.avsiam.eye import AVSiamEye

    return AVSiamEye(_folder(name), cancel=cancel)


def _cotracker(name: str, crop: bool, cancel: Cancel) -> PictureEncoder:
    from v2m.encoders.cotracker.eye import CoTrackerEye

    return CoTrackerEye(_folder(name), cancel=cancel)


def _folder(name: str) -> Path:
    return models_folder() / name


_MAKERS: Final[dict[str, Callable[[str, bool, Cancel], PictureEncoder]]] = {
    "pixel": _pixel,
    "flow": _flow,
    **dict.fromkeys(_ON_GPU, _dinov2),
    "vjepa2": _vjepa2,
    "cotracker": _cotracker,
    "avsiam": _avsiam,
}
