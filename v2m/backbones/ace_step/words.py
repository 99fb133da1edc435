"""The text that ACE-Step was trained to read: what to do, what it should sound like, and the facts.

The sections, their labels and every line break are the model's own: a break left out is another text to it.
Lyrics are a second text; ours say that nobody sings.
Sources: ACE-Step 1.5, the prompts of its generation tasks.
"""

from __future__ import annotations

import re
from typing import Final

COMPOSE: Final = "Fill the audio semantic mask based on the given conditions:"
"""Asks for a whole window."""

REPAINT: Final = "Repaint the mask area based on the given conditions:"
"""Asks for what is missing between latents that are kept."""

INSTRUMENTAL: Final = "# Languages\nunknown\n\n# Lyric\n[Instrumental]<|endoftext|>"

TEXT_TOKENS: Final = 256
LYRIC_TOKENS: Final = 2048
"""What is longer is cut, as in the training."""

_BPM: Final = re.compile(r"\b(\d{2,3})\s*bpm\b", re.IGNORECASE)


def text_of(prompt: str, duration_s: float, *, instruction: str = COMPOSE) -> str:
    """The text for a prompt; a tempo in it ("at 118 BPM") is also told where the model looks for one.

    Args:
        prompt: in the user's words.
        duration_s: of the whole piece.
        instruction: `COMPOSE` or `REPAINT`.
    """
    tempo = _BPM.search(prompt)
    facts = (
        f"- bpm: {tempo[1] if tempo else 'N/A'}\n"
        "- timesignature: N/A\n"
        "- keyscale: N/A\n"
        f"- duration: {int(duration_s)} seconds\n"
    )
    return f"# Instruction\n{instruction}\n\n# Caption\n{prompt}\n\n# Metas\n{facts}<|endoftext|>\n"
