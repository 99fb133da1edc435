"""Under which licence each pretrained model may be used, and what a take made with it has to say.

Nothing of these models is part of the package; their users accept the licence when they add one. A model that
is not named here (the embedded ones, a user's own) asks for nothing. Sources: the models' own cards and
licence files, as of November 2026; they decide, not this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Licence:
    """What a licence allows, in the words that its user needs."""

    name: str
    """SPDX, or what its author calls it."""

    notice: str
    """What to know before accepting it, as sentences."""

    url: str
    """Where the whole text is."""

    territory: str = "worldwide"
    """Where it holds; "worldwide", or what it leaves out."""

    commercial: bool = True
    """False: nothing made with the model may earn money; only those use it who say that they know."""

    take_note: str = ""
    """What a take says that was made with the model, as a sentence; empty: nothing."""


APACHE: Final = Licence(
    "Apache-2.0",
    "Use it for anything; keep the notices with copies of the weights.",
    "https://www.apache.org/licenses/LICENSE-2.0",
)
MIT: Final = Licence(
    "MIT",
    "Use it for anything; keep the notice with copies of the weights.",
    "https://opensource.org/license/mit",
)
STABILITY: Final = Licence(
    "Stability AI Community License",
    "Free for anything, commercial work too, while you or your company earn less than 1 million US dollars a "
    "year; above that an Enterprise licence is needed, and commercial users register with Stability AI.",
    "https://stability.ai/license",
    take_note="free for commercial use below 1 million US dollars of yearly revenue, "
    "above that Stability AI's Enterprise licence is needed.",
)
GEMMA: Final = Licence(
    "Gemma Terms of Use",
    "Use it for anything that Google's prohibited use policy does not name; the terms go along with copies.",
    "https://ai.google.dev/gemma/terms",
)
LLAMA: Final = Licence(
    "Llama 3.2 Community License",
    "Use it for anything that its acceptable use policy does not name; what is shipped with it says "
    '"Built with Llama"; above 700 million monthly users Meta has to be asked.',
    "https://www.llama.com/llama3_2/license",
)
NON_COMMERCIAL: Final = Licence(
    "CC-BY-NC-4.0",
    "For research and private use: nothing that is made with it may earn money, and its authors are named.",
    "https://creativecommons.org/licenses/by-nc/4.0",
    commercial=False,
    take_note="this take is not for commercial use.",
)
UNCLEAR: Final = Licence(
    "MIT by its README, without a licence file",
    "Its repository says MIT in a badge and holds no licence; ask its authors before you earn money with it.",
    "https://github.com/GenjiB/AVSiam",
    commercial=False,
    take_note="its repository holds no licence file: ask its authors before this take earns money.",
)
OWN: Final = Licence(
    "your own", "What you trained yourself is yours, as the data it learned from allows.", ""
)

LICENCES: Final[Mapping[str, Licence]] = {
    **dict.fromkeys(
        ("stable-audio-3-small", "stable-audio-3-small-base", "stable-audio-3-medium",
         "stable-audio-3-medium-base", "stable-audio-open", "stable-audio-open-small"),
        STABILITY,
    ),
    "stable-audio-controlnet": Licence(
        STABILITY.name,
        "A ControlNet is a derivative of Stable Audio Open, whose licence holds for it: " + STABILITY.notice,
        STABILITY.url,
        take_note=STABILITY.take_note,
    ),
    **dict.fromkeys(
        ("ace-step", "ace-step-sft", "ace-step-turbo", "ace-step-parts", "musicfm", "vjepa2", "whisper"), MIT
    ),
    **dict.fromkeys(("dinov2-small", "dinov2-base", "dinov2-large", "t5-base", "qwen3-vl", "vggish"), APACHE),
    **dict.fromkeys(("t5gemma-b-b-ul2", "gemma-3-4b-it"), GEMMA),
    "llama": LLAMA,
    "cotracker": NON_COMMERCIAL,
    "avsiam": UNCLEAR,
    "paper": OWN,
}  # fmt: skip
"""Licence of each model by its name in the store, which is the name of its backbone or encoder too."""


def licence_notes(names: Iterable[str]) -> tuple[str, ...]:
    """What a take has to say of the models that it was made with, a sentence each; none for most.

    Args:
        names: of backbones, encoders and models that wrote its prompt; what is not known asks for nothing.
    """
    known = [(name, LICENCES[name]) for name in dict.fromkeys(names) if name in LICENCES]
    return tuple(f"Made with {name} ({licence.name}): {licence.take_note}"
                 for name, licence in known if licence.take_note)  # fmt: skip
