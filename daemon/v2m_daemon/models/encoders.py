"""Pretrained encoders of picture and music that can be added, in the layouts of their makers.

Sources: the models' cards; the official repositories facebookresearch/dinov2, facebookresearch/vjepa2,
facebookresearch/co-tracker, GenjiB/AVSiam and minzwon/musicfm.
"""

from __future__ import annotations

from typing import Final

from v2m.licences import LICENCES
from v2m_daemon.models.model import Census, Model, ModelFile

MB: Final = 1_000_000

_TRANSFORMERS: Final = (
    ModelFile("config.json"),
    ModelFile("model*.safetensors", converted_from=("pytorch_model.bin",)),
    ModelFile("model.safetensors.index.json", optional=True),
    ModelFile("*processor_config.json", optional=True),
)
_FOLDER: Final = "The folder needs config.json and model.safetensors, as transformers saves them."


def _dinov2(size: str, width: int, parameters_million: int) -> Model:
    name = f"dinov2-{size}"
    return Model(
        name=name,
        kind="encoder",
        summary=f"DINOv2 {size}: the paper's eye for the picture, which sees what is shown and not only "
        f"colours ({parameters_million} million parameters).",
        licence=LICENCES[name],
        memory_bytes=(parameters_million * 4 + 600) * MB,  # float32, and a batch of pictures
        size_bytes=parameters_million * 4 * MB,
        files=_TRANSFORMERS,
        manual=_FOLDER,
        repository=f"facebook/{name}",
        census=Census(
            keys=("*encoder.layer.0.*", "*embeddings.cls_token"),
            config={"model_type": "dinov2"},
            variant={"hidden_size": width},
        ),
    )


_VJEPA2: Final = Model(
    name="vjepa2",
    kind="encoder",
    summary="V-JEPA 2 large: looks at clips and not at single pictures, so it sees actions.",
    licence=LICENCES["vjepa2"],
    memory_bytes=3000 * MB,
    size_bytes=1500 * MB,
    files=_TRANSFORMERS,
    manual=_FOLDER,
    repository="facebook/vjepa2-vitl-fpc64-256",
    census=Census(keys=("*encoder.layer.0.*",), config={"model_type": "vjepa2"}),
)

_COTRACKER: Final = Model(
    name="cotracker",
    kind="encoder",
    summary="CoTracker 3: follows points on moving bodies, the paper's eye for dance; the encoder `flow` "
    "does without it.",
    licence=LICENCES["cotracker"],
    memory_bytes=2000 * MB,
    size_bytes=102 * MB,
    files=(ModelFile("scaled_offline.safetensors", converted_from=("scaled_offline.pth",)),),
    manual="Its repository on the hub gives out scaled_offline.pth, which is converted.",
    repository="facebook/cotracker3",
    census=Census(keys=("*fnet*", "*updateformer*")),
)

_AVSIAM: Final = Model(
    name="avsiam",
    kind="encoder",
    summary="AVSiam: one eye and ear for picture and music, of the paper's ablation.",
    licence=LICENCES["avsiam"],
    memory_bytes=2000 * MB,
    size_bytes=700 * MB,
    files=(ModelFile("as2m_pretrained.20.safetensors", converted_from=("as2m_pretrained.20.pth", "*.pth")),),
    manual="Its repository on the hub gives out as2m_pretrained.20.pth, which is converted.",
    repository="genjib/AVSiam",
    census=Census(keys=("*blocks.0.*",)),
)

_MUSICFM: Final = Model(
    name="musicfm",
    kind="encoder",
    summary="MusicFM: the paper's ear for music, for training and for curves of finished music.",
    licence=LICENCES["musicfm"],
    memory_bytes=2500 * MB,
    size_bytes=1320 * MB,
    files=(
        ModelFile("pretrained_*.safetensors", converted_from=("pretrained_msd.pt", "pretrained_fma.pt")),
        ModelFile("*_stats.json"),
    ),
    manual="It is pretrained_msd.pt, which is converted, and msd_stats.json, in one folder.",
    repository="minzwon/MusicFM",
    census=Census(keys=("*conv*", "*conformer*")),
)

_VGGISH: Final = Model(
    name="vggish",
    kind="encoder",
    summary="VGGish: the ear that FAD compares music with, for `v2m evaluate fad`.",
    licence=LICENCES["vggish"],
    memory_bytes=700 * MB,
    size_bytes=288 * MB,
    files=(ModelFile("vggish.safetensors", converted_from=("vggish*.pth",)),),
    manual="It is vggish-10086976.pth of the first release of harritaylor/torchvggish, which is converted.",
    census=Census(keys=("features.0.weight", "embeddings.4.weight")),
)

ENCODERS: Final = (
    _dinov2("small", 384, 22),
    _dinov2("base", 768, 86),
    _dinov2("large", 1024, 304),
    _VJEPA2,
    _COTRACKER,
    _AVSIAM,
    _MUSICFM,
    _VGGISH,
)
