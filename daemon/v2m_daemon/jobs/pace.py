"""How much of a whole job is done and how long it will still take, told from the stage that it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from v2m.stages import STAGES

SHARES: Final = {
    "read": 0.01,
    "analyze": 0.30,
    "plan": 0.05,
    "compose": 0.40,
    "render": 0.15,
    "master": 0.08,
    "place": 0.01,
}
"""Of the time of a job: a minute of 1080p24, one take, on two cores. Elsewhere the bar is only less even."""

_BEFORE: Final = {stage: sum(SHARES[earlier] for earlier in STAGES[:n]) for n, stage in enumerate(STAGES)}

SURE_FROM: Final = 0.05
"""Before this much is done, what is left cannot be told from it."""


@dataclass(frozen=True)
class Pace:
    """How far a job is."""

    stage: str = ""
    fraction: float = 0.0
    """Of the whole job; never falls."""

    eta_s: float | None = None
    message: str = ""

    def after(self, stage: str, done: float, message: str, elapsed_s: float) -> Pace:
        """The pace after a report.

        Args:
            stage: the stage that reports; one that is not known adds nothing to the fraction.
            done: of the stage, 0 to 1; what lies outside is taken for the nearest end.
            message: for a person.
            elapsed_s: since the job was taken up.
        """
        reached = 0.0
        if stage in SHARES and done == done:  # no NaN
            reached = _BEFORE[stage] + SHARES[stage] * min(1.0, max(0.0, done))
        fraction = min(0.999, max(self.fraction, reached))  # 1 is for what is in place
        eta_s = elapsed_s * (1 - fraction) / fraction if fraction >= SURE_FROM else None
        return Pace(stage, fraction, None if eta_s is None else round(eta_s, 1), message)
