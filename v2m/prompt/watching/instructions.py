"""What the models are asked to do with pictures and words, and what is kept of their answers.

Source: the paper's appendix B gives the steps and what each should speak of; the words are ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from v2m.prompt.watching.description import Caption

CAPTION: Final = (
    "This is one frame of a film. Describe it in one sentence: where it is, what happens, who is there and "
    "what they seem to feel, and how light and colour feel. Answer with the sentence alone."
)
CAPTION_TOKENS: Final = 96
"""One long sentence."""

SUMMARY_TOKENS: Final = 192
PROMPT_TOKENS: Final = 96

_LONGEST_TRANSCRIPT: Final = 6000
"""Characters: some ten minutes of speech; of more the beginning, the middle and the end are read."""

_LONGEST_PROMPT: Final = 400
"""Characters: some sixty words, beyond which text encoders cut off."""


def for_summary(captions: Sequence[Caption]) -> str:
    """Asks for one account of many pictures, which repeat each other."""
    lines = "\n".join(f"{caption.time_s:.0f} s: {caption.text}" for caption in captions)
    return (
        "These describe frames of one film, in order of time:\n"
        f"{lines}\n"
        "Tell in three sentences at most what the film shows: its setting, what happens, and how its mood "
        "and energy change. Say nothing twice. Answer with the sentences alone."
    )


def for_prompt(transcript: str, summary: str) -> str:
    """Asks for the words that music is made from."""
    said = excerpt(transcript)
    return (
        "You write requests to a composer of film music.\n"
        f"What the film shows: {summary}\n"
        + (f'What is said in it: "{said}"\n' if said else "Nothing is said in it.\n")
        + "Write one line that asks for instrumental music which fits: genre, mood, instruments, intensity "
        "and tempo, separated by commas, 40 words at most. No names, nothing of the story. Answer with the "
        "line alone."
    )


def excerpt(transcript: str) -> str:
    """A transcript, or of a long one its beginning, middle and end."""
    if len(transcript) <= _LONGEST_TRANSCRIPT:
        return transcript.strip()
    third = _LONGEST_TRANSCRIPT // 3
    middle = len(transcript) // 2 - third // 2
    parts = (transcript[:third], transcript[middle : middle + third], transcript[-third:])
    return " … ".join(part.strip() for part in parts)


def tidy(answer: str) -> str:
    """An answer as one line, without marks that models put around it."""
    line = " ".join(answer.replace("*", " ").split())
    return line.strip("\"'` “”")


def tidy_prompt(answer: str) -> str:
    """The first line of an answer that says anything, without a heading, no longer than a prompt may be."""
    lines = [tidy(re.sub(r"^\W*(prompt|request|music)\s*:", "", line, flags=re.IGNORECASE))
             for line in answer.splitlines()]  # fmt: skip
    line = next((line for line in lines if line), "")
    return line if len(line) <= _LONGEST_PROMPT else line[:_LONGEST_PROMPT].rsplit(" ", 1)[0]
