"""How often ours was preferred to each peer, and whether that is luck.

Conventions: a win rate is ours over all votes against that peer; intervals are Wilson's at 95 %. p-values are
those of the paper's t tests and of the exact binomial test, both times the number of tests (Bonferroni):
peers times questions. Votes of one listener are not independent of each other; with few listeners the tests
promise more than they know, so the number of listeners stands beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from v2m.evaluation.listening.trials import QUESTIONS, Question, Test
from v2m.evaluation.listening.votes import Vote
from v2m.metrics.paired import WinRate, bonferroni, win_rate


@dataclass(frozen=True)
class Preference:
    """Ours against one peer under one question."""

    peer: str
    question: Question
    won: WinRate
    corrected_p_t: float
    corrected_p_exact: float


@dataclass(frozen=True)
class Preferences:
    """What a listening test came to."""

    ours: str
    by_peer: tuple[Preference, ...]
    votes: int
    listeners: int


def preferences(test: Test, votes: Sequence[Vote]) -> Preferences:
    """Count the votes; those on trials of another test are left out."""
    counted: dict[tuple[str, Question], list[bool]] = {}
    used = set()
    for vote in votes:
        trial = test.trial(vote.trial)
        if trial is None:
            continue
        used.add((vote.listener, vote.trial))
        peer = trial.right_is if trial.left_is == test.ours else trial.left_is
        ours = "left" if trial.left_is == test.ours else "right"
        for question in QUESTIONS:
            counted.setdefault((peer, question), []).append(getattr(vote, question) == ours)
    rates = {key: win_rate(sum(wins), len(wins)) for key, wins in sorted(counted.items())}
    t_tests = bonferroni([rate.p_t for rate in rates.values()])
    exact = bonferroni([rate.p_exact for rate in rates.values()])
    found = tuple(
        Preference(peer, question, rate, p_t, p_exact)
        for ((peer, question), rate), p_t, p_exact in zip(rates.items(), t_tests, exact, strict=True)
    )
    return Preferences(test.ours, found, len(used), len({listener for listener, _ in used}))
