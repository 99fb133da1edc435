"""Who else makes music for pictures: names and licences; `docs/peers.md` tells how their audio is made.

Nothing of a peer is imported, run or fetched here: whoever has its audio as a folder has its row. Audio files
are named by clip (`ID.wav`). The licences are those of code and weights at the time of writing; read them
before you use anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from v2m.errors import InputError, UsageError
from v2m.evaluation.clip import AUDIO_SUFFIXES, VIDEO_SUFFIXES, media_by_stem


@dataclass(frozen=True)
class Peer:
    """Somebody's way of making music."""

    key: str
    """As `--peer KEY=DIR` and `published.json` say it."""

    title: str
    code: str
    """Where its code lies; empty where none is public."""

    licence: str
    """Of code and weights."""

    commercial: bool
    """Whether both licences let music be used for money."""


PEERS: Final = (
    Peer("v2m-zero", "V2M-Zero", "", "none public", False),
    Peer("m2ugen", "M2UGen", "shansongliu/M2UGen",
         "code MIT; needs LLaMA-2 (Llama licence) and MERT (CC BY-NC)", False),
    Peer("gvmgen", "GVMGen", "chouliuzuo/GVMGen", "code Apache-2.0; weights unstated", False),
    Peer("mtcv2m", "MTCV2M", "", "none public", False),
    Peer("vidmuse", "VidMuse", "ZeyueT/VidMuse", "CC BY-NC", False),
    Peer("audiox", "AudioX", "ZeyueT/AudioX", "CC BY-NC", False),
    Peer("sonique", "SONIQUE", "zxxwxyyy/sonique", "code MIT; weights unstated", False),
    Peer("hunyuanvideo-foley", "HunyuanVideo-Foley", "Tencent-Hunyuan/HunyuanVideo-Foley",
         "Tencent community licence, not in the EU, UK and South Korea", False),
    Peer("sd-audio-ctrl", "SD-Audio-ctrl", "EmilianPostolache/stable-audio-controlnet",
         "code MIT; its checkpoints MUSDB / MoisesDB terms, base Stability Community", False),
    Peer("cmt", "CMT", "wzk1015/video-bgm-generation", "code MIT", True),
    Peer("cdcd", "CDCD", "L-YeZhu/CDCD", "no licence file", False),
    Peer("loris", "LORIS", "OpenGVLab/LORIS", "code MIT; weights unstated", False),
    Peer("mdm", "MDM", "", "none public", False),
    Peer("textual-inversion", "Textual Inversion (D2M)", "lsfhuihuiff/Dance-to-music_Siggraph_Asia_2024",
         "code MIT; weights CC BY-NC", False),
    Peer("text-only", "Text-only", "", "the backbone's own, no event curve", True),
    Peer("constant-tempo", "Constant tempo", "", "the same music on a steady click", True),
)  # fmt: skip

_BY_KEY: Final = {peer.key: peer for peer in PEERS}


def peer_title(key: str) -> str:
    """The name to show for a key; the key itself where it is nobody's in the list."""
    return _BY_KEY[key].title if key in _BY_KEY else key


def parse_peer(text: str) -> tuple[str, Path]:
    """`KEY=DIR` as a key and a folder.

    Raises:
        UsageError: it is of another form.
    """
    key, equals, folder = text.partition("=")
    if not equals or not key or not folder:
        raise UsageError(f"{text!r} names no peer, expected NAME=DIR.")
    return key, Path(folder)


def audio_of(folder: Path) -> dict[str, Path]:
    """A peer's files by clip; a clip's id is the stem, and videos count as their sound.

    Raises:
        InputError: there are none.
    """
    found = media_by_stem(folder, AUDIO_SUFFIXES) or media_by_stem(folder, VIDEO_SUFFIXES)
    if not found:
        raise InputError(f"{folder} holds no audio, expected files named by clip: ID.wav.")
    return found
